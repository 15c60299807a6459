"""A fast engine: the accelerator's outputs, cycles and counters, computed instead of simulated.

It is exact to the cycle (`tests/cosim/fast`), because the timing of the hardware is a function of
the data: `job.py` computes a job as a whole, `engine.py` plays what surrounds the jobs.
"""

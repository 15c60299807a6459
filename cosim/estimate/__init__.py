"""Estimates from shapes and statistics alone: cycles of layers, latency of systems.

Nothing is simulated: no data, no events; an image takes a few microseconds. How far off they are is
measured by `scripts/estimate_error.py`.
"""

"""Runs jobs one after the other: starts the pipeline or the store stage, counts, interrupts."""

from myhdl import always_comb, always_seq, block, intbv

from hdl.bundles import bit, word

DRAIN_CYCLES = 3
"""From the last write of a job to its bitmap in every copy."""


@block
def control(
    clock, reset, job, status, start, compute_start, store_start, finished, stored, error,
    interrupt, job_running,
):  # fmt: skip
    """`start` begins the job in the job registers; a job ends when its last result is in memory.

    The pipeline starts in the cycle of `start`. Errors and jobs that ask for it set the interrupt
    status, acknowledged by `status.acknowledge`.
    """
    running, finishing = bit(), bit()
    drain = word(2)

    @always_comb
    def comb_start():
        compute_start.next = start and not job.store
        store_start.next = start and job.store
        status.busy.next = start or running
        job_running.next = start or running
        interrupt.next = (status.interrupts & status.enable) != 0

    @always_seq(clock.posedge, reset=reset)
    def seq_run():
        finishing.next = 0
        if start:
            running.next = 1
        elif finished:
            drain.next = DRAIN_CYCLES
        elif drain != 0:
            drain.next = drain - 1
        if stored or drain == 1:
            finishing.next = 1
            running.next = 0
        if start or running:
            count = intbv(0)[33:]
            count[:] = status.cycles + 1
            status.cycles.next = count[32:]
        if finishing:
            jobs = intbv(0)[33:]
            jobs[:] = status.jobs + 1
            status.jobs.next = jobs[32:]

    @always_seq(clock.posedge, reset=reset)
    def seq_interrupt():
        status.interrupts.next = status.interrupts & ~status.acknowledge
        if finishing and job.interrupt:
            status.interrupts.next[0] = 1
        if error != 0:
            status.interrupts.next[1] = 1
            if status.error == 0:
                status.error.next = error

    return comb_start, seq_run, seq_interrupt

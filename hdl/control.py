"""Runs jobs one after the other: starts the pipeline or the store stage, counts, interrupts."""

from myhdl import always_comb, always_seq, block, intbv

from hdl.bundles import bit
from hdl.config import AcceleratorConfig


def drain_cycles(config: AcceleratorConfig) -> int:
    """From the last write of a job to its end: then nothing that a next job reads is under way.

    `list` writes its copies a cycle late, but a job cannot start sooner than 3 cycles after an end.
    """
    return 1 if config.kind == "bitmap" else 0


@block
def control(
    clock, reset, job, status, start, compute_start, store_start, finished, stored, error,
    interrupt, job_running, *, config,
):  # fmt: skip
    """`start` begins the job in the job registers; a job ends when its last result is in memory.

    The pipeline starts in the cycle of `start`. Errors and jobs that ask for it set the interrupt
    status, acknowledged by `status.acknowledge`.
    """
    running, finishing, late_finished = bit(), bit(), bit()
    ended = late_finished if drain_cycles(config) else finished

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
        late_finished.next = finished
        if stored or ended:
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

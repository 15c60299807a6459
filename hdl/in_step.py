"""Lets the units of `bitmap` go through their filters in step, as published: group after group."""

from myhdl import always_comb, always_seq, block

from hdl.bundles import bit


@block
def in_step(clock, reset, start, job, sent, held):
    """Holds every unit at the start of its next filter until all have `sent` the one before.

    Only in jobs with `job.in_step`, of one window. All go on in the cycle after the last has sent,
    so that no cycle is lost beyond the waiting. `held` depends on registers alone.
    """
    units = len(sent)
    arrived = [bit() for _ in range(units)]
    everyone = bit()

    @always_comb
    def comb_held():
        complete = True
        for u in range(units):
            if not arrived[u]:
                complete = False
        everyone.next = complete

    @always_comb
    def comb_units():
        for u in range(units):
            held[u].next = job.in_step and arrived[u] and not everyone

    @always_seq(clock.posedge, reset=reset)
    def seq_arrived():
        for u in range(units):
            if start:
                arrived[u].next = 0
            elif sent[u]:
                arrived[u].next = 1
            elif everyone:
                arrived[u].next = 0

    return comb_held, comb_units, seq_arrived

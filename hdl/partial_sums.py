"""Two units to a filter: what is taken from the first of them is the sum of both."""

from myhdl import always, always_comb, block, intbv

from hdl.bundles import number, word


@block
def partial_sums(
    clock, job, results, offered, picked, taken, unit, whole, channel, place, *, config
):
    """Between the `results` of the units and the collector, which picks one of those `offered`.

    In a job with `partial_sums` units `2i` and `2i + 1` have a part of a filter each. They are
    offered as one, under the first's number, once both are there, and both are taken. `unit` is
    what was picked in the cycle before (`taken`), `whole` its sum, 1 cycle after `unit`. `place` is
    the output channel of a filter's `channel`, combinational.
    """
    valid, take, totals = results.valid, results.take, results.total
    pairs = config.units // 2
    first, second = number(len(whole)), number(len(whole))
    pair = word(len(unit))
    firsts, seconds = ([number(len(whole)) for _ in range(pairs)] for _ in range(2))

    @always_comb
    def comb_offer():
        for p in range(pairs):
            offered[2 * p].next = valid[2 * p]
            offered[2 * p + 1].next = valid[2 * p + 1]
            if job.partial_sums:
                offered[2 * p].next = valid[2 * p] and valid[2 * p + 1]
                offered[2 * p + 1].next = 0

    @always_comb
    def comb_take():
        for p in range(pairs):
            take[2 * p].next = picked[2 * p]
            take[2 * p + 1].next = picked[2 * p + 1] or (job.partial_sums and picked[2 * p])

    @always_comb
    def comb_pair():
        pair.next = unit >> 1
        place.next = channel
        if job.partial_sums:
            place.next = channel >> 1

    @always_comb
    def comb_halves():
        # each half has a multiplexer of its own, so that both parts can be read at once
        for p in range(pairs):
            firsts[p].next = totals[2 * p]
            seconds[p].next = totals[2 * p + 1]

    @always(clock.posedge)
    def seq_read():
        if taken:
            first.next = firsts[pair]
            if unit[0]:
                first.next = seconds[pair]
            second.next = 0
            if job.partial_sums:
                second.next = seconds[pair]

    @always_comb
    def comb_whole():
        whole.next = first + second

    return comb_offer, comb_take, comb_pair, comb_halves, seq_read, comb_whole


@block
def last_of_pairs(job, last, *, units):
    """The last unit under whose number results of a job come, or the last pair; combinational."""
    width = len(last)

    @always_comb
    def comb_last():
        number_found = intbv(0)[width:]
        number_found[:] = units - 1
        if job.last_filter < units:
            number_found[:] = job.last_filter
        if job.partial_sums:
            number_found[:] = number_found >> 1
        last.next = number_found

    return comb_last

"""Stage 8: max-pools results and writes them where they belong in the activation memory."""

from myhdl import always, always_comb, always_seq, block, intbv

from hdl.bundles import BEGIN, EMIT, FINAL, WRAP, bit, number, word
from hdl.memories import ram


@block
def count_filters(clock, reset, start, job, valid, flags, finished):
    """`finished` pulses 1 cycle after the last window of the job's last filter."""
    filters = word(17)

    @always_seq(clock.posedge, reset=reset)
    def seq_filters():
        finished.next = 0
        if start:
            filters.next = 0
        elif valid and flags[FINAL]:
            filters.next = filters + 1
            if filters == job.last_filter:
                finished.next = 1

    return seq_filters


@block
def pool_units(clock, reset, start, job, result, write, finished, *, config):
    """For units that take one filter after the other (bitmap, dense).

    Keeps the largest result of each unit's pooling window; `write` follows the last of a window by
    1 cycle. `finished` pulses with the write of the job's last element.
    """
    units = config.units
    bits = config.bits
    address_bits = config.element_address_bits
    limit = 1 << (bits - 1)
    origins = [word(address_bits) for _ in range(units)]
    places = [word(address_bits) for _ in range(units)]
    largest = [number(bits) for _ in range(units)]
    pooling = word(units)

    @always_seq(clock.posedge, reset=reset)
    def seq_pooling():
        write.enable.next = result.valid and result.flags[EMIT]
        if start:
            pooling.next = 0
        elif result.valid:
            pooling.next[result.unit] = not result.flags[EMIT]

    @always(clock.posedge)
    def seq_write():
        place = intbv(0)[address_bits + 1 :]
        if start:
            for u in range(units):
                place[:] = job.output + u
                origins[u].next = place[address_bits:]
                places[u].next = place[address_bits:]
        elif result.valid:
            value = intbv(0, min=-limit, max=limit)
            value[:] = result.total
            if pooling[result.unit] and largest[result.unit] > value:
                value[:] = largest[result.unit]
            largest[result.unit].next = value
            write.address.next = places[result.unit]
            write.data.next = value[bits:]
            if result.flags[FINAL]:
                place[:] = origins[result.unit] + units
                origins[result.unit].next = place[address_bits:]
                places[result.unit].next = place[address_bits:]
            elif result.flags[EMIT]:
                place[:] = places[result.unit] + job.pitch
                places[result.unit].next = place[address_bits:]

    counted = count_filters(clock, reset, start, job, result.valid, result.flags, finished)
    return seq_pooling, seq_write, counted


@block
def pool_channels(clock, reset, start, job, result, write, finished, *, config):
    """For units that go through all their filters at every window (list).

    Keeps the largest result of each channel's pooling window in a RAM; `write` follows the last of
    a window by 2 cycles. `finished` pulses with the write of the job's last element.
    """
    units = config.units
    bits = config.bits
    address_bits = config.element_address_bits
    limit = 1 << (bits - 1)
    origins = [word(address_bits) for _ in range(units)]
    places = [word(address_bits) for _ in range(units)]
    late_valid, again = bit(), bit()
    late_flags = word(len(result.flags))
    late_unit = word(len(result.unit))
    late_channel = word(len(result.channel))
    late_total = number(bits)
    stored, kept, written = word(bits), word(bits), word(bits)

    largest_memory = ram(
        clock, late_valid, late_channel, kept, result.valid, result.channel, stored,
        depth=config.bias_entries,
    )  # fmt: skip

    @always_comb
    def comb_largest():
        winner = intbv(0, min=-limit, max=limit)
        if again:
            winner[:] = written.signed()
        else:
            winner[:] = stored.signed()
        if late_flags[BEGIN] or late_total > winner:
            winner[:] = late_total
        kept.next = winner[bits:]

    @always_seq(clock.posedge, reset=reset)
    def seq_late():
        late_valid.next = result.valid
        write.enable.next = late_valid and late_flags[EMIT]

    @always(clock.posedge)
    def seq_write():
        place = intbv(0)[address_bits + 1 :]
        late_flags.next = result.flags
        late_unit.next = result.unit
        late_channel.next = result.channel
        late_total.next = result.total
        written.next = kept
        # a channel read in the cycle that writes it is taken from the writer
        again.next = late_valid and late_channel == result.channel
        if start:
            for u in range(units):
                place[:] = job.output + u
                origins[u].next = place[address_bits:]
                places[u].next = place[address_bits:]
        elif late_valid:
            write.address.next = places[late_unit]
            write.data.next = kept
            if not late_flags[WRAP]:
                place[:] = places[late_unit] + units
                places[late_unit].next = place[address_bits:]
            elif late_flags[EMIT]:
                place[:] = origins[late_unit] + job.pitch
                origins[late_unit].next = place[address_bits:]
                places[late_unit].next = place[address_bits:]
            else:
                places[late_unit].next = origins[late_unit]

    counted = count_filters(clock, reset, start, job, late_valid, late_flags, finished)
    return largest_memory, comb_largest, seq_late, seq_write, counted


@block
def merge_writes(result_write, load_write, write, load_ready):
    """Results, an element each, go before loads, a word each, which wait. Combinational."""

    @always_comb
    def comb_merge():
        load_ready.next = not result_write.enable
        if result_write.enable:
            write.enable.next = 1
            write.wide.next = 0
            write.address.next = result_write.address
            write.data.next = result_write.data
        else:
            write.enable.next = load_write.enable
            write.wide.next = 1
            write.address.next = load_write.address
            write.data.next = load_write.data

    return comb_merge

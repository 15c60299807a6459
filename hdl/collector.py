"""Stage 7: takes one finished filter a cycle, adds its bias and tells where its result goes."""

from myhdl import always, always_comb, always_seq, block, intbv

from hdl.bundles import WINDOW_FLAGS, bit, number, result_places, word
from hdl.config import REST_CYCLES, STREAM_BITS
from hdl.memories import ram
from hdl.packets import (
    CHANNEL_SHIFT_LOW,
    CHANNEL_SHIFT_WIDTH,
    MULTIPLIER_LOW,
    MULTIPLIER_WIDTH,
)
from hdl.partial_sums import partial_sums


@block
def collector(clock, reset, start, job, load, results, slot, place, flags, total, *, config):
    """Units with low numbers go first; a unit's results are `REST_CYCLES` apart at least.

    `total` follows the taken result by 5 cycles. Keeps each unit's output channel and window:
    `slot` asks `hdl.windows` for the window's `place` and `flags`. Throughput 1 result a cycle.
    Two units can have a filter together (`hdl.partial_sums`).
    """
    units = config.units
    depth = result_places(config)
    acc_bits = config.accumulator_bits
    channel_bits = len(total.channel)
    slot_bits = len(slot)
    slots_number = 1 << slot_bits
    index_bits = max(1, (units * depth - 1).bit_length())
    unit_bits = max(1, (units - 1).bit_length())
    entry_bits = STREAM_BITS * config.bias_words
    entry_low = len(load.entry) - entry_bits
    load_bits = len(load.entry)
    scaled = config.channel_scales
    multiplier_low = entry_bits - STREAM_BITS + MULTIPLIER_LOW
    multiplier_high = multiplier_low + MULTIPLIER_WIDTH
    shift_low = entry_bits - STREAM_BITS + CHANNEL_SHIFT_LOW
    shift_high = shift_low + CHANNEL_SHIFT_WIDTH
    valid, take, waiting_place, totals = results.valid, results.take, results.place, results.total
    two = depth == 2
    if config.partial_sums:
        valid, take = ([bit() for _ in range(units)] for _ in range(2))
    chosen, unit, read_unit = (word(unit_bits) for _ in range(3))
    index = word(index_bits)
    taking, taken = bit(), bit()
    resting = [[bit() for _ in range(units)] for _ in range(REST_CYCLES - 1)]
    first_rest, second_rest, third_rest = resting
    fresh = word(units)
    channels = [word(channel_bits) for _ in range(units)]
    slots = [word(slot_bits) for _ in range(units)]
    kept_channel, channel, entry_address, following = (word(channel_bits) for _ in range(4))
    kept_slot = word(slot_bits)
    end = bit()
    entry_data, entry = word(entry_bits), word(entry_bits)
    read_valid, late_valid, add_valid, late_end, add_end = (bit() for _ in range(5))
    read_total, late_total, add_total = (number(acc_bits) for _ in range(3))
    read_channel, late_channel, add_channel = (word(channel_bits) for _ in range(3))
    whole, output_channel = read_total, add_channel
    if config.partial_sums:
        whole, output_channel = number(acc_bits), word(channel_bits)
    late_place, add_place = word(len(place)), word(len(place))
    read_slot = word(slot_bits)
    late_flags, add_flags, add_entry = word(WINDOW_FLAGS), word(WINDOW_FLAGS), word(entry_bits)

    @always_comb
    def comb_load():
        whole = intbv(0)[load_bits:]
        whole[:] = load.entry >> entry_low
        entry_data.next = whole[entry_bits:]

    bias_memory = ram(
        clock, load.biases, load.address, entry_data, read_valid, entry_address, entry,
        depth=config.bias_entries,
    )  # fmt: skip

    @always_comb
    def comb_choose():
        found = intbv(0)[1:]
        number_found = intbv(0)[unit_bits:]
        found[:] = 0
        number_found[:] = 0
        for u in range(units):
            take[u].next = 0
            if (
                found == 0
                and valid[u]
                and not first_rest[u]
                and not second_rest[u]
                and not third_rest[u]
            ):
                found[:] = 1
                number_found[:] = u
                take[u].next = 1
        taking.next = found != 0
        chosen.next = number_found

    @always_seq(clock.posedge, reset=reset)
    def seq_rest():
        for u in range(units):
            first_rest[u].next = take[u]
            second_rest[u].next = first_rest[u]
            third_rest[u].next = second_rest[u]

    @always_seq(clock.posedge, reset=reset)
    def seq_valid():
        taken.next = taking
        read_valid.next = taken
        late_valid.next = read_valid
        add_valid.next = late_valid
        total.valid.next = add_valid

    @always(clock.posedge)
    def seq_taken():
        if taking:
            unit.next = chosen
            if two:
                doubled = intbv(0)[index_bits:]
                doubled[:] = chosen
                doubled[:] = doubled << 1
                if waiting_place[chosen]:
                    doubled[0] = 1
                index.next = doubled
            else:
                index.next = chosen

    @always_comb
    def comb_kept():
        kept_channel.next = channels[unit]
        kept_slot.next = slots[unit]

    @always_comb
    def comb_channel():
        channel.next = kept_channel
        if fresh[unit]:
            channel.next = unit

    @always_seq(clock.posedge, reset=reset)
    def seq_fresh():
        if start:
            for u in range(units):
                fresh.next[u] = 1
        elif taken:
            fresh.next[unit] = 0

    @always(clock.posedge)
    def seq_read():
        if taken:
            read_total.next = totals[index]
            read_unit.next = unit
            read_channel.next = channel
            read_slot.next = kept_slot
            if fresh[unit]:
                read_slot.next = 0

    @always_comb
    def comb_following():
        total = intbv(0)[channel_bits + 1 :]
        place_of_entry = intbv(0)[channel_bits + 1 :]
        total[:] = read_channel + units
        end.next = total > job.last_filter
        following.next = total[channel_bits:]
        # behind a register: the way to the bias memory is long
        place_of_entry[:] = job.bias + read_channel
        entry_address.next = place_of_entry[channel_bits:]

    @always(clock.posedge)
    def seq_kept():
        if read_valid:
            if end:
                channels[read_unit].next = read_unit
                slots[read_unit].next = (read_slot + 1) % slots_number
            else:
                channels[read_unit].next = following
                slots[read_unit].next = read_slot

    @always_comb
    def comb_slot():
        slot.next = read_slot

    @always(clock.posedge)
    def seq_total():
        if read_valid:
            late_total.next = whole
            late_channel.next = read_channel
            late_end.next = end
            late_place.next = place
            late_flags.next = flags
        if late_valid:
            add_total.next = late_total
            add_channel.next = late_channel
            add_end.next = late_end
            add_place.next = late_place
            add_flags.next = late_flags
            add_entry.next = entry
        if add_valid:
            address = intbv(0)[len(place) + 1 :]
            total.total.next = add_total + add_entry[acc_bits:].signed()
            address[:] = add_place + output_channel
            total.address.next = address[len(place) :]
            total.channel.next = add_channel
            total.flags.next = add_flags
            total.end.next = add_end
            if scaled:
                total.multiplier.next = add_entry[multiplier_high:multiplier_low]
                total.shift.next = add_entry[shift_high:shift_low]

    joined = []
    if config.partial_sums:
        joined = partial_sums(
            clock, job, results, valid, take, taken, unit, whole, add_channel, output_channel,
            config=config,
        )  # fmt: skip
    return (
        bias_memory, comb_load, comb_choose, seq_rest, seq_valid, seq_taken, comb_kept,
        comb_channel, seq_fresh, seq_read, joined, comb_following, seq_kept, comb_slot, seq_total,
    )  # fmt: skip

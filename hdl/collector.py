"""Stage 7: takes one finished window a cycle, adds its bias and hands it on."""

from myhdl import always, always_comb, always_seq, block, intbv

from hdl.bundles import FINAL, WRAP, bit, number, word
from hdl.memories import ram


@block
def collector(clock, reset, start, job, load, results, total, *, config):
    """Round robin over the units, from unit 0 at `start`.

    `total` follows the taken result by 3 cycles. Keeps each unit's output channel, for the bias.
    Throughput 1 window a cycle for all units.
    """
    units = config.units
    unit_bits = len(total.unit)
    acc_bits = config.accumulator_bits
    bias_bits = (config.bias_entries - 1).bit_length()
    valid = results.valid
    totals = results.total
    flags = results.flags
    take = results.take
    biases = [word(bias_bits) for _ in range(units)]
    firsts = [word(bias_bits) for _ in range(units)]
    first, chosen = word(unit_bits), word(unit_bits)
    taking = bit()
    bias_address = word(bias_bits)
    read_channel = word(bias_bits)
    bias_word = word(32)
    taken_valid = bit()
    taken_flags, read_flags = word(len(total.flags)), word(len(total.flags))
    listed = config.kind == "list"
    turn = WRAP if listed else FINAL
    taken_unit = word(unit_bits)
    taken_total = number(acc_bits)
    read_valid = bit()
    read_unit = word(unit_bits)
    read_total = number(acc_bits)

    bias_memory = ram(
        clock,
        load.biases,
        load.address,
        load.data,
        taken_valid,
        bias_address,
        bias_word,
        depth=config.bias_entries,
    )

    @always_comb
    def comb_choose():
        found = intbv(0)[1:]
        wrapped = intbv(0)[1:]
        place = intbv(0)[unit_bits:]
        found[:] = 0
        wrapped[:] = 0
        place[:] = 0
        for u in range(units):
            if valid[u]:
                if u >= first:
                    if found == 0:
                        found[:] = 1
                        place[:] = u
                elif found == 0 and wrapped == 0:
                    wrapped[:] = 1
                    place[:] = u
        taking.next = (found != 0) or (wrapped != 0)
        chosen.next = place
        for u in range(units):
            take[u].next = ((found != 0) or (wrapped != 0)) and place == u

    @always_seq(clock.posedge, reset=reset)
    def seq_valid():
        taken_valid.next = taking
        read_valid.next = taken_valid
        total.valid.next = read_valid
        if start:
            first.next = 0
        elif taking:
            if chosen == units - 1:
                first.next = 0
            else:
                first.next = chosen + 1

    @always(clock.posedge)
    def seq_channel():
        entry = intbv(0)[bias_bits + 1 :]
        if start:
            for u in range(units):
                entry[:] = job.bias[bias_bits:] + u
                biases[u].next = entry[bias_bits:]
                firsts[u].next = entry[bias_bits:]
        elif taking:
            entry[:] = biases[chosen] + units
            if listed:
                if flags[chosen][turn]:
                    entry[:] = firsts[chosen]
                biases[chosen].next = entry[bias_bits:]
            elif flags[chosen][turn]:
                biases[chosen].next = entry[bias_bits:]

    @always(clock.posedge)
    def seq_total():
        if taking:
            bias_address.next = biases[chosen]
            taken_unit.next = chosen
            taken_total.next = totals[chosen]
            taken_flags.next = flags[chosen]
        read_unit.next = taken_unit
        read_total.next = taken_total
        read_flags.next = taken_flags
        if listed:
            read_channel.next = bias_address
            total.channel.next = read_channel
        if read_valid:
            total.total.next = read_total + bias_word[acc_bits:].signed()
        total.unit.next = read_unit
        total.flags.next = read_flags

    return bias_memory, comb_choose, seq_valid, seq_channel, seq_total

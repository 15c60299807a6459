"""Stage 4 (bitmap): fetches the values of matched pairs from the banked activation memory."""

from myhdl import always_comb, always_seq, block, intbv

from hdl.bundles import bit, word
from hdl.memories import ram


@block
def bank_arbiter(clock, reset, pairs, room, read, monitor, *, config):
    """Grants each bank to one unit a cycle; which unit comes first rotates with every grant.

    A pair is granted if its bank is free and, at the end of a window, its unit has `room` for one
    more result. Ends without operands need no bank. Combinational from `pairs` to `read.row`.
    """
    units = config.units
    banks = config.banks
    bank_bits = (banks - 1).bit_length()
    address_bits = config.element_address_bits
    first = word(max(1, (units - 1).bit_length()))
    granted_any = bit()
    valid = pairs.valid
    needed = pairs.needed
    address = pairs.address
    window = pairs.window
    grant = pairs.grant
    row = read.row

    @always_comb
    def comb_arbiter():
        requests = intbv(0)[units * banks :]
        shifted = intbv(0)[units * banks :]
        wanting = intbv(0)[units:]
        preferred = intbv(0)[units:]
        inverted = intbv(0)[units + 1 :]
        lowest = intbv(0)[units:]
        grants = intbv(0)[units * banks :]
        losers = intbv(0)[units:]
        full = intbv(0)[units:]
        granted = intbv(0)[units:]
        requests[:] = 0
        grants[:] = 0
        losers[:] = 0
        full[:] = 0
        granted[:] = 0
        for u in range(units):
            if valid[u] and needed[u] and (room[u] or not window[u]):
                requests[address[u][bank_bits:] * units + u] = 1
        for b in range(banks):
            shifted[:] = requests >> (b * units)
            wanting[:] = shifted[units:]
            row[b].next = 0
            if wanting != 0:
                shifted[:] = wanting >> first
                preferred[:] = shifted[units:]
                if preferred != 0:
                    inverted[:] = (preferred ^ (2**units - 1)) + 1
                    lowest[:] = preferred & inverted[units:]
                    shifted[:] = lowest
                    shifted[:] = shifted << first
                    lowest[:] = shifted[units:]
                else:
                    inverted[:] = (wanting ^ (2**units - 1)) + 1
                    lowest[:] = wanting & inverted[units:]
                shifted[:] = lowest
                grants[:] = grants | (shifted << (b * units))
        for u in range(units):
            grant[u].next = 0
            if valid[u] and (room[u] or not window[u]):
                if not needed[u]:
                    grant[u].next = 1
                elif grants[address[u][bank_bits:] * units + u]:
                    grant[u].next = 1
                    granted[u] = 1
                    row[address[u][bank_bits:]].next = address[u][address_bits:bank_bits]
                else:
                    losers[u] = 1
            elif valid[u]:
                full[u] = 1
        granted_any.next = granted != 0
        read.enable.next = granted != 0
        monitor.operands.next = granted
        monitor.conflict.next = losers
        monitor.blocked.next = full

    @always_seq(clock.posedge, reset=reset)
    def seq_first():
        if granted_any:
            first.next = (first + 1) % units

    return comb_arbiter, seq_first


@block
def unit_operands(
    clock, reset, load, load_enable, needed, address, value, window, emit, final, grant,
    bank_data, operands, *, config,
):  # fmt: skip
    """Reads a granted pair's weight and selects its activation's bank; latency 2 cycles."""
    bits = config.bits
    lanes = config.lanes
    lane_bits = (lanes - 1).bit_length()
    bank_bits = (config.banks - 1).bit_length()
    value_bits = len(value)
    weight_word = word(32)
    weight_address = value(value_bits, lane_bits)
    read_valid, read_window, read_emit, read_final = (bit() for _ in range(4))
    lane = word(lane_bits)
    bank = word(bank_bits)

    weight_memory = ram(
        clock,
        load_enable,
        load.address,
        load.data,
        grant,
        weight_address,
        weight_word,
        depth=config.weight_words,
    )

    @always_seq(clock.posedge, reset=reset)
    def seq_operands():
        shifted = intbv(0)[32:]
        read_valid.next = grant and needed
        read_window.next = grant and window
        operands.valid.next = read_valid
        operands.window.next = read_window
        if grant:
            read_emit.next = emit
            read_final.next = final
            lane.next = value[lane_bits:]
            bank.next = address[bank_bits:]
        operands.emit.next = read_emit
        operands.final.next = read_final
        if read_valid:
            shifted[:] = weight_word >> (lane * bits)
            operands.weight.next = shifted[bits:].signed()
            operands.activation.next = bank_data[bank].signed()

    return weight_memory, seq_operands

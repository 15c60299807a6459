"""Stage 4 (bitmap): fetches the values of matched pairs from the banked activation memory."""

from myhdl import always_comb, always_seq, block, intbv

from hdl.bundles import bit, word
from hdl.memories import ram


@block
def bank_arbiter(clock, reset, start, pairs, room, read, monitor, *, config):
    """Grants each of a bank's two copies to one unit a cycle.

    A pair is granted unless two units before it want its bank; the unit that comes first rotates
    with every grant, from unit 0 at `start`. At the end of a window its unit must have `room` for
    one more result. Ends without operands need no bank. Combinational from `pairs` to `read.row`.
    """
    units = config.units
    banks = config.banks
    port_bits = (2 * banks - 1).bit_length()
    first = word(max(1, (units - 1).bit_length()))
    granted_any = bit()
    valid = pairs.valid
    needed = pairs.needed
    bank = pairs.bank
    pair_row = pairs.row
    window = pairs.window
    grant = pairs.grant
    copy = pairs.copy
    row = read.row

    @always_comb
    def comb_arbiter():
        requests = intbv(0)[units:]
        once = intbv(0)[units:]
        twice = intbv(0)[units:]
        granted = intbv(0)[units:]
        losers = intbv(0)[units:]
        full = intbv(0)[units:]
        # as wide as the sum: in VHDL a constant operand gets the width of the other one
        chosen = intbv(0)[port_bits:]
        requests[:] = 0
        once[:] = 0
        twice[:] = 0
        granted[:] = 0
        losers[:] = 0
        full[:] = 0
        for u in range(units):
            if valid[u] and needed[u] and (room[u] or not window[u]):
                requests[u] = 1
        for u in range(1, units):
            for v in range(u):
                if requests[u] and requests[v] and bank[u] == bank[v]:
                    if u >= first and v < first:
                        if once[v]:
                            twice[v] = 1
                        once[v] = 1
                    else:
                        if once[u]:
                            twice[u] = 1
                        once[u] = 1
        for p in range(2 * banks):
            row[p].next = 0
        for u in range(units):
            grant[u].next = 0
            copy[u].next = once[u]
            if valid[u] and (room[u] or not window[u]):
                if not needed[u]:
                    grant[u].next = 1
                elif twice[u]:
                    losers[u] = 1
                else:
                    grant[u].next = 1
                    granted[u] = 1
                    chosen[:] = bank[u]
                    if once[u]:
                        chosen[:] = chosen + banks
                    row[chosen].next = pair_row[u]
            elif valid[u]:
                full[u] = 1
        granted_any.next = granted != 0
        read.enable.next = granted != 0
        monitor.operands.next = granted
        monitor.conflict.next = losers
        monitor.blocked.next = full

    @always_seq(clock.posedge, reset=reset)
    def seq_first():
        if start:
            first.next = 0
        elif granted_any:
            first.next = (first + 1) % units

    return comb_arbiter, seq_first


@block
def unit_operands(
    clock, reset, load, load_enable, needed, bank, copy, value, window, flags, grant,
    bank_data, operands, *, config,
):  # fmt: skip
    """Reads a granted pair's weight and selects its activation's port; latency 2 cycles."""
    bits = config.bits
    lanes = config.lanes
    lane_bits = (lanes - 1).bit_length()
    banks = config.banks
    port_bits = (2 * banks - 1).bit_length()
    value_bits = len(value)
    weight_word = word(32)
    weight_address = value(value_bits, lane_bits)
    read_valid, read_window = bit(), bit()
    read_flags = word(len(flags))
    lane = word(lane_bits)
    port = word(port_bits)

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
        read_valid.next = grant and needed
        read_window.next = grant and window
        operands.valid.next = read_valid
        operands.window.next = read_window
        if grant:
            read_flags.next = flags
            lane.next = value[lane_bits:]
            if copy:
                wide_bank = intbv(0)[port_bits:]
                wide_bank[:] = bank
                port.next = wide_bank + banks
            else:
                port.next = bank
        operands.flags.next = read_flags
        if read_valid:
            shifted = intbv(0)[32:]
            shift = intbv(0)[5:]
            shift[:] = lane
            shifted[:] = weight_word >> (shift * bits)
            operands.weight.next = shifted[bits:].signed()
            operands.activation.next = bank_data[port].signed()

    return weight_memory, seq_operands

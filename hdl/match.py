"""Stage 3 (bitmap): finds the next matching pair of a section and queues it."""

from myhdl import always, always_comb, always_seq, block, intbv

from hdl.bundles import bit, word
from hdl.config import SECTION_BITS


@block
def match(
    clock, reset, section, advance, valid, needed, bank, row, value, window, flags, grant,
    *, config, operations,
):  # fmt: skip
    """One matching pair a cycle, lowest element first, into a four-deep match buffer.

    A section with `n` matches takes `max(1, n)` cycles (Alcolea et al.); the last section of a
    window without a match queues its end alone (`needed` low). `advance` is combinational: the
    section is used up, or there is none. The oldest pair stands at the output until `grant`.
    """
    lowest_one = operations.lowest_one
    ones_below = operations.ones_below
    depth = config.match_buffer_depth
    bank_bits = len(bank)
    address_bits = bank_bits + len(row)
    value_bits = len(value)
    remaining, rest = word(SECTION_BITS), word(SECTION_BITS)
    fresh = bit()
    push, found = bit(), bit()
    ends = bit()
    index, below = word(5), word(6)
    count = word(3)
    write_pointer, read_pointer = word(2), word(2)
    addresses = [word(address_bits) for _ in range(depth)]
    values = [word(value_bits) for _ in range(depth)]
    needs = [bit() for _ in range(depth)]
    windows = [bit() for _ in range(depth)]
    all_flags = [word(len(flags)) for _ in range(depth)]

    @always_comb
    def comb_match():
        vector = intbv(0)[SECTION_BITS:]
        place = intbv(0)[5:]
        if fresh:
            vector[:] = section.matches
        else:
            vector[:] = remaining
        place[:] = lowest_one(vector)
        index.next = place
        below.next = ones_below(section.weights, place)
        found.next = vector != 0
        vector[place] = 0
        rest.next = vector
        ends.next = vector == 0

    @always_comb
    def comb_advance():
        push.next = 0
        advance.next = not section.valid
        if section.valid:
            if not found and not section.window:
                advance.next = 1
            elif count != depth:
                push.next = 1
                advance.next = ends

    @always_seq(clock.posedge, reset=reset)
    def seq_match():
        if advance:
            fresh.next = 1
        elif push:
            fresh.next = 0
            remaining.next = rest
        if push:
            write_pointer.next = (write_pointer + 1) % depth
        if grant:
            read_pointer.next = (read_pointer + 1) % depth
        if push and not grant:
            count.next = count + 1
        elif grant and not push:
            count.next = count - 1

    @always(clock.posedge)
    def seq_buffer():
        if push:
            total = intbv(0)[address_bits + 1 :]
            value_total = intbv(0)[value_bits + 1 :]
            total[:] = section.address + index
            value_total[:] = section.value + below
            addresses[write_pointer].next = total[address_bits:]
            values[write_pointer].next = value_total[value_bits:]
            needs[write_pointer].next = found
            windows[write_pointer].next = section.window and ends
            all_flags[write_pointer].next = section.flags

    @always_comb
    def comb_head():
        valid.next = count != 0
        bank.next = addresses[read_pointer][bank_bits:]
        row.next = addresses[read_pointer][address_bits:bank_bits]
        value.next = values[read_pointer]
        needed.next = needs[read_pointer]
        window.next = windows[read_pointer]
        flags.next = all_flags[read_pointer]

    return comb_match, comb_advance, seq_match, seq_buffer, comb_head

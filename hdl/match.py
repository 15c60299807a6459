"""Stage 5 (bitmap): finds the matching pairs of a section, one a cycle."""

from myhdl import always, always_comb, always_seq, block, intbv

from hdl.bundles import bit, word
from hdl.config import SECTION_BITS


@block
def match(
    clock, reset, advance, valid, weights, matches, address, value, last, held, room, sent,
    searching, pair_valid, pair_address, pair_value, pair_last, empty, blocked, *, operations,
):  # fmt: skip
    """One matching pair a cycle, lowest element first: a section takes `max(1, matches)` cycles.

    (Alcolea et al.) `advance` asks for the next section with the next edge. A filter's end leaves
    with its last pair, or alone, and only if there is `room` for its result; `sent` announces it.
    The search rests while `held`. The addresses of a pair's operands come 2 cycles after it is
    found, with `pair_last`; `empty` and `blocked` tell with them why there is none. Nothing waits
    after a pair is found.
    """
    index_of = operations.one_hot_index
    ones = operations.ones
    address_bits, value_bits = len(address), len(value)
    remaining, kept_weights = word(SECTION_BITS), word(SECTION_BITS)
    lowest, below_ones, rest, mask = (word(SECTION_BITS) for _ in range(4))
    kept_address, found_address, late_address = (word(address_bits) for _ in range(3))
    kept_value, found_value, late_value = (word(value_bits) for _ in range(3))
    place, below = word(5), word(6)
    section_valid, kept_last, found, done, goes, may_end = (bit() for _ in range(6))
    found_pair, found_last, found_empty, found_blocked = (bit() for _ in range(4))

    @always_comb
    def comb_rest():
        lower = intbv(0)[SECTION_BITS + 1 :]
        lower[:] = remaining
        lower[SECTION_BITS] = 1
        lower[:] = lower - 1
        rest.next = remaining & lower[SECTION_BITS:]
        mask.next = lower[SECTION_BITS:] & ~remaining
        found.next = remaining != 0

    @always_comb
    def comb_done():
        done.next = rest == 0

    @always_comb
    def comb_may_end():
        may_end.next = not held and (room or not kept_last)

    @always_comb
    def comb_advance():
        searching.next = section_valid
        goes.next = not section_valid or (done and may_end)
        advance.next = not section_valid or (done and may_end)
        sent.next = section_valid and done and kept_last and may_end

    @always_seq(clock.posedge, reset=reset)
    def seq_state():
        if goes:
            section_valid.next = valid
        # a filter's last pair waits for room
        found_pair.next = section_valid and found and not held and (not done or may_end)
        found_last.next = section_valid and done and kept_last and may_end
        found_empty.next = section_valid and not found and may_end
        found_blocked.next = section_valid and done and kept_last and not room and not held
        pair_valid.next = found_pair
        pair_last.next = found_last
        empty.next = found_empty
        blocked.next = found_blocked

    @always(clock.posedge)
    def seq_section():
        if goes:
            remaining.next = matches
            kept_weights.next = weights
            kept_address.next = address
            kept_value.next = value
            kept_last.next = last
        elif not held and not (done and kept_last):
            remaining.next = rest

    @always(clock.posedge)
    def seq_found():
        lowest.next = remaining & ~rest
        below_ones.next = kept_weights & mask
        found_address.next = kept_address
        found_value.next = kept_value

    @always(clock.posedge)
    def seq_place():
        place.next = index_of(lowest)
        below.next = ones(below_ones)
        late_address.next = found_address
        late_value.next = found_value

    @always_comb
    def comb_addresses():
        total = intbv(0)[address_bits + 1 :]
        value_total = intbv(0)[value_bits + 1 :]
        total[:] = late_address + place
        value_total[:] = late_value + below
        pair_address.next = total[address_bits:]
        pair_value.next = value_total[value_bits:]

    return (
        comb_rest, comb_done, comb_may_end, comb_advance, seq_state, seq_section, seq_found,
        seq_place, comb_addresses,
    )  # fmt: skip

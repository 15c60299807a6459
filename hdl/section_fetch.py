"""Stages 3 and 4 (bitmap): fetches weight and activation bitmaps and aligns them."""

from myhdl import always, always_comb, block, intbv

from hdl.bundles import bit, word
from hdl.config import SECTION_BITS
from hdl.memories import ram, section_pair_ram


@block
def section_fetch(
    clock, advance, load_enable, load_address, load_entry, bitmap_write, address, weight, last,
    weights, matches, section_address, value, section_last, *, config,
):  # fmt: skip
    """The section of weights number `weight` and of activations from element `address` on.

    `weights`, its first value's index and `section_address` come 2 cycles later; a section of
    activations starts at any element, so the two bitmap words that cover it are read at once and
    shifted into place. `matches` are combinational from there. Every stage moves only in a cycle
    with `advance`. Throughput 1 section a cycle.
    """
    entry_bits = len(load_entry)
    entry = word(entry_bits)
    even, odd = word(SECTION_BITS), word(SECTION_BITS)
    both = word(2 * SECTION_BITS)
    read_address = word(len(address))
    read_last = bit()
    value_bits = len(value)
    value_high = SECTION_BITS + value_bits

    weight_memory = ram(
        clock, load_enable, load_address, load_entry, advance, weight, entry,
        depth=config.bitmap_words,
    )  # fmt: skip
    activation_memory = section_pair_ram(
        clock, bitmap_write, advance, address, even, odd,
        depth=config.activation_elements // SECTION_BITS,
    )  # fmt: skip

    @always(clock.posedge)
    def seq_read():
        if advance:
            read_address.next = address
            read_last.next = last

    @always(clock.posedge)
    def seq_pair():
        if advance:
            pair = intbv(0)[2 * SECTION_BITS :]
            if read_address[5]:
                pair[2 * SECTION_BITS : SECTION_BITS] = even
                pair[SECTION_BITS:] = odd
            else:
                pair[2 * SECTION_BITS : SECTION_BITS] = odd
                pair[SECTION_BITS:] = even
            both.next = pair
            weights.next = entry[SECTION_BITS:]
            value.next = entry[value_high:SECTION_BITS]
            section_address.next = read_address
            section_last.next = read_last

    @always_comb
    def comb_matches():
        shifted = intbv(0)[2 * SECTION_BITS :]
        shifted[:] = both >> section_address[5:]
        matches.next = shifted[SECTION_BITS:] & weights

    return weight_memory, activation_memory, seq_read, seq_pair, comb_matches

"""Stage 2 (bitmap): fetches weight and activation bitmaps and aligns them into a section."""

from myhdl import always_seq, block, intbv

from hdl.bundles import FINAL, bit, word
from hdl.config import SECTION_BITS
from hdl.memories import ram, section_pair_ram


@block
def fetch(
    clock,
    reset,
    start,
    job,
    load,
    load_enable,
    bitmap_write,
    step,
    advance,
    section,
    *,
    config,
    operations,
):
    """Turns `step` into `section`, two cycles later; both move only in a cycle with `advance`.

    An activation section starts at any element: the two bitmap words that cover it are read at once
    and shifted into place. Also keeps the index of each section's first packed weight value.
    Throughput 1 section a cycle.
    """
    ones = operations.ones
    address_bits = config.element_address_bits
    value_bits = len(section.value)
    value_mask_bits = value_bits + 1
    weights, even, odd = (word(SECTION_BITS) for _ in range(3))
    read_valid, read_window = bit(), bit()
    read_flags = word(len(step.flags))
    read_address = word(address_bits)
    value, filter_value = word(value_bits), word(value_bits)

    weight_memory = ram(
        clock,
        load_enable,
        load.address,
        load.data,
        advance,
        step.weight,
        weights,
        depth=config.bitmap_words,
    )
    activation_memory = section_pair_ram(
        clock,
        bitmap_write,
        advance,
        step.address,
        even,
        odd,
        depth=config.activation_elements // SECTION_BITS,
    )

    @always_seq(clock.posedge, reset=reset)
    def seq_fetch():
        both = intbv(0)[2 * SECTION_BITS :]
        following = intbv(0)[value_mask_bits:]
        if start:
            value.next = job.values[value_bits:]
            filter_value.next = job.values[value_bits:]
        elif advance:
            read_valid.next = step.valid
            read_address.next = step.address
            read_window.next = step.window
            read_flags.next = step.flags
            section.valid.next = read_valid
            if read_valid:
                if read_address[5]:
                    both[2 * SECTION_BITS : SECTION_BITS] = even
                    both[SECTION_BITS:] = odd
                else:
                    both[2 * SECTION_BITS : SECTION_BITS] = odd
                    both[SECTION_BITS:] = even
                both[:] = both >> read_address[5:]
                section.weights.next = weights
                section.matches.next = weights & both[SECTION_BITS:]
                section.address.next = read_address
                section.value.next = value
                section.window.next = read_window
                section.flags.next = read_flags
                following[:] = value + ones(weights)
                if read_flags[FINAL]:
                    filter_value.next = following[value_bits:]
                    value.next = following[value_bits:]
                elif read_window:
                    value.next = filter_value
                else:
                    value.next = following[value_bits:]

    return weight_memory, activation_memory, seq_fetch

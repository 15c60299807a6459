"""Stage 9 (bitmap): keeps the bitmaps of the activations beside their values."""

from myhdl import always, always_comb, always_seq, block, intbv

from hdl.bundles import bit, word
from hdl.config import SECTION_BITS, STREAM_BITS
from hdl.memories import ram


@block
def compress(clock, reset, write, bitmap_write, *, config):
    """Keeps one non-zero bit an element: reads a section, changes it, writes all copies.

    Latency 2 cycles, one write a cycle; consecutive writes to one section are forwarded.
    """
    lanes = config.lanes
    bits = config.bits
    address_bits = config.element_address_bits
    section_bits = address_bits - 5
    pending, again = bit(), bit()
    section = word(section_bits)
    mask, ones, stored = word(SECTION_BITS), word(SECTION_BITS), word(SECTION_BITS)
    last_data = word(SECTION_BITS)
    read_section = write.address(address_bits, 5)

    shadow = ram(
        clock,
        bitmap_write.enable,
        bitmap_write.address,
        bitmap_write.data,
        write.enable,
        read_section,
        stored,
        depth=config.activation_elements // SECTION_BITS,
    )

    @always_seq(clock.posedge, reset=reset)
    def seq_pending():
        pending.next = write.enable

    @always(clock.posedge)
    def seq_change():
        if write.enable:
            covered = intbv(0)[SECTION_BITS:]
            flags = intbv(0)[SECTION_BITS:]
            element = intbv(0)[STREAM_BITS:]
            covered[:] = 0
            flags[:] = 0
            if write.wide:
                for lane in range(lanes):
                    covered[lane] = 1
                    element[:] = write.data >> (lane * bits)
                    if element[bits:] != 0:
                        flags[lane] = 1
            else:
                covered[0] = 1
                if write.data[bits:] != 0:
                    flags[0] = 1
            section.next = read_section
            mask.next = covered << write.address[5:]
            ones.next = flags << write.address[5:]
        if bitmap_write.enable:
            last_data.next = bitmap_write.data
        # the section read in the cycle that writes it is taken from the writer
        again.next = bitmap_write.enable and bitmap_write.address == read_section

    @always_comb
    def comb_merge():
        word_before = intbv(0)[SECTION_BITS:]
        if again:
            word_before[:] = last_data
        else:
            word_before[:] = stored
        bitmap_write.enable.next = pending
        bitmap_write.address.next = section
        bitmap_write.data.next = (word_before & ~mask) | ones

    return shadow, seq_pending, seq_change, comb_merge

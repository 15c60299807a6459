"""Stage 9: max-pools, addresses and compresses results into the activation memory."""

from myhdl import always, always_comb, always_seq, block, intbv

from hdl.bundles import bit, number, word
from hdl.config import SECTION_BITS, STREAM_BITS
from hdl.memories import ram


@block
def pool_and_address(clock, reset, start, job, result, write, finished, *, config):
    """Keeps the largest result of each unit's pooling window; writes it where it belongs.

    `write` follows the last result of a pooling window by 1 cycle. `finished` pulses with the write
    of the job's last element.
    """
    units = config.units
    bits = config.bits
    address_bits = config.element_address_bits
    limit = 1 << (bits - 1)
    origins = [word(address_bits) for _ in range(units)]
    places = [word(address_bits) for _ in range(units)]
    largest = [number(bits) for _ in range(units)]
    pooling = word(units)
    filters = word(17)

    @always_seq(clock.posedge, reset=reset)
    def seq_finish():
        write.enable.next = result.valid and result.emit
        finished.next = 0
        if start:
            filters.next = 0
            pooling.next = 0
        elif result.valid:
            pooling.next[result.unit] = not result.emit
            if result.final:
                filters.next = filters + 1
                if filters == job.last_filter:
                    finished.next = 1

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
            if result.final:
                place[:] = origins[result.unit] + units
                origins[result.unit].next = place[address_bits:]
                places[result.unit].next = place[address_bits:]
            elif result.emit:
                place[:] = places[result.unit] + job.pitch
                places[result.unit].next = place[address_bits:]

    return seq_finish, seq_write


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

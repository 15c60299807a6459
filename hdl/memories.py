"""Block RAMs: one write port, one registered read port, plain clocked processes."""

from myhdl import Signal, always, block, intbv


@block
def ram(
    clock, write_enable, write_address, write_data, read_enable, read_address, read_data, *, depth
):
    """A simple dual-port RAM of `depth` words as wide as `read_data`; high write bits fall away.

    Latency: 1 cycle from `read_enable` to `read_data`, which then holds. Reading a word in the
    cycle that writes it gives an undefined word in hardware; callers must not do it.
    """
    words = [Signal(intbv(0)[len(read_data) :]) for _ in range(depth)]
    address_bits = (depth - 1).bit_length()
    width = len(read_data)

    @always(clock.posedge)
    def seq_ram():
        if write_enable:
            words[write_address[address_bits:]].next = write_data[width:]
        if read_enable:
            read_data.next = words[read_address]

    return seq_ram


@block
def section_pair_ram(clock, write, read_enable, section, even, odd, *, depth):
    """Bitmap sections in two RAMs, so that sections `section` and `section + 1` come out together.

    `even` is whichever of the two has the even index. Latency 1 cycle; `depth` in sections.
    """
    even_words = [Signal(intbv(0)[len(even) :]) for _ in range(depth // 2)]
    odd_words = [Signal(intbv(0)[len(odd) :]) for _ in range(depth // 2)]
    address_bits = len(section)

    @always(clock.posedge)
    def seq_ram():
        even_section = intbv(0)[address_bits + 1 :]
        even_row = intbv(0)[address_bits - 1 :]
        if write.enable:
            if write.address[0]:
                odd_words[write.address[:1]].next = write.data
            else:
                even_words[write.address[:1]].next = write.data
        if read_enable:
            even_section[:] = section + 1
            even_row[:] = even_section[address_bits:1]
            even.next = even_words[even_row]
            odd.next = odd_words[section[:1]]

    return seq_ram

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
def section_pair_ram(clock, write, read_enable, address, even, odd, *, depth):
    """Bitmap sections in two RAMs, so that two neighbours come out together.

    Reads the section that holds element `address` and the next one; `even` is whichever of the two
    has the even index. Latency 1 cycle; `depth` in sections.
    """
    even_words = [Signal(intbv(0)[len(even) :]) for _ in range(depth // 2)]
    odd_words = [Signal(intbv(0)[len(odd) :]) for _ in range(depth // 2)]
    address_bits = len(address)
    section_bits = address_bits - 5

    @always(clock.posedge)
    def seq_ram():
        neighbour = intbv(0)[section_bits + 1 :]
        row = intbv(0)[section_bits - 1 :]
        if write.enable:
            if write.address[0]:
                odd_words[write.address[:1]].next = write.data
            else:
                even_words[write.address[:1]].next = write.data
        if read_enable:
            neighbour[:] = address[address_bits:5] + 1
            row[:] = neighbour[section_bits:1]
            even.next = even_words[row]
            odd.next = odd_words[address[address_bits:6]]

    return seq_ram

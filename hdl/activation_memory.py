"""The activation values of `bitmap`: banks that all units share, element `e` in `e mod banks`."""

from myhdl import Signal, always, always_comb, block, intbv

from hdl.bundles import word


@block
def bank(
    clock, write, read_enable, row_first, row_second, store_enable, store_row, first, second,
    *, index, config,
):  # fmt: skip
    """Bank `index`, kept twice: takes its share of `write`, reads each copy.

    Latency 1 cycle. The store stage reads the first copy, and only while no unit reads.
    """
    bits = config.bits
    bank_bits = (config.banks - 1).bit_length()
    lane_bits = (config.lanes - 1).bit_length()
    address_bits = config.element_address_bits
    rows = config.activation_elements // config.banks
    row_bits = address_bits - bank_bits
    lane_shift = (index % config.lanes) * bits
    word_index = index // config.lanes
    several_words = bank_bits > lane_bits
    word_high = max(bank_bits, lane_bits + 1)
    values = [Signal(intbv(0)[bits:]) for _ in range(rows)]
    copies = [Signal(intbv(0)[bits:]) for _ in range(rows)]

    @always(clock.posedge)
    def seq_bank():
        if write.enable:
            shifted = intbv(0)[32:]
            here = intbv(0)[1:]
            here[:] = 0
            shifted[:] = write.data
            if write.wide:
                shifted[:] = write.data >> lane_shift
                if several_words:
                    if write.address[word_high:lane_bits] == word_index:
                        here[:] = 1
                else:
                    here[:] = 1
            elif write.address[bank_bits:] == index:
                here[:] = 1
            if here != 0:
                values[write.address[address_bits:bank_bits]].next = shifted[bits:]
                copies[write.address[address_bits:bank_bits]].next = shifted[bits:]
        if read_enable or store_enable:
            row = intbv(0)[row_bits:]
            row[:] = row_first
            if store_enable:
                row[:] = store_row
            first.next = values[row]
        if read_enable:
            second.next = copies[row_second]

    return seq_bank


@block
def word_of_banks(clock, store, data, *, config):
    """Puts the store stage's word together from the banks that hold it; combinational."""
    lanes = config.lanes
    bits = config.bits
    group_bits = (config.banks // lanes - 1).bit_length()
    several_groups = group_bits > 0
    sliced_bits = max(1, group_bits)
    # one bit wider than an index: in VHDL a constant operand gets the width of the other one
    group = word((config.banks - 1).bit_length() + 1)

    @always(clock.posedge)
    def seq_group():
        if store.enable:
            group.next = 0
            if several_groups:
                group.next = store.address[sliced_bits:]

    @always_comb
    def comb_word():
        together = intbv(0)[32:]
        element = intbv(0)[32:]
        together[:] = 0
        for lane in range(lanes):
            element[:] = data[group * lanes + lane]
            together[:] = together | (element << (lane * bits))
        store.data.next = together

    return seq_group, comb_word


@block
def activation_memory(clock, write, read, store, *, config):
    """All banks; see `bank`. One element a port and cycle out, one write a cycle in.

    The store stage reads whole words while no unit reads.
    """
    group_bits = (config.banks // config.lanes - 1).bit_length()
    store_row = store.address(len(store.address), group_bits)
    banks = []
    for index in range(config.banks):
        second = index + config.banks
        banks.append(
            bank(
                clock,
                write,
                read.enable,
                read.row[index],
                read.row[second],
                store.enable,
                store_row,
                read.data[index],
                read.data[second],
                index=index,
                config=config,
            )
        )
    return banks, word_of_banks(clock, store, read.data, config=config)

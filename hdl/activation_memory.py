"""The activation values: banks that all units share; element `e` lives in bank `e mod banks`."""

from myhdl import Signal, always, block, intbv


@block
def bank(clock, write, read_enable, read_row, store_enable, store_row, data, *, index, config):
    """Bank `index`: writes its share of `write`, reads for the units or for the store stage.

    Latency 1 cycle. The store stage only reads while no unit does.
    """
    bits = config.bits
    lanes = config.lanes
    bank_bits = (config.banks - 1).bit_length()
    lane_bits = (lanes - 1).bit_length()
    address_bits = config.element_address_bits
    rows = config.activation_elements // config.banks
    lane_shift = (index % lanes) * bits
    word_of_row = index // lanes
    row_bits = address_bits - bank_bits
    values = [Signal(intbv(0)[bits:]) for _ in range(rows)]
    several_words = bank_bits > lane_bits
    word_high = max(bank_bits, lane_bits + 1)

    @always(clock.posedge)
    def seq_bank():
        shifted = intbv(0)[32:]
        row = intbv(0)[row_bits:]
        here = intbv(0)[1:]
        if write.enable:
            here[:] = 0
            shifted[:] = write.data
            if write.wide:
                shifted[:] = write.data >> lane_shift
                if several_words:
                    if write.address[word_high:lane_bits] == word_of_row:
                        here[:] = 1
                else:
                    here[:] = 1
            elif write.address[bank_bits:] == index:
                here[:] = 1
            if here != 0:
                values[write.address[address_bits:bank_bits]].next = shifted[bits:]
        row[:] = read_row
        if store_enable:
            row[:] = store_row
        if read_enable or store_enable:
            data.next = values[row]

    return seq_bank


@block
def activation_memory(clock, write, read, store_enable, store_row, *, config):
    """All banks; see `bank`. One element a bank and cycle out, one write a cycle in."""
    banks = [
        bank(
            clock,
            write,
            read.enable,
            read.row[b],
            store_enable,
            store_row,
            read.data[b],
            index=b,
            config=config,
        )
        for b in range(config.banks)
    ]
    return banks

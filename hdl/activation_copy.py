"""A whole copy of the activation values, a word of lanes wide, for a reader of its own."""

from myhdl import Signal, always, always_comb, block, concat, intbv

from hdl.bundles import bit, word


@block
def activation_copy(clock, write, read_enable, read_word, read_data, *, config):
    """Takes `write` (an element, or a whole word), reads a word; latency 1 cycle, then holds.

    `read_data` and `write.data` are as wide: the lanes, each with its mark (`mark_elements`) or all
    without. A write-enable a lane, so that an element changes alone. Reading a word in the cycle
    that writes it gives an undefined word in hardware; jobs never do it.
    """
    lanes = config.lanes
    width = len(read_data)
    bits = width // lanes
    if lanes == 1 and width > config.bits:
        return split_copy(clock, write, read_enable, read_word, read_data, config=config)
    lane_bits = (lanes - 1).bit_length()
    address_bits = config.element_address_bits
    depth = config.activation_elements // lanes
    # lanes that are not there lie on the first: a branch never taken must be legal all the same
    low_1, low_2, low_3 = (lane * bits if lane < lanes else 0 for lane in (1, 2, 3))
    high_1, high_2, high_3 = low_1 + bits, low_2 + bits, low_3 + bits
    words = [Signal(intbv(0)[width:]) for _ in range(depth)]

    @always(clock.posedge)
    def seq_copy():
        if write.enable:
            place = intbv(0)[address_bits:]
            lane = intbv(0)[2:]
            place[:] = write.address >> lane_bits
            lane[:] = write.address[2:] % lanes
            if write.wide:
                words[place].next = write.data
            else:
                if lane == 0:
                    words[place].next[bits:0] = write.data[bits:]
                if lanes > 1:
                    if lane == 1:
                        words[place].next[high_1:low_1] = write.data[bits:]
                if lanes > 2:
                    if lane == 2:
                        words[place].next[high_2:low_2] = write.data[bits:]
                    if lane == 3:
                        words[place].next[high_3:low_3] = write.data[bits:]
        if read_enable:
            read_data.next = words[read_word]

    return seq_copy


@block
def split_copy(clock, write, read_enable, read_word, read_data, *, config):
    """A copy of elements as wide as words, whose marks are in a memory of their own.

    A deep block RAM has no bit to spare for them, and two shallow ones need multiplexers.
    """
    bits = config.bits
    values = [Signal(intbv(0)[bits:]) for _ in range(config.activation_elements)]
    marks = [Signal(intbv(0)[1:]) for _ in range(config.activation_elements)]

    @always(clock.posedge)
    def seq_copy():
        if write.enable:
            values[write.address].next = write.data[bits:]
            marks[write.address].next = write.data[:bits]
        if read_enable:
            read_data.next = concat(marks[read_word], values[read_word])

    return seq_copy


@block
def shared_copy(clock, write, store, read_enable, read_word, read_data, *, config):
    """A copy that its reader shares with the store stage, which works while no job computes.

    The reader must not read while the store stage holds a word.
    """
    enable = bit()
    place = word(len(read_word))

    @always_comb
    def comb_share():
        enable.next = read_enable or store.enable
        if store.enable:
            place.next = store.address
        else:
            place.next = read_word

    return comb_share, activation_copy(clock, write, enable, place, read_data, config=config)


@block
def mark_elements(data, marked, *, config):
    """Lanes of a word as they are stored: each with a mark above it, whether it is not zero.

    Whoever reads a copy then needs no test for zero behind it. Combinational.
    """
    bits = config.bits
    lanes = config.lanes
    width = lanes * (bits + 1)

    @always_comb
    def comb_mark():
        whole = intbv(0)[width:]
        lane = intbv(0)[width:]
        whole[:] = 0
        for i in range(lanes):
            lane[:] = data >> (i * bits)
            if lane[bits:] != 0:
                whole[i * (bits + 1) + bits] = 1
            lane[:] = lane[bits:]
            whole[:] = whole | (lane << (i * (bits + 1)))
        marked.next = whole

    return comb_mark


@block
def drop_marks(marked, data, *, config):
    """The lanes of a word without their marks; combinational."""
    bits = config.bits
    lanes = config.lanes
    width = lanes * (bits + 1)
    data_bits = lanes * bits

    @always_comb
    def comb_drop():
        whole = intbv(0)[data_bits:]
        lane = intbv(0)[width:]
        whole[:] = 0
        for i in range(lanes):
            lane[:] = marked >> (i * (bits + 1))
            lane[:] = lane[bits:]
            lane[:] = lane << (i * bits)
            whole[:] = whole | lane[data_bits:]
        data.next = whole

    return comb_drop


@block
def late_write(clock, write, late, *, config):
    """`write` a cycle later, with marks if `late` has them.

    From registers, as the way to the copies of all units is long.
    """
    data = write.data
    marks = []
    if len(late.data) > len(write.data):
        data = word(len(late.data))
        marks = mark_elements(write.data, data, config=config)

    @always(clock.posedge)
    def seq_write():
        late.enable.next = write.enable
        if write.enable:
            late.wide.next = write.wide
            late.address.next = write.address
            late.data.next = data

    return marks, seq_write

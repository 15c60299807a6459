"""A whole copy of the activation values, a 32-bit word wide, for a reader of its own."""

from myhdl import Signal, always, always_comb, block, intbv

from hdl.bundles import bit, word


@block
def activation_copy(clock, write, read_enable, read_word, read_data, *, config):
    """Takes `write` (an element, or a whole word), reads a word; latency 1 cycle, then holds.

    A write-enable a lane, so that an element changes alone. Reading a word in the cycle that writes
    it gives an undefined word in hardware; jobs never do it.
    """
    bits = config.bits
    lanes = config.lanes
    lane_bits = (lanes - 1).bit_length()
    address_bits = config.element_address_bits
    depth = config.activation_elements // lanes
    # lanes that are not there lie on the first: a branch never taken must be legal all the same
    low_1, low_2, low_3 = (lane * bits if lane < lanes else 0 for lane in (1, 2, 3))
    high_1, high_2, high_3 = low_1 + bits, low_2 + bits, low_3 + bits
    words = [Signal(intbv(0)[32:]) for _ in range(depth)]

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
def shared_copy(clock, write, store, read_enable, read_word, *, config):
    """A copy that its reader shares with the store stage, which works while no job computes.

    Both find their word in `store.data`; the reader must not read while the store stage holds one.
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

    return comb_share, activation_copy(clock, write, enable, place, store.data, config=config)

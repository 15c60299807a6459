"""Takes packets from the input stream and sends their words where they belong (`hdl.packets`)."""

from myhdl import always, always_comb, always_seq, block, intbv

from hdl import packets
from hdl.bundles import bit, word
from hdl.lists import ListLayout
from hdl.packets import Destination
from hdl.registers import ERROR_TRUNCATED_PACKET, ERROR_UNKNOWN_DESTINATION

FIRST_HEADER, SECOND_HEADER, PAYLOAD, FAILED = range(4)


@block
def loader(
    clock, reset, s_axis, busy, write_ready, register_write, load, write, loading, error, taken,
    *, config,
):  # fmt: skip
    """One word a cycle; a payload word reaches its memory 1 cycle after it is taken.

    Register packets and packets with the fence bit wait while `busy`; activation words wait while
    the write port is not `write_ready`. `error` gives the code of a bad packet for one cycle; after
    it nothing is taken until `reset`.
    """
    lane_bits = (config.lanes - 1).bit_length()
    address_bits = config.element_address_bits
    state = word(2)
    destination = word(packets.DESTINATION_WIDTH)
    fence = bit()
    unit = word(packets.UNIT_WIDTH)
    address = word(packets.ADDRESS_WIDTH)
    left = word(packets.COUNT_WIDTH)
    taking = bit()
    units = config.units
    fence_low = packets.FENCE_LOW
    unit_low, unit_high = packets.UNIT_LOW, packets.UNIT_LOW + packets.UNIT_WIDTH
    destination_low = packets.DESTINATION_LOW
    destination_high = packets.DESTINATION_LOW + packets.DESTINATION_WIDTH
    count_low, count_high = packets.COUNT_LOW, packets.COUNT_LOW + packets.COUNT_WIDTH
    address_low, address_high = packets.ADDRESS_LOW, packets.ADDRESS_LOW + packets.ADDRESS_WIDTH
    first_destination = min(int(destination) for destination in Destination)
    last_destination = max(int(destination) for destination in Destination)
    to_registers = int(Destination.REGISTERS)
    to_activations = int(Destination.ACTIVATIONS)
    to_values = int(Destination.VALUES)
    to_bitmaps = int(Destination.BITMAPS)
    to_biases = int(Destination.BIASES)
    to_lists = int(Destination.LISTS)
    stream_words = ListLayout.of(config).stream_words
    last_part = stream_words - 1
    list_bits = 32 * stream_words
    newest_low = list_bits - 32
    part = word(2)

    @always_comb
    def comb_ready():
        ready = intbv(0)[1:]
        ready[:] = 1
        if state == FAILED:
            ready[:] = 0
        elif state == PAYLOAD:
            if fence and busy:
                ready[:] = 0
            elif destination == to_activations and write.enable and not write_ready:
                ready[:] = 0
        s_axis.tready.next = ready != 0
        taking.next = ready != 0 and s_axis.tvalid
        taken.next = ready != 0 and s_axis.tvalid
        loading.next = state != FIRST_HEADER

    @always_seq(clock.posedge, reset=reset)
    def seq_state():
        error.next = 0
        if taking:
            if state == FIRST_HEADER:
                state.next = SECOND_HEADER
            elif state == SECOND_HEADER:
                state.next = PAYLOAD
            elif left == 0:
                state.next = FIRST_HEADER
            if s_axis.tlast and (state != PAYLOAD or left != 0):
                state.next = FAILED
                error.next = ERROR_TRUNCATED_PACKET
            elif state == SECOND_HEADER and (
                destination < first_destination or destination > last_destination or unit >= units
            ):
                state.next = FAILED
                error.next = ERROR_UNKNOWN_DESTINATION

    @always_seq(clock.posedge, reset=reset)
    def seq_strobe():
        register_write.enable.next = 0
        load.values.next = 0
        load.bitmaps.next = 0
        load.biases.next = 0
        load.lists.next = 0
        if write_ready:
            write.enable.next = 0
        if taking and state == PAYLOAD:
            if destination == to_registers:
                register_write.enable.next = 1
            elif destination == to_activations:
                write.enable.next = 1
            elif destination == to_values:
                load.values.next[unit] = 1
            elif destination == to_bitmaps:
                load.bitmaps.next[unit] = 1
            elif destination == to_biases:
                load.biases.next = 1
            elif destination == to_lists and part == last_part:
                load.lists.next[unit] = 1

    @always(clock.posedge)
    def seq_payload():
        if taking:
            following = intbv(0)[packets.ADDRESS_WIDTH + 1 :]
            place = intbv(0)[packets.ADDRESS_WIDTH + lane_bits :]
            if state == FIRST_HEADER:
                destination.next = s_axis.tdata[destination_high:destination_low]
                fence.next = s_axis.tdata[fence_low] or (
                    s_axis.tdata[destination_high:destination_low] == to_registers
                )
                unit.next = s_axis.tdata[unit_high:unit_low]
            elif state == SECOND_HEADER:
                left.next = s_axis.tdata[count_high:count_low]
                address.next = s_axis.tdata[address_high:address_low]
                part.next = 0
            else:
                if left != 0:
                    left.next = left - 1
                following[:] = address + 1
                if destination != to_lists or part == last_part:
                    address.next = following[packets.ADDRESS_WIDTH :]
                    part.next = 0
                else:
                    part.next = part + 1
                if destination == to_lists:
                    older = intbv(0)[list_bits:]
                    newest = intbv(0)[list_bits:]
                    older[:] = load.list_word
                    newest[:] = s_axis.tdata
                    load.list_word.next = (older >> 32) | (newest << newest_low)
                if destination == to_activations:
                    place[:] = address
                    place[:] = place << lane_bits
                    write.address.next = place[address_bits:]
                    write.data.next = s_axis.tdata
                else:
                    load.address.next = address
                    load.data.next = s_axis.tdata

    @always_comb
    def comb_register():
        register_write.index.next = load.address[len(register_write.index) :]
        register_write.data.next = load.data

    return comb_ready, seq_state, seq_strobe, seq_payload, comb_register

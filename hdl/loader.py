"""Takes packets from the input stream and sends their words where they belong (`hdl.packets`)."""

from myhdl import always, always_comb, always_seq, block, intbv

from hdl import packets
from hdl.bundles import bit, word
from hdl.lists import ListLayout
from hdl.packets import Destination
from hdl.registers import ERROR_TRUNCATED_PACKET, ERROR_UNKNOWN_DESTINATION

FIRST_HEADER, SECOND_HEADER, PAYLOAD, FILL, FAILED = range(5)


@block
def loader(
    clock, reset, s_axis, busy, write_ready, register_write, load, write, loading, error, taken,
    *, config,
):  # fmt: skip
    """One word a cycle; a payload word reaches its memory 1 cycle after it is taken.

    Register packets and packets with the fence bit wait while `busy`; nothing is taken while an
    activation word waits for the write port to be `write_ready`. A repeated word is written once a
    cycle. `taken`: a word is taken, or written again. `error` gives the code of a bad packet for
    one cycle; after it nothing is taken until `reset`.
    """
    lane_bits = (config.lanes - 1).bit_length()
    address_bits = config.element_address_bits
    state = word(3)
    destination = word(packets.DESTINATION_WIDTH)
    fence, repeat, filling, placing, opening = (bit() for _ in range(5))
    unit = word(packets.UNIT_WIDTH)
    address = word(packets.ADDRESS_WIDTH)
    left = word(packets.COUNT_WIDTH)
    taking = bit()
    units = config.units
    fence_low, repeat_low = packets.FENCE_LOW, packets.REPEAT_LOW
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
    list_last = ListLayout.of(config).stream_words - 1
    bias_last = config.bias_words - 1
    entry_bits = len(load.entry)
    newest_low = entry_bits - 32
    part = word(4)
    whole = bit()

    @always_comb
    def comb_ready():
        ready = intbv(0)[1:]
        ready[:] = 1
        if state == FAILED or state == FILL or (write.enable and not write_ready):
            ready[:] = 0
        elif state == PAYLOAD and fence and busy:
            ready[:] = 0
        s_axis.tready.next = ready != 0
        taking.next = ready != 0 and s_axis.tvalid
        taken.next = (ready != 0 and s_axis.tvalid) or (
            state == FILL and (write_ready or not write.enable)
        )
        loading.next = state != FIRST_HEADER
        filling.next = state == FILL and (write_ready or not write.enable)
        placing.next = (ready != 0 and s_axis.tvalid and state == PAYLOAD) or (
            state == FILL and (write_ready or not write.enable)
        )

    @always_comb
    def comb_whole():
        whole.next = 1
        if destination == to_lists and part != list_last:
            whole.next = 0
        elif destination == to_biases and part != bias_last:
            whole.next = 0

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
            elif repeat:
                state.next = FILL
            if s_axis.tlast and (state != PAYLOAD or (left != 0 and not repeat)):
                state.next = FAILED
                error.next = ERROR_TRUNCATED_PACKET
            elif state == SECOND_HEADER and (
                destination < first_destination or destination > last_destination or unit >= units
            ):
                state.next = FAILED
                error.next = ERROR_UNKNOWN_DESTINATION
        elif filling and left == 0:
            state.next = FIRST_HEADER

    @always_seq(clock.posedge, reset=reset)
    def seq_strobe():
        register_write.enable.next = 0
        load.values.next = 0
        load.bitmaps.next = 0
        load.biases.next = 0
        load.lists.next = 0
        if write_ready:
            write.enable.next = 0
        if placing:
            if destination == to_registers:
                register_write.enable.next = 1
            elif destination == to_activations:
                write.enable.next = 1
            elif destination == to_values:
                load.values.next[unit] = 1
            elif destination == to_bitmaps:
                load.bitmaps.next[unit] = 1
            elif destination == to_biases:
                load.biases.next = whole
            elif destination == to_lists and whole:
                load.lists.next[unit] = 1

    @always(clock.posedge)
    def seq_header():
        if taking and state == FIRST_HEADER:
            destination.next = s_axis.tdata[destination_high:destination_low]
            fence.next = s_axis.tdata[fence_low] or (
                s_axis.tdata[destination_high:destination_low] == to_registers
            )
            repeat.next = s_axis.tdata[repeat_low] and (
                s_axis.tdata[destination_high:destination_low] == to_activations
            )
            unit.next = s_axis.tdata[unit_high:unit_low]

    @always(clock.posedge)
    def seq_payload():
        if taking and state == SECOND_HEADER:
            left.next = s_axis.tdata[count_high:count_low]
            address.next = s_axis.tdata[address_high:address_low]
            part.next = 0
            opening.next = 1
        elif placing:
            following = intbv(0)[packets.ADDRESS_WIDTH + 1 :]
            place = intbv(0)[packets.ADDRESS_WIDTH + lane_bits :]
            load.first.next = opening
            opening.next = 0
            if left != 0:
                left.next = left - 1
            following[:] = address + 1
            if whole:
                address.next = following[packets.ADDRESS_WIDTH :]
                part.next = 0
            else:
                part.next = part + 1
            if destination == to_activations:
                place[:] = address
                place[:] = place << lane_bits
                write.address.next = place[address_bits:]
            else:
                load.address.next = address

    @always(clock.posedge)
    def seq_data():
        if taking:
            older = intbv(0)[entry_bits:]
            newest = intbv(0)[entry_bits:]
            older[:] = load.entry
            newest[:] = s_axis.tdata
            load.entry.next = (older >> 32) | (newest << newest_low)
            load.data.next = s_axis.tdata

    @always_comb
    def comb_data():
        write.data.next = load.data

    @always_comb
    def comb_register():
        register_write.index.next = load.address[len(register_write.index) :]
        register_write.data.next = load.data

    return (
        comb_ready, comb_whole, seq_state, seq_strobe, seq_header, seq_payload, seq_data, comb_data,
        comb_register,
    )  # fmt: skip

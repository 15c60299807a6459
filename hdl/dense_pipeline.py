"""The dense rival: one sequencer, one activation a cycle for all units, a multiplier each."""

from myhdl import always_comb, always_seq, block, intbv

from hdl.activation_copy import shared_copy
from hdl.bundles import Operands, Step, bit, number, word
from hdl.joins import join_bits
from hdl.memories import ram
from hdl.multiply_accumulate import multiply_accumulate
from hdl.sequencer import sequencer


@block
def dense_unit(
    clock, reset, load, values_enable, issue, weight_address, sent, read, activation,
    active, result_valid, result_total, result_flags, take, room, multiply, useful,
    *, config,
):  # fmt: skip
    """One multiplier with its weights; `active` is low where the layer has no channel for it."""
    bits = config.bits
    operands = Operands(config)
    operands.activation = activation
    weight_word = word(32)

    weight_memory = ram(
        clock, values_enable, load.address, load.data, issue, weight_address, weight_word,
        depth=config.weight_words,
    )  # fmt: skip
    results = multiply_accumulate(
        clock, reset, operands, sent, result_valid, result_total, result_flags, take, room, useful,
        config=config,
    )  # fmt: skip

    @always_seq(clock.posedge, reset=reset)
    def seq_operands():
        operands.valid.next = read.valid and active
        operands.window.next = read.valid and read.window and active
        operands.flags.next = read.flags
        if read.valid:
            shifted = intbv(0)[32:]
            shift = intbv(0)[5:]
            shift[:] = read.lane
            shifted[:] = weight_word >> (shift * bits)
            operands.weight.next = shifted[bits:].signed()

    @always_comb
    def comb_multiply():
        multiply.next = operands.valid

    return weight_memory, results, seq_operands, comb_multiply


class _Read:
    """What the memories are reading."""

    def __init__(self, lane_bits: int) -> None:
        self.valid = bit()
        self.window = bit()
        self.flags = word(2)
        self.lane = word(lane_bits)  # of the weight in its word
        self.activation_lane = word(lane_bits)


@block
def dense_pipeline(clock, reset, start, job, load, write, store, results, monitor, *, config):
    """All units in lockstep on the same input element; finished windows leave through `results`.

    Stalls as a whole when a window would end while some unit still holds two results.
    """
    units = config.units
    lane_bits = (config.lanes - 1).bit_length()
    address_bits = config.element_address_bits
    weight_bits = (config.weight_elements - 1).bit_length()
    every_unit = (1 << units) - 1
    step = Step(config, weight_bits)
    reading = _Read(lane_bits)
    advance, issue, running, free = (bit() for _ in range(4))
    present, active, sent = (word(units) for _ in range(3))
    activation = number(config.bits)
    room, multiply, useful = ([bit() for _ in range(units)] for _ in range(3))
    weight_address = step.weight(weight_bits, lane_bits)
    bits = config.bits
    activation_word = step.address(address_bits, lane_bits)

    steps = sequencer(
        clock, reset, start, job, job.values, advance, step, running,
        first_channel=0, stride=units,
    )  # fmt: skip
    processing_units = [
        dense_unit(
            clock, reset, load, load.values(u), issue, weight_address, sent(u), reading,
            activation, active(u), results.valid[u], results.total[u], results.flags[u],
            results.take[u], room[u], multiply[u], useful[u], config=config,
        )
        for u in range(units)
    ]  # fmt: skip

    values = shared_copy(clock, write, store, issue, activation_word, config=config)

    @always_comb
    def comb_present():
        channels = intbv(0)[units:]
        channels[:] = 0
        for u in range(units):
            if step.channel + u <= job.last_filter:
                channels[u] = 1
        present.next = channels

    @always_comb
    def comb_free():
        everywhere = intbv(0)[1:]
        everywhere[:] = 1
        for u in range(units):
            if not room[u]:
                everywhere[:] = 0
        free.next = everywhere != 0

    @always_comb
    def comb_issue():
        advance.next = not step.valid or free or not step.window
        issue.next = step.valid and (free or not step.window)
        sent.next = 0
        monitor.blocked.next = 0
        monitor.operands.next = 0
        if step.valid and step.window and free:
            sent.next = present
        if step.valid:
            if free or not step.window:
                monitor.operands.next = present
            else:
                monitor.blocked.next = present

    @always_seq(clock.posedge, reset=reset)
    def seq_read():
        reading.valid.next = issue
        if issue:
            reading.window.next = step.window
            reading.flags.next = step.flags
            reading.lane.next = step.weight[lane_bits:]
            reading.activation_lane.next = step.address[lane_bits:]
            active.next = present
        if reading.valid:
            shifted = intbv(0)[32:]
            shift = intbv(0)[5:]
            shift[:] = reading.activation_lane
            shifted[:] = store.data >> (shift * bits)
            activation.next = shifted[bits:].signed()

    @always_comb
    def comb_monitor():
        monitor.match.next = 0
        monitor.conflict.next = 0
        monitor.fetch.next = 0
        if running:
            monitor.fetch.next = every_unit

    joined = join_bits(monitor.multiply, multiply), join_bits(monitor.useful, useful)
    return (
        steps, processing_units, comb_present, comb_free, comb_issue, values, seq_read,
        comb_monitor, joined,
    )  # fmt: skip

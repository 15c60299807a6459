"""The dense rival: one walker, one activation a cycle for all units, each with a multiplier."""

from myhdl import always, always_comb, always_seq, block, intbv

from hdl.activation_copy import shared_copy
from hdl.bundles import Operands, WindowPort, bit, number, word
from hdl.config import AcceleratorConfig
from hdl.joins import join_bits, spread_bit
from hdl.memories import ram
from hdl.multiplier import multiplier, pair_multiplier
from hdl.multiply_accumulate import accumulate
from hdl.run_walk import run_walk
from hdl.sign_extend import sign_extend
from hdl.windows import windows


def read_stages(config: AcceleratorConfig) -> int:
    """Registers behind the memories: elements, and words before, where there are four lanes.

    The block RAM's delay leaves time for a choice of two, not of four.
    """
    return 2 if config.lanes > 2 else 1


@block
def dense_unit(
    clock, reset, load, load_enable, reading, weight_address, advance, present, last, sent, lane,
    operands, product, result_valid, result_place, totals, take, room, multiply, useful,
    *, config, halves,
):  # fmt: skip
    """A unit's weights and its sum; `present` is low where the layer has no channel for it.

    `product` is that of `operands`, in halves with `halves` (`hdl.multiply_accumulate`).
    """
    bits = config.bits
    weight_word, late_word = word(32), word(32)
    chosen = late_word if read_stages(config) > 1 else weight_word

    weight_memory = ram(
        clock, load_enable, load.address, load.data, reading, weight_address, weight_word,
        depth=config.weight_words,
    )  # fmt: skip
    results = accumulate(
        clock, reset, operands, product, sent, result_valid, result_place, totals, take, room,
        useful, config=config, halves=halves,
    )  # fmt: skip

    @always_comb
    def comb_sent():
        sent.next = present and advance and last
        multiply.next = operands.valid

    @always_seq(clock.posedge, reset=reset)
    def seq_valid():
        operands.valid.next = present and advance
        operands.last.next = sent

    @always(clock.posedge)
    def seq_weight():
        shifted = intbv(0)[32:]
        shift = intbv(0)[6:]
        # as wide as the product: in VHDL a constant operand gets the other's width
        shift[:] = lane
        if advance:
            shifted[:] = chosen >> (shift * bits)
            operands.weight.next = shifted[bits:].signed()

    @always(clock.posedge)
    def seq_word():
        if advance:
            late_word.next = weight_word

    held = [seq_word] if read_stages(config) > 1 else []
    return weight_memory, results, comb_sent, seq_valid, seq_weight, held


@block
def multipliers(clock, reset, operands, products, *, config):
    """The multiplier of each unit, or of two: then every other product comes in halves."""
    if config.products_per_multiplier == 1:
        return [
            multiplier(clock, reset, own, product, config=config)
            for own, product in zip(operands, products, strict=True)
        ]
    return [
        pair_multiplier(clock, reset, operands[u], operands[u + 1], products[u], products[u + 1])
        for u in range(0, config.units, 2)
    ]


@block
def dense_pipeline(clock, reset, start, running, job, load, write, store, results, slot, place,
                   flags, monitor, *, config):  # fmt: skip
    """All units in lockstep on the same input element; finished filters leave through `results`.

    From an element to the multiplier 1 cycle, and `read_stages`. All wait while a filter would end
    and some unit still has the result of the one before.
    """
    units = config.units
    bits = config.bits
    lane_bits = (config.lanes - 1).bit_length()
    lane_width = max(1, lane_bits)
    several_lanes = lane_bits > 0
    address_bits = config.element_address_bits
    weight_bits = (config.weight_elements - 1).bit_length()
    port = WindowPort(config, 1)
    address, weight = word(address_bits), word(weight_bits)
    left = word(len(job.last_filter))
    valid, last, advance, reading, free, held, never = (bit() for _ in range(7))
    early_valid, early_last, read_valid, read_last, negative = (bit() for _ in range(5))
    sign_bit = bits - 1
    early_lane, early_activation_lane, lane, activation_lane = (word(lane_width) for _ in range(4))
    read_activation, activation = word(bits), number(bits + 1)
    activation_word = store.data
    early_present, present, room, sent, multiply, useful = (
        [bit() for _ in range(units)] for _ in range(6)
    )
    holding = read_stages(config) > 1
    if holding:
        activation_word = word(32)
    else:
        early_valid, early_last, early_present = read_valid, read_last, present
        early_lane, early_activation_lane = lane, activation_lane
    weight_address = weight(weight_bits, lane_bits)
    row = address(address_bits, lane_bits)
    ports = [Operands(config) for _ in range(units)]
    for operands in ports:
        operands.activation = activation
    halves = [config.products_per_multiplier == 2 and u % 2 == 1 for u in range(units)]
    products = [number(2 * bits + 1 + half) for half in halves]

    window_ring = windows(
        clock, reset, start, running, job, port, slot, place, flags, config=config, clients=1
    )
    walk = run_walk(
        clock, reset, start, job, job.values, port.base, port.serve[0], port.wanted[0], advance,
        valid, address, weight, last, left, first=0, units=units,
    )  # fmt: skip
    processing_units = [
        dense_unit(
            clock, reset, load, load.values(u), reading, weight_address, advance, present[u],
            read_last, sent[u], lane, ports[u], products[u], results.valid[u], results.place[u],
            results.total[u : u + 1], results.take[u], room[u], multiply[u], useful[u],
            config=config, halves=halves[u],
        )
        for u in range(units)
    ]  # fmt: skip
    multiply_units = multipliers(clock, reset, ports, products, config=config)
    values = shared_copy(clock, write, store, reading, row, store.data, config=config)

    @always_comb
    def comb_free():
        everywhere = intbv(0)[1:]
        everywhere[:] = 1
        for u in range(units):
            if not room[u]:
                everywhere[:] = 0
        free.next = everywhere != 0

    @always_comb
    def comb_advance():
        advance.next = not (read_valid and read_last and not free)
        # no read while nothing is fetched: the store stage's word must hold
        reading.next = valid and not (read_valid and read_last and not free)

    @always_seq(clock.posedge, reset=reset)
    def seq_read():
        if advance:
            early_valid.next = valid
            early_last.next = last
            for u in range(units):
                early_present[u].next = valid and left >= u
        held.next = not advance

    @always_seq(clock.posedge, reset=reset)
    def seq_hold():
        if advance:
            read_valid.next = early_valid
            read_last.next = early_last
            for u in range(units):
                present[u].next = early_present[u]

    @always(clock.posedge)
    def seq_word():
        if advance:
            lane.next = early_lane
            activation_lane.next = early_activation_lane
            activation_word.next = store.data

    @always(clock.posedge)
    def seq_activation():
        shifted = intbv(0)[32:]
        shift = intbv(0)[6:]
        if reading:
            early_lane.next = 0
            early_activation_lane.next = 0
            if several_lanes:
                early_lane.next = weight[lane_width:]
                early_activation_lane.next = address[lane_width:]
        if read_valid and advance:
            shift[:] = activation_lane
            shifted[:] = activation_word >> (shift * bits)
            read_activation.next = shifted[bits:]
            negative.next = shifted[sign_bit] and not job.unsigned_input

    held_stage = [seq_hold, seq_word] if holding else []
    extension = sign_extend(read_activation, negative, activation)
    joined = (
        join_bits(monitor.multiply, multiply),
        join_bits(monitor.useful, useful),
        spread_bit(monitor.fetch, valid),
        spread_bit(monitor.operands, read_valid),
        spread_bit(monitor.blocked, held),
        spread_bit(monitor.empty, never),
    )
    return (
        window_ring, walk, processing_units, multiply_units, values, comb_free, comb_advance,
        seq_read, seq_activation, held_stage, extension, joined,
    )  # fmt: skip

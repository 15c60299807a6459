"""The bitmap pipeline: units that pair bitmaps of non-zero weights and activations."""

from myhdl import always, always_comb, always_seq, block, intbv

from hdl.activation_copy import activation_copy, shared_copy
from hdl.bundles import BitmapWrite, Operands, WindowPort, bit, result_places, word
from hdl.compress import compress
from hdl.config import SECTION_BITS
from hdl.in_step import in_step
from hdl.joins import join_bits
from hdl.match import match
from hdl.memories import ram
from hdl.multiply_accumulate import multiply_accumulate
from hdl.run_walk import run_walk
from hdl.section_fetch import section_fetch
from hdl.section_loads import section_loads
from hdl.sign_extend import sign_extend
from hdl.windows import windows


@block
def pair_operands(
    clock, reset, job, load, load_enable, write, store, valid, address, value, last, empty, blocked,
    operands, *, index, config,
):  # fmt: skip
    """Reads a pair's weight and its activation, from the unit's own copy; latency 2 cycles."""
    bits = config.bits
    lane_bits = (config.lanes - 1).bit_length()
    lane_width = max(1, lane_bits)
    several_lanes = lane_bits > 0
    address_bits = config.element_address_bits
    value_bits = (config.weight_elements - 1).bit_length()
    activation_word = store.data if index == 0 else word(32)
    weight_word, activation = word(32), word(bits)
    lane, activation_lane = word(lane_width), word(lane_width)
    read_valid, read_last, read_empty, read_blocked, negative = (bit() for _ in range(5))
    sign_bit = bits - 1
    start_value = word(value_bits)
    weight_address = word(value_bits - lane_bits)
    row = address(address_bits, lane_bits)

    weight_memory = ram(
        clock, load_enable, load.address, load.data, valid, weight_address, weight_word,
        depth=config.weight_words,
    )  # fmt: skip
    if index == 0:
        copy = shared_copy(clock, write, store, valid, row, store.data, config=config)
    else:
        copy = activation_copy(clock, write, valid, row, activation_word, config=config)

    @always_comb
    def comb_value():
        total = intbv(0)[value_bits + 1 :]
        total[:] = value + job.values[value_bits:]
        start_value.next = total[value_bits:]
        weight_address.next = total[value_bits:lane_bits]

    @always_seq(clock.posedge, reset=reset)
    def seq_valid():
        read_valid.next = valid
        read_last.next = last
        read_empty.next = empty
        read_blocked.next = blocked
        operands.valid.next = read_valid
        operands.last.next = read_last
        operands.empty.next = read_empty
        operands.blocked.next = read_blocked

    @always(clock.posedge)
    def seq_select():
        shifted = intbv(0)[32:]
        weight_shifted = intbv(0)[32:]
        # as wide as the product: in VHDL a constant operand gets the other's width
        shift = intbv(0)[6:]
        weight_shift = intbv(0)[6:]
        if valid:
            lane.next = 0
            activation_lane.next = 0
            if several_lanes:
                lane.next = start_value[lane_width:]
                activation_lane.next = address[lane_width:]
        if read_valid:
            weight_shift[:] = lane
            weight_shifted[:] = weight_word >> (weight_shift * bits)
            operands.weight.next = weight_shifted[bits:].signed()
            shift[:] = activation_lane
            shifted[:] = activation_word >> (shift * bits)
            activation.next = shifted[bits:]
            negative.next = shifted[sign_bit] and not job.unsigned_input

    extension = sign_extend(activation, negative, operands.activation)
    return weight_memory, copy, comb_value, seq_valid, seq_select, extension


@block
def bitmap_unit(
    clock, reset, start, job, load, values_enable, sections_enable, sections_address,
    sections_entry, write, bitmap_write, store, base_in, serve, wanted, result_valid, result_place,
    totals, take, sent, held, fetching, searching, multiply, useful, empty, blocked,
    *, index, config, operations,
):  # fmt: skip
    """One processing unit: its filters are output channels `index`, `index + units`, ..."""
    address_bits = config.element_address_bits
    value_bits = (config.weight_elements - 1).bit_length()
    address, section_address, pair_address = (word(address_bits) for _ in range(3))
    weight = word((config.bitmap_words - 1).bit_length())
    left = word(len(job.last_filter))
    value, pair_value = word(value_bits), word(value_bits)
    advance, last, section_last, room, read_valid, section_valid = (bit() for _ in range(6))
    pair_valid, pair_last, pair_empty, pair_blocked = (bit() for _ in range(4))
    weights, matches = word(SECTION_BITS), word(SECTION_BITS)
    operands = Operands(config)

    walk = run_walk(
        clock, reset, start, job, job.bitmaps, base_in, serve, wanted, advance, fetching, address,
        weight, last, left, first=index, units=config.units,
    )  # fmt: skip
    fetch = section_fetch(
        clock, advance, sections_enable, sections_address, sections_entry, bitmap_write, address,
        weight, last, weights, matches, section_address, value, section_last, config=config,
    )  # fmt: skip
    pairs = match(
        clock, reset, advance, section_valid, weights, matches, section_address, value,
        section_last, held, room, sent, searching, pair_valid, pair_address, pair_value, pair_last,
        pair_empty, pair_blocked, operations=operations,
    )  # fmt: skip
    reads = pair_operands(
        clock, reset, job, load, values_enable, write, store, pair_valid, pair_address, pair_value,
        pair_last, pair_empty, pair_blocked, operands, index=index, config=config,
    )  # fmt: skip
    results = multiply_accumulate(
        clock, reset, operands, sent, result_valid, result_place, totals, take, room, useful,
        config=config,
    )  # fmt: skip

    @always_seq(clock.posedge, reset=reset)
    def seq_valid():
        if advance:
            read_valid.next = fetching
            section_valid.next = read_valid

    @always_comb
    def comb_monitor():
        multiply.next = operands.valid
        empty.next = operands.empty
        blocked.next = operands.blocked

    return walk, fetch, pairs, reads, results, seq_valid, comb_monitor


@block
def bitmap_pipeline(
    clock, reset, start, running, job, load, write, store, results, slot, place, flags, monitor,
    *, config, operations,
):  # fmt: skip
    """All units over their sections; finished filters leave through `results`.

    From a section to its first multiplication 7 cycles.
    """
    units = range(config.units)
    places = result_places(config)
    port = WindowPort(config, config.units)
    bitmap_write = BitmapWrite(config)
    sections_enable, sections_address = word(config.units), word(16)
    sections_entry = word(SECTION_BITS + (config.weight_elements - 1).bit_length())
    sent, held, fetching, searching, multiply, useful, empty, blocked = (
        [bit() for _ in units] for _ in range(8)
    )

    window_ring = windows(
        clock, reset, start, running, job, port, slot, place, flags, config=config,
        clients=config.units,
    )  # fmt: skip
    loads = section_loads(
        clock, reset, load, sections_enable, sections_address, sections_entry, config=config,
        operations=operations,
    )  # fmt: skip
    processing_units = [
        bitmap_unit(
            clock, reset, start, job, load, load.values(u), sections_enable(u), sections_address,
            sections_entry, write, bitmap_write, store, port.base, port.serve[u], port.wanted[u],
            results.valid[u], results.place[u], results.total[places * u : places * (u + 1)],
            results.take[u], sent[u], held[u], fetching[u], searching[u], multiply[u], useful[u],
            empty[u], blocked[u], index=u, config=config, operations=operations,
        )
        for u in units
    ]  # fmt: skip
    steps = in_step(clock, reset, start, job, sent, held)
    bitmaps = compress(clock, reset, write, bitmap_write, config=config)
    joined = (
        join_bits(monitor.fetch, fetching),
        join_bits(monitor.operands, searching),
        join_bits(monitor.multiply, multiply),
        join_bits(monitor.useful, useful),
        join_bits(monitor.empty, empty),
        join_bits(monitor.blocked, blocked),
    )
    return window_ring, loads, processing_units, steps, bitmaps, joined

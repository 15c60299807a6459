"""The sparse pipeline (Alcolea et al., IEEE TVLSI 28(9), 2020): stages 1 to 6, once a unit."""

from myhdl import always_comb, block

from hdl.activation_memory import activation_memory
from hdl.bundles import BitmapWrite, Operands, Pairs, ReadPort, Section, Step, bit
from hdl.compress import compress
from hdl.fetch import fetch
from hdl.joins import join_bits
from hdl.match import match
from hdl.multiply_accumulate import multiply_accumulate
from hdl.operands import bank_arbiter, unit_operands
from hdl.sequencer import sequencer


@block
def bitmap_unit(
    clock, reset, start, job, load, values_enable, bitmaps_enable, bitmap_write, bank_data,
    pair_valid, pair_needed, pair_bank, pair_row, pair_value, pair_window, pair_flags, grant, copy,
    result_valid, result_total, result_flags, take, room, running, matching,
    multiply, useful, *, index, config, operations,
):  # fmt: skip
    """One processing unit: its filters are output channels `index`, `index + units`, ..."""
    step = Step(config, (config.bitmap_words - 1).bit_length())
    section = Section(config)
    operands = Operands(config)
    advance, sent = bit(), bit()

    steps = sequencer(
        clock, reset, start, job, job.bitmaps, advance, step, running,
        first_channel=index, stride=config.units,
    )  # fmt: skip
    sections = fetch(
        clock, reset, start, job, load, bitmaps_enable, bitmap_write, step, advance, section,
        config=config, operations=operations,
    )  # fmt: skip
    matches = match(
        clock, reset, section, advance, pair_valid, pair_needed, pair_bank, pair_row,
        pair_value, pair_window, pair_flags, grant, config=config, operations=operations,
    )  # fmt: skip
    values = unit_operands(
        clock, reset, load, values_enable, pair_needed, pair_bank, copy, pair_value,
        pair_window, pair_flags, grant, bank_data, operands, config=config,
    )  # fmt: skip
    results = multiply_accumulate(
        clock, reset, operands, sent, result_valid, result_total, result_flags, take, room, useful,
        config=config,
    )  # fmt: skip

    @always_comb
    def comb_monitor():
        matching.next = section.valid
        multiply.next = operands.valid

    @always_comb
    def comb_sent():
        sent.next = grant and pair_window

    return steps, sections, matches, values, results, comb_monitor, comb_sent


@block
def bitmap_pipeline(
    clock, reset, start, job, load, write, store, results, monitor, *, config, operations
):
    """All units over the shared activation memory; finished windows leave through `results`."""
    pairs = Pairs(config)
    read = ReadPort(config)
    bitmap_write = BitmapWrite(config)
    units = range(config.units)
    room, running, matching, multiply, useful = ([bit() for _ in units] for _ in range(5))
    bank_data = read.data

    processing_units = [
        bitmap_unit(
            clock, reset, start, job, load, load.values(u), load.bitmaps(u), bitmap_write,
            bank_data, pairs.valid[u], pairs.needed[u], pairs.bank[u], pairs.row[u],
            pairs.value[u], pairs.window[u], pairs.flags[u], pairs.grant[u],
            pairs.copy[u], results.valid[u], results.total[u], results.flags[u], results.take[u],
            room[u], running[u], matching[u], multiply[u], useful[u], index=u, config=config,
            operations=operations,
        )
        for u in units
    ]  # fmt: skip
    arbiter = bank_arbiter(clock, reset, start, pairs, room, read, monitor, config=config)
    joined = (
        join_bits(monitor.fetch, running),
        join_bits(monitor.match, matching),
        join_bits(monitor.multiply, multiply),
        join_bits(monitor.useful, useful),
    )
    values = activation_memory(clock, write, read, store, config=config)
    bitmaps = compress(clock, reset, write, bitmap_write, config=config)
    return processing_units, arbiter, joined, values, bitmaps

"""The list pipeline: units walk lists of non-zero weights, in lockstep or each at its own pace."""

from myhdl import Signal, always_comb, always_seq, block, intbv

from hdl.activation_copy import activation_copy, late_write, shared_copy
from hdl.bundles import ActivationWrite, ListLoad, Operands, WindowPort, bit, result_places, word
from hdl.joins import join_bits, spread_bit
from hdl.list_fetch import holds_words, list_entry, list_fetch
from hdl.list_unit import list_unit, list_walk
from hdl.multiply_accumulate import multiply_accumulate
from hdl.sign_extend import sign_extend
from hdl.windows import windows


@block
def lockstep_unit(
    clock, reset, job, load, load_enable, write, store, reading, advance, pointer, base, valid,
    coming, result_valid, result_place, totals, take, ends, holds, multiply, useful,
    *, index, config,
):  # fmt: skip
    """A unit with look-ahead 1: what was fetched goes straight to the multiplier.

    `valid` comes a cycle before the activation, and `coming` is what it will be in the next one.
    `holds` announces that a filter would end then without room for its result; all units wait.
    """
    row_bits = config.element_address_bits - (config.lanes - 1).bit_length()
    rows = [word(row_bits)]
    words = [store.data if index == 0 else word(32)]
    weights, no_pairs = word(config.bits), word(1)
    activations, negative = [word(config.bits)], [bit()]
    early_last, late_last, last, sent, active, room, full = (bit() for _ in range(7))
    operands = Operands(config)

    if index == 0:
        copy = shared_copy(clock, write, store, reading, rows[0], words[0], config=config)
    else:
        copy = activation_copy(clock, write, reading, rows[0], words[0], config=config)
    fetch = list_fetch(
        clock, advance, load, load_enable, pointer, base, job.unsigned_input, rows, words, weights,
        activations, negative, no_pairs, early_last, late_last, last, ends, config=config,
    )  # fmt: skip
    results = multiply_accumulate(
        clock, reset, operands, sent, result_valid, result_place, totals, take, room, useful,
        config=config, full=full,
    )  # fmt: skip

    @always_comb
    def comb_issue():
        holds.next = coming and active and full and late_last
        if advance:
            holds.next = coming and active and full and early_last
        sent.next = valid and active and late_last and advance

    @always_comb
    def comb_operands():
        operands.weight.next = weights.signed()
        multiply.next = operands.valid

    @always_seq(clock.posedge, reset=reset)
    def seq_issue():
        # the job's registers are stable well before the first word is here
        active.next = job.last_filter >= index
        operands.valid.next = valid and active and advance
        operands.last.next = sent

    extension = sign_extend(activations[0], negative[0], operands.activation)
    return copy, fetch, results, extension, comb_issue, comb_operands, seq_issue


@block
def lockstep_units(
    clock, reset, start, job, load, lists, write, store, port, results, monitor, *, config
):
    """All units walk list words of the same index, and wait while any filter ends without room."""
    count = config.units
    units = range(count)
    pointer = word((config.list_words - 1).bit_length())
    base = word(config.element_address_bits)
    fetching, valid, read_valid, late_valid, coming, reading, held, never = (
        bit() for _ in range(8)
    )
    # a register, as its way to all units is long
    advance = Signal(bool(1))
    holding = holds_words(config)
    ends, holds, multiply, useful = ([bit() for _ in units] for _ in range(4))

    walk = list_walk(
        clock, reset, start, job, port.base, port.serve[0], port.wanted[0], advance, ends[0],
        fetching, pointer, base, valid,
    )  # fmt: skip
    processing_units = [
        lockstep_unit(
            clock, reset, job, load, lists[u], write, store, reading, advance, pointer, base,
            late_valid, coming, results.valid[u], results.place[u], results.total[u : u + 1],
            results.take[u], ends[u], holds[u], multiply[u], useful[u], index=u, config=config,
        )
        for u in units
    ]  # fmt: skip

    @always_comb
    def comb_coming():
        # no read while nothing is fetched: the store stage's word must hold
        reading.next = advance and valid
        coming.next = late_valid
        if advance:
            if holding:
                coming.next = read_valid
            else:
                coming.next = valid

    @always_seq(clock.posedge, reset=reset)
    def seq_advance():
        waiting = intbv(0)[1:]
        waiting[:] = 0
        for u in range(count):
            if holds[u]:
                waiting[:] = 1
        advance.next = waiting == 0
        held.next = not advance

    @always_seq(clock.posedge, reset=reset)
    def seq_valid():
        if advance:
            read_valid.next = valid
        late_valid.next = coming

    joined = (
        join_bits(monitor.multiply, multiply),
        join_bits(monitor.useful, useful),
        spread_bit(monitor.fetch, fetching),
        spread_bit(monitor.operands, late_valid),
        spread_bit(monitor.blocked, held),
        spread_bit(monitor.empty, never),
    )
    return walk, processing_units, comb_coming, seq_advance, seq_valid, joined


@block
def independent_units(
    clock, reset, start, job, load, lists, write, store, port, results, monitor, *, config
):
    """Each unit walks its own list at its own pace."""
    units = range(config.units)
    places = result_places(config)
    fetching, grouped, multiply, useful, empty, blocked = ([bit() for _ in units] for _ in range(6))

    processing_units = [
        list_unit(
            clock, reset, start, job, load, lists[u], write, store, port.base, port.serve[u],
            port.wanted[u], results.valid[u], results.place[u],
            results.total[places * u : places * (u + 1)], results.take[u], fetching[u], grouped[u],
            multiply[u], useful[u], empty[u], blocked[u], index=u, config=config,
        )
        for u in units
    ]  # fmt: skip
    joined = (
        join_bits(monitor.fetch, fetching),
        join_bits(monitor.operands, grouped),
        join_bits(monitor.multiply, multiply),
        join_bits(monitor.useful, useful),
        join_bits(monitor.empty, empty),
        join_bits(monitor.blocked, blocked),
    )
    return processing_units, joined


@block
def list_pipeline(
    clock, reset, start, running, job, load, write, store, results, slot, place, flags, monitor,
    *, config,
):  # fmt: skip
    """All units over their lists; finished filters leave through `results`."""
    clients = config.units if config.independent_units else 1
    port = WindowPort(config, clients)
    copied = ActivationWrite(config, marked=config.independent_units)
    writes = late_write(clock, write, copied, config=config)
    listed = ListLoad(config)
    listed.address = load.address
    loads = list_entry(load, listed.entry, config=config)
    window_ring = windows(
        clock, reset, start, running, job, port, slot, place, flags, config=config, clients=clients
    )
    units = independent_units if config.independent_units else lockstep_units
    lists = [load.lists(u) for u in range(config.units)]
    processing_units = units(
        clock, reset, start, job, listed, lists, copied, store, port, results, monitor,
        config=config,
    )  # fmt: skip
    return writes, loads, window_ring, processing_units

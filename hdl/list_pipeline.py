"""The list pipeline: units in lockstep over lists of non-zero weights, each with its own queue."""

from myhdl import always, always_comb, always_seq, block, concat, intbv

from hdl.activation_copy import activation_copy, shared_copy
from hdl.bundles import Operands, Step, bit, word
from hdl.joins import join_bits
from hdl.list_fetch import list_fetch
from hdl.multiply_accumulate import multiply_accumulate
from hdl.pair_queue import pair_queue
from hdl.sequencer import sequencer

FETCH_CYCLES = 4
"""From a step to the operands it fetches."""

ADDRESS_STAGE = 1
"""Where in them the addresses of the activations are ready."""


@block
def direct_issue(
    clock, reset, advance, valid, weights, activations, last, wrap, flags, room, full, held, sent,
    operands,
):  # fmt: skip
    """Look-ahead 1: what was fetched goes straight to the multiplier; latency 1 cycle.

    The same ports as `hdl.pair_queue`; it is `full` while a filter's end has no `room`.
    """

    @always_comb
    def comb_full():
        full.next = valid and last and not room
        held.next = valid and last and not room
        sent.next = valid and last and advance

    @always_seq(clock.posedge, reset=reset)
    def seq_issue():
        operands.valid.next = valid and advance
        operands.window.next = valid and last and advance
        operands.weight.next = weights.signed()
        operands.activation.next = activations.signed()
        operands.flags.next = concat(wrap, flags)

    return comb_full, seq_issue


@block
def list_unit(
    clock, reset, load, load_enable, write, store, advance, reading, entry, base, valid, flags,
    result_valid, result_total, result_flags, take, room, full, held, multiply, useful,
    *, index, config,
):  # fmt: skip
    """One unit: its list, its copies of the activations, its queue and its multiplier."""
    slots = config.lookahead
    row_bits = config.element_address_bits - (config.lanes - 1).bit_length()
    rows = [word(row_bits) for _ in range(slots)]
    words = [word(32) for _ in range(slots)]
    weights, activations = word(slots * config.bits), word(slots * config.bits)
    last, wrap, sent = bit(), bit(), bit()
    operands = Operands(config)

    first = 0
    copies = []
    if index == 0:
        first = 1
        words[0] = store.data
        copies = [shared_copy(clock, write, store, reading, rows[0], config=config)]
    copies += [
        activation_copy(clock, write, reading, rows[k], words[k], config=config)
        for k in range(first, slots)
    ]
    fetch = list_fetch(
        clock, advance, load, load_enable, write, entry, base, rows, words, weights, activations,
        last, wrap, config=config,
    )  # fmt: skip
    issue_ports = (
        clock, reset, advance, valid, weights, activations, last, wrap, flags, room, full, held,
        sent, operands,
    )  # fmt: skip
    issue = pair_queue(*issue_ports, config=config) if slots > 1 else direct_issue(*issue_ports)
    results = multiply_accumulate(
        clock, reset, operands, sent, result_valid, result_total, result_flags, take, room, useful,
        config=config,
    )  # fmt: skip

    @always_comb
    def comb_multiply():
        multiply.next = operands.valid

    return fetch, copies, issue, results, comb_multiply


@block
def list_pipeline(clock, reset, start, job, load, write, store, results, monitor, *, config):
    """All units walk list words of the same index; the walk waits while any unit is full."""
    count = config.units
    units = range(count)
    step = Step(config, (config.list_words - 1).bit_length())
    advance, reading, running = bit(), bit(), bit()
    base = word(config.element_address_bits)
    flag_bits = len(step.flags)
    valid_stages = word(FETCH_CYCLES)
    flag_stages = word(FETCH_CYCLES * flag_bits)
    valid = valid_stages(FETCH_CYCLES - 1)
    flags = flag_stages(FETCH_CYCLES * flag_bits, (FETCH_CYCLES - 1) * flag_bits)
    older_valid, older_flags = FETCH_CYCLES - 1, (FETCH_CYCLES - 1) * flag_bits
    room, full, held, multiply, useful = ([bit() for _ in units] for _ in range(5))
    every_unit = (1 << config.units) - 1

    steps = sequencer(
        clock, reset, start, job, job.values, advance, step, running,
        first_channel=0, stride=1 << 16,
    )  # fmt: skip
    processing_units = [
        list_unit(
            clock, reset, load, load.lists(u), write, store, advance, reading, step.weight, base,
            valid, flags, results.valid[u], results.total[u], results.flags[u], results.take[u],
            room[u], full[u], held[u], multiply[u], useful[u], index=u, config=config,
        )
        for u in units
    ]  # fmt: skip

    @always_comb
    def comb_advance():
        waiting = intbv(0)[1:]
        waiting[:] = 0
        for u in range(count):
            if full[u]:
                waiting[:] = 1
        advance.next = waiting == 0
        # no read while nothing is fetched: the store stage's word must hold
        reading.next = waiting == 0 and valid_stages[ADDRESS_STAGE]

    @always_seq(clock.posedge, reset=reset)
    def seq_valid():
        if advance:
            valid_stages.next = concat(valid_stages[older_valid:], step.valid)

    @always(clock.posedge)
    def seq_flags():
        if advance:
            base.next = step.address
            flag_stages.next = concat(flag_stages[older_flags:], step.flags)

    @always_comb
    def comb_monitor():
        monitor.match.next = 0
        monitor.conflict.next = 0
        monitor.operands.next = 0
        monitor.fetch.next = 0
        if running:
            monitor.fetch.next = every_unit
        if valid:
            monitor.operands.next = every_unit

    joined = (
        join_bits(monitor.blocked, held),
        join_bits(monitor.multiply, multiply),
        join_bits(monitor.useful, useful),
    )
    return steps, processing_units, comb_advance, seq_valid, seq_flags, comb_monitor, joined

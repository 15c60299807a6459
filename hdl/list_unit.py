"""A unit of `list` that walks at its own pace (look-ahead above 1)."""

from myhdl import always, always_comb, always_seq, block, intbv

from hdl.activation_copy import activation_copy, drop_marks, shared_copy
from hdl.bundles import Operands, bit, word
from hdl.list_fetch import holds_words, list_fetch
from hdl.multiply_accumulate import multiply_accumulate
from hdl.sign_extend import sign_extend


@block
def list_walk(clock, reset, start, job, base_in, serve, wanted, advance, ends, fetching, pointer,
              base, valid):  # fmt: skip
    """Walks the list once a window; `pointer` is the list word to read while `fetching`.

    Goes on in a cycle with `advance`. `ends` announces that two more words end the list, 1 cycle
    after the `pointer` to the word that says so. `base` is the window's first element and `valid`
    tells that there is a word, both 2 cycles after `pointer`.
    """
    pointer_bits = len(pointer)
    next_base, read_base = word(len(base)), word(len(base))
    next_valid, walking, read_valid, turns = (bit() for _ in range(4))

    @always_comb
    def comb_fetch():
        wanted.next = not next_valid
        fetching.next = walking or next_valid

    @always_seq(clock.posedge, reset=reset)
    def seq_walk():
        if start:
            walking.next = 0
            next_valid.next = serve
        else:
            if advance:
                if fetching:
                    walking.next = not (walking and turns)
                if not walking:
                    next_valid.next = 0
            if serve:
                next_valid.next = 1
        if advance:
            read_valid.next = fetching
            # registered: a block RAM's delay leaves no time for the pointer behind it
            turns.next = ends and read_valid
            valid.next = read_valid

    @always(clock.posedge)
    def seq_pointer():
        if start:
            pointer.next = job.values[pointer_bits:]
        elif advance and fetching:
            if walking and turns:
                pointer.next = job.values[pointer_bits:]
            else:
                following = intbv(0)[pointer_bits + 1 :]
                following[:] = pointer + 1
                pointer.next = following[pointer_bits:]
        if serve:
            next_base.next = base_in
        if advance:
            if not walking:
                read_base.next = next_base
            base.next = read_base

    return comb_fetch, seq_walk, seq_pointer


@block
def issue_pairs(
    clock, reset, unsigned_input, advance, valid, weights, activations, pairs, last, room, sent,
    operands, *, config,
):  # fmt: skip
    """The `pairs` of list words without a zero, one a cycle.

    A word waits in front of the one whose pairs are issued; one without a useful pair that does not
    end a filter is dropped there, a word a cycle, while the other is still at it. `advance` asks
    for the next word with the next edge. A filter's end leaves with its last pair, or alone, and
    only if there is `room` for its result; `sent` announces it. Latency 2 cycles.
    """
    slots = config.lookahead
    bits = config.bits
    values_bits = slots * bits
    remaining, rest = word(slots), word(slots)
    issued_weights = word(values_bits)
    issued_activations = [word(bits) for _ in range(slots)]
    busy, issued_last, issue, drop, done, moves, blocked = (bit() for _ in range(7))
    weight, activation, issued = word(bits), word(bits), word(bits)
    negative, sign_bit = bit(), bits - 1

    @always_comb
    def comb_choose():
        left = intbv(0)[slots:]
        one_weight = intbv(0)[values_bits:]
        one_activation = intbv(0)[bits:]
        left[:] = remaining
        one_weight[:] = issued_weights
        one_activation[:] = issued_activations[0]
        for k in range(slots):
            if remaining[slots - 1 - k]:
                one_weight[:] = issued_weights >> ((slots - 1 - k) * bits)
                one_activation[:] = issued_activations[slots - 1 - k]
                left[:] = remaining
                left[slots - 1 - k] = 0
        weight.next = one_weight[bits:]
        activation.next = one_activation
        rest.next = left

    @always_comb
    def comb_issue():
        issue.next = busy and (rest != 0 or room or not issued_last)
        done.next = not busy or (rest == 0 and (room or not issued_last))
        sent.next = busy and rest == 0 and issued_last and room
        blocked.next = busy and rest == 0 and issued_last and not room
        drop.next = valid and pairs == 0 and not last

    @always_comb
    def comb_advance():
        moves.next = valid and not drop and done
        advance.next = not valid or drop or done

    @always_seq(clock.posedge, reset=reset)
    def seq_issue():
        if done:
            busy.next = moves
        operands.valid.next = issue and remaining != 0
        operands.empty.next = (issue and remaining == 0) or (drop and not busy)
        operands.blocked.next = blocked
        operands.last.next = sent

    @always(clock.posedge)
    def seq_pair():
        if done:
            remaining.next = pairs
            issued_weights.next = weights
            for k in range(slots):
                issued_activations[k].next = activations[k]
            issued_last.next = last
        elif issue:
            remaining.next = rest
        if issue:
            operands.weight.next = weight.signed()
            issued.next = activation
            negative.next = activation[sign_bit] and not unsigned_input

    extension = sign_extend(issued, negative, operands.activation)
    return comb_choose, comb_issue, comb_advance, seq_issue, seq_pair, extension


@block
def list_unit(
    clock, reset, start, job, load, load_enable, write, store, base_in, serve, wanted,
    result_valid, result_place, totals, take,
    fetching, grouped, multiply, useful, empty, blocked, *, index, config,
):  # fmt: skip
    """One unit: its list, its copies of the activations, its multiplier.

    `load` brings list words and `write` activations, both with marks.
    """
    slots = config.lookahead
    row_bits = config.element_address_bits - (config.lanes - 1).bit_length()
    rows = [word(row_bits) for _ in range(slots)]
    words = [word(len(write.data)) for _ in range(slots)]
    weights, pairs = word(slots * config.bits), word(slots)
    activations = [word(config.bits) for _ in range(slots)]
    no_signs = [bit() for _ in range(slots)]
    pointer = word((config.list_words - 1).bit_length())
    base = word(config.element_address_bits)
    advance, ends, valid, read_valid, group_valid, reading = (bit() for _ in range(6))
    early_last, late_last, last, sent, room = (bit() for _ in range(5))
    holding = holds_words(config)
    late_valid = bit() if holding else read_valid
    operands = Operands(config)

    walk = list_walk(
        clock, reset, start, job, base_in, serve, wanted, advance, ends, fetching, pointer, base,
        valid,
    )  # fmt: skip
    copies = [
        activation_copy(clock, write, reading, rows[k], words[k], config=config)
        for k in range(index == 0, slots)
    ]
    if index == 0:
        copies += [
            shared_copy(clock, write, store, reading, rows[0], words[0], config=config),
            drop_marks(words[0], store.data, config=config),
        ]
    fetch = list_fetch(
        clock, advance, load, load_enable, pointer, base, job.unsigned_input, rows, words, weights,
        activations, no_signs, pairs, early_last, late_last, last, ends, config=config,
    )  # fmt: skip
    issue = issue_pairs(
        clock, reset, job.unsigned_input, advance, group_valid, weights, activations, pairs, last,
        room, sent, operands, config=config,
    )  # fmt: skip
    results = multiply_accumulate(
        clock, reset, operands, sent, result_valid, result_place, totals, take, room, useful,
        config=config,
    )  # fmt: skip

    @always_comb
    def comb_reading():
        # no read while nothing is fetched: the store stage's word must hold
        reading.next = advance and valid

    @always_seq(clock.posedge, reset=reset)
    def seq_valid():
        if advance:
            read_valid.next = valid
            group_valid.next = late_valid

    @always_seq(clock.posedge, reset=reset)
    def seq_hold():
        if advance:
            late_valid.next = read_valid

    @always_comb
    def comb_monitor():
        grouped.next = group_valid
        multiply.next = operands.valid
        empty.next = operands.empty
        blocked.next = operands.blocked

    held = seq_hold if holding else ()
    return walk, copies, fetch, issue, results, comb_reading, seq_valid, held, comb_monitor

"""Stage 5 (list): queues list words, drops zero activations, issues one pair a cycle."""

from myhdl import Signal, always, always_comb, always_seq, block, concat, intbv

from hdl.bundles import bit, word

QUEUE_DEPTH = 16
"""List words that may wait in a unit; units fetch in lockstep but may multiply that far apart.

Modelled on LeNet-300 fc1 at a look-ahead of 4: 710 cycles with 16 places, 937 with 4.
"""


@block
def pair_queue(
    clock, reset, advance, valid, weights, activations, last, wrap, flags, room, full, held, sent,
    operands, *, config,
):  # fmt: skip
    """Takes a list word in a cycle with `advance`, gives one pair of non-zero operands a cycle.

    A word without a useful pair is dropped, unless it ends a filter. A filter's end leaves with its
    last pair, or alone, and only if there is `room` for its result (`held` while there is none);
    `sent` announces it. Latency 2 cycles from an empty queue.
    """
    slots = config.lookahead
    bits = config.bits
    values_bits = slots * bits
    depth = QUEUE_DEPTH
    useful, head_useful, remaining, rest = (word(slots) for _ in range(4))
    push, pop, issue, found = (bit() for _ in range(4))
    fresh = Signal(bool(1))
    head_weights, head_activations = word(values_bits), word(values_bits)
    head_last, head_wrap = bit(), bit()
    head_flags = word(len(flags))
    chosen_weight, chosen_activation = word(bits), word(bits)
    count = word(5)
    write_pointer, read_pointer = word(4), word(4)
    queued_weights = [word(values_bits) for _ in range(depth)]
    queued_activations = [word(values_bits) for _ in range(depth)]
    queued_useful = [word(slots) for _ in range(depth)]
    queued_last = [bit() for _ in range(depth)]
    queued_wrap = [bit() for _ in range(depth)]
    queued_flags = [word(len(flags)) for _ in range(depth)]

    @always_comb
    def comb_push():
        activation = intbv(0)[values_bits:]
        weight = intbv(0)[values_bits:]
        mask = intbv(0)[slots:]
        mask[:] = 0
        for k in range(slots):
            activation[:] = activations >> (k * bits)
            weight[:] = weights >> (k * bits)
            if activation[bits:] != 0 and weight[bits:] != 0:
                mask[k] = 1
        useful.next = mask
        push.next = valid and advance and (mask != 0 or last)

    @always(clock.posedge)
    def seq_queue():
        if push:
            queued_weights[write_pointer].next = weights
            queued_activations[write_pointer].next = activations
            queued_useful[write_pointer].next = useful
            queued_last[write_pointer].next = last
            queued_wrap[write_pointer].next = wrap
            queued_flags[write_pointer].next = flags

    @always_comb
    def comb_head():
        head_weights.next = queued_weights[read_pointer]
        head_activations.next = queued_activations[read_pointer]
        head_useful.next = queued_useful[read_pointer]
        head_last.next = queued_last[read_pointer]
        head_wrap.next = queued_wrap[read_pointer]
        head_flags.next = queued_flags[read_pointer]

    @always_comb
    def comb_choose():
        mask = intbv(0)[slots:]
        left = intbv(0)[slots:]
        weight = intbv(0)[values_bits:]
        activation = intbv(0)[values_bits:]
        if fresh:
            mask[:] = head_useful
        else:
            mask[:] = remaining
        left[:] = mask
        weight[:] = head_weights
        activation[:] = head_activations
        for k in range(slots):
            if mask[slots - 1 - k]:
                weight[:] = head_weights >> ((slots - 1 - k) * bits)
                activation[:] = head_activations >> ((slots - 1 - k) * bits)
                left[:] = mask
                left[slots - 1 - k] = 0
        chosen_weight.next = weight[bits:]
        chosen_activation.next = activation[bits:]
        rest.next = left
        found.next = mask != 0
        issue.next = count != 0 and (left != 0 or room or not head_last)
        pop.next = count != 0 and left == 0 and (room or not head_last)
        sent.next = count != 0 and left == 0 and room and head_last
        held.next = count != 0 and left == 0 and head_last and not room
        full.next = count == depth

    @always_seq(clock.posedge, reset=reset)
    def seq_issue():
        if push:
            write_pointer.next = (write_pointer + 1) % depth
        if pop:
            read_pointer.next = (read_pointer + 1) % depth
        if push and not pop:
            count.next = count + 1
        elif pop and not push:
            count.next = count - 1
        if issue:
            remaining.next = rest
            fresh.next = pop
        operands.valid.next = issue and found
        operands.window.next = sent
        if issue:
            operands.weight.next = chosen_weight.signed()
            operands.activation.next = chosen_activation.signed()
            operands.flags.next = concat(head_wrap, head_flags)

    return comb_push, seq_queue, comb_head, comb_choose, seq_issue

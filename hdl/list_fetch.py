"""Stages 2 to 4 (list): fetches a list word and the activations its weights belong to."""

from myhdl import always, block, intbv

from hdl.bundles import bit, word
from hdl.lists import ListLayout
from hdl.memories import ram


@block
def list_fetch(
    clock, advance, load, load_enable, write, entry, base, rows, words, weights, activations,
    last, wrap, *, config,
):  # fmt: skip
    """Weights of list word `entry` and their activations, 4 cycles later.

    Every stage moves only in a cycle with `advance`. `base`, the element the window starts at,
    comes 1 cycle after `entry`. `rows` and `words` go to and come from this unit's copies of the
    activations, one a slot, latency 1 cycle. Throughput 1 list word a cycle.
    """
    slots = config.lookahead
    bits = config.bits
    layout = ListLayout.of(config)
    offset_bits = layout.offset_bits
    offsets_low = layout.offset_low(0)
    last_bit, wrap_bit = layout.last_bit, layout.wrap_bit
    lane_bits = (config.lanes - 1).bit_length()
    values_bits = slots * bits
    list_word = word(layout.width)
    lanes = [word(max(1, lane_bits)) for _ in range(slots)]
    late_lanes = [word(max(1, lane_bits)) for _ in range(slots)]
    values, late_values = word(values_bits), word(values_bits)
    early_last, early_wrap, late_last, late_wrap = (bit() for _ in range(4))
    several_lanes = lane_bits > 0
    lane_width = max(1, lane_bits)

    list_memory = ram(
        clock, load_enable, load.address, load.list_word, advance, entry, list_word,
        depth=config.list_words,
    )  # fmt: skip

    @always(clock.posedge)
    def seq_address():
        if advance:
            shifted = intbv(0)[slots * offset_bits :]
            total = intbv(0)[offset_bits + 1 :]
            for k in range(slots):
                shifted[:] = list_word[last_bit:offsets_low] >> (k * offset_bits)
                total[:] = base + shifted[offset_bits:]
                rows[k].next = total[offset_bits:lane_bits]
                if several_lanes:
                    lanes[k].next = total[lane_width:]
            values.next = list_word[values_bits:]
            early_last.next = list_word[last_bit]
            early_wrap.next = list_word[wrap_bit]
            late_values.next = values
            late_last.next = early_last
            late_wrap.next = early_wrap

    @always(clock.posedge)
    def seq_select():
        if advance:
            shifted = intbv(0)[32:]
            gathered = intbv(0)[values_bits:]
            element = intbv(0)[values_bits:]
            shift = intbv(0)[5:]
            gathered[:] = 0
            for k in range(slots):
                late_lanes[k].next = lanes[k]
                # as wide as the product: in VHDL a constant operand gets the other's width
                shift[:] = late_lanes[k]
                shifted[:] = words[k] >> (shift * bits)
                element[:] = shifted[bits:]
                gathered[:] = gathered | (element << (k * bits))
            activations.next = gathered
            weights.next = late_values
            last.next = late_last
            wrap.next = late_wrap

    return list_memory, seq_address, seq_select

"""Stages 2 to 4 (list): fetches a list word and the activations its weights belong to."""

from myhdl import always, always_comb, block, intbv

from hdl.bundles import word
from hdl.config import AcceleratorConfig
from hdl.lists import ListLayout
from hdl.memories import ram


def holds_words(config: AcceleratorConfig) -> bool:
    """Whether words of activations are held in a register before a lane of them is chosen.

    The block RAM's delay leaves no time for that behind it.
    """
    return config.lanes > 1


def fetch_cycles(config: AcceleratorConfig) -> int:
    """From the pointer to a list word to its weights and activations."""
    return 5 if holds_words(config) else 4


@block
def list_entry(load, entry, *, config):
    """The list word that has been loaded, as all units store it, with marks of its weights.

    A mark tells that the weight in its slot is not zero. Combinational.
    """
    slots = config.lookahead
    bits = config.bits
    layout = ListLayout.of(config)
    word_width = layout.width
    width = layout.stored_width
    marked = layout.marked
    # without marks these lie on other bits: a branch never taken must be legal all the same
    marks_low = width - slots
    load_bits = len(load.entry)
    entry_low = load_bits - 32 * layout.stream_words

    @always_comb
    def comb_load():
        whole = intbv(0)[load_bits:]
        value = intbv(0)[load_bits:]
        listed = intbv(0)[width:]
        whole[:] = load.entry >> entry_low
        listed[:] = whole[word_width:]
        if marked:
            for k in range(slots):
                value[:] = whole >> (k * bits)
                if value[bits:] != 0:
                    listed[marks_low + k] = 1
        entry.next = listed

    return comb_load


@block
def list_fetch(
    clock, advance, load, load_enable, pointer, base, unsigned_input, rows, words, weights,
    activations, negative, pairs, early_last, late_last, last, ends, *, config,
):  # fmt: skip
    """Weights of the list word at `pointer` and their activations, `fetch_cycles` later.

    With them, if the look-ahead is above 1, `pairs` says in which slots neither is zero, as marks
    tell (`list_entry`, `hdl.activation_copy.mark_elements`), else `negative` whether the activation
    is.

    Every stage moves only in a cycle with `advance`. `last` comes with them, `late_last` one such
    cycle before, and `early_last` one before that. `ends` comes 1 cycle after the `pointer` to the
    word that announces the end of the list; `base`, the element the window starts at, must come 2
    cycles after `pointer`. `rows` and `words` go to and come from this unit's copies of the
    activations, one a slot, latency 1 cycle; `activations` are one a slot too. Throughput 1 list
    word a cycle.
    """
    slots = config.lookahead
    bits = config.bits
    layout = ListLayout.of(config)
    offset_bits = layout.offset_bits
    marked = layout.marked
    width = layout.stored_width
    element_bits = bits + 1 if marked else bits
    # without marks these lie on other bits: a branch never taken must be legal all the same
    marks_low = width - slots
    mark_bit, sign_bit = element_bits - 1, bits - 1
    word_bits = config.lanes * element_bits
    offsets_low = layout.offset_low(0)
    last_bit, turn_bit = layout.last_bit, layout.turn_bit
    lane_bits = (config.lanes - 1).bit_length()
    values_bits = slots * bits
    read_word, list_word = word(width), word(width)
    lanes, early_lanes, late_lanes = (
        [word(max(1, lane_bits)) for _ in range(slots)] for _ in range(3)
    )
    late_values, late_marks = word(values_bits), word(slots)
    several_lanes = lane_bits > 0
    lane_width = max(1, lane_bits)
    holding = holds_words(config)
    early_values, early_marks = late_values, late_marks
    held_words, chosen_lanes = words, early_lanes
    if holding:
        early_values, early_marks, chosen_lanes = word(values_bits), word(slots), late_lanes
        held_words = [word(word_bits) for _ in range(slots)]

    list_memory = ram(
        clock, load_enable, load.address, load.entry, advance, pointer, read_word,
        depth=config.list_words,
    )  # fmt: skip

    @always_comb
    def comb_ends():
        ends.next = read_word[turn_bit]

    @always_comb
    def comb_address():
        shifted = intbv(0)[slots * offset_bits :]
        total = intbv(0)[offset_bits + 1 :]
        for k in range(slots):
            shifted[:] = list_word[last_bit:offsets_low] >> (k * offset_bits)
            total[:] = base + shifted[offset_bits:]
            rows[k].next = total[offset_bits:lane_bits]
            lanes[k].next = 0
            if several_lanes:
                lanes[k].next = total[lane_width:]

    @always(clock.posedge)
    def seq_word():
        if advance:
            list_word.next = read_word
            late_last.next = early_last
            early_values.next = list_word[values_bits:]
            if marked:
                early_marks.next = list_word[width:marks_low]

    @always_comb
    def comb_last():
        early_last.next = list_word[last_bit]

    @always(clock.posedge)
    def seq_hold():
        if advance:
            early_last.next = list_word[last_bit]
            late_values.next = early_values
            if marked:
                late_marks.next = early_marks
            for k in range(slots):
                late_lanes[k].next = early_lanes[k]
                held_words[k].next = words[k]

    @always(clock.posedge)
    def seq_select():
        if advance:
            shifted = intbv(0)[word_bits:]
            useful = intbv(0)[slots:]
            useful[:] = 0
            for k in range(slots):
                early_lanes[k].next = lanes[k]
                # by one lane and by two: a product with the lane would be made of multipliers
                shifted[:] = held_words[k]
                for i in range(lane_bits):
                    if chosen_lanes[k][i]:
                        shifted[:] = shifted >> (element_bits * (i + 1))
                activations[k].next = shifted[bits:]
                if marked:
                    useful[k] = late_marks[k] and shifted[mark_bit]
                else:
                    negative[k].next = shifted[sign_bit] and not unsigned_input
            pairs.next = useful
            weights.next = late_values
            last.next = late_last

    held = seq_hold if holding else comb_last
    return list_memory, comb_ends, comb_address, seq_word, held, seq_select

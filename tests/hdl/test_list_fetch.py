"""List words and the activations they point at, under a random `advance`."""

import random
from collections.abc import Iterator
from typing import Any

import pytest

from hdl.activation_copy import activation_copy
from hdl.bundles import ActivationWrite, LoadWrite, bit, word
from hdl.list_fetch import list_fetch
from hdl.list_pipeline import FETCH_CYCLES
from hdl.lists import ListLayout
from tests.hdl.bench import run, small_config


@pytest.mark.parametrize("lookahead", [1, 2, 4])
@pytest.mark.parametrize("eagerness", [0.4, 1.0])
def test_weights_meet_their_activations(lookahead: int, eagerness: float) -> None:
    config = small_config(kind="list", lookahead=lookahead, list_words=16)
    layout = ListLayout.of(config)
    size, lanes, bits = config.activation_elements, config.lanes, config.bits
    clock, advance, load_enable, last, wrap = (bit() for _ in range(5))
    load, write = LoadWrite(config), ActivationWrite(config)
    entry, base = word(4), word(config.element_address_bits)
    rows = [word(config.element_address_bits - 2) for _ in range(lookahead)]
    words = [word(32) for _ in range(lookahead)]
    weights, activations = word(lookahead * bits), word(lookahead * bits)
    dut = list_fetch(
        clock, advance, load, load_enable, write, entry, base, rows, words, weights, activations,
        last, wrap, config=config,
    )  # fmt: skip
    copies = [
        activation_copy(clock, write, advance, rows[k], words[k], config=config)
        for k in range(lookahead)
    ]
    random_ = random.Random(lookahead)
    contents = [random_.randrange(256) for _ in range(size)]
    pairs = [
        [(random_.randrange(size), random_.randrange(-128, 128)) for _ in range(lookahead)]
        for _ in range(config.list_words)
    ]
    ends = [(random_.random() < 0.5, random_.random() < 0.5) for _ in range(config.list_words)]

    def preload() -> Iterator[Any]:
        write.enable.next, write.wide.next = True, True
        for place in range(0, size, lanes):
            write.address.next = place
            write.data.next = sum(v << 8 * i for i, v in enumerate(contents[place : place + lanes]))
            yield clock.posedge
        write.enable.next, load_enable.next = False, True
        for index, (items, (last_, wrap_)) in enumerate(zip(pairs, ends, strict=True)):
            stream = layout.encode(items, last=last_, wrap=wrap_)
            load.list_word.next = sum(part << 32 * i for i, part in enumerate(stream))
            load.address.next = index
            yield clock.posedge
        load_enable.next = False

    def packed(values: list[int]) -> int:
        return sum((value % 256) << 8 * k for k, value in enumerate(values))

    def script() -> Iterator[Any]:
        yield from preload()
        expected: list[tuple[int, int, bool, bool] | None] = [None] * FETCH_CYCLES
        start = random_.randrange(size)
        for _ in range(300):
            index, place = random_.randrange(config.list_words), random_.randrange(size)
            moving = random_.random() < eagerness
            # the window's first element comes a step after its list word
            entry.next, base.next, advance.next = index, start, moving
            yield clock.posedge
            shown = expected[0]
            if shown is not None:
                assert (int(weights), int(activations), bool(last), bool(wrap)) == shown
            if moving:
                offsets = [(place + offset) % size for offset, _ in pairs[index]]
                expected.pop(0)
                expected.append(
                    (
                        packed([value for _, value in pairs[index]]),
                        packed([contents[offset] for offset in offsets]),
                        *ends[index],
                    )
                )
                start = place

    run(clock, dut, copies, script=script)

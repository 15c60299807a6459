"""Sections of weights and activations: aligned, masked, and in step under a random `advance`."""

import random
from collections.abc import Iterator
from typing import Any

import pytest

from hdl.bundles import BitmapWrite, bit, word
from hdl.config import SECTION_BITS
from hdl.section_fetch import section_fetch
from tests.hdl.bench import run, small_config

CONFIG = small_config()
SIZE = CONFIG.activation_elements
VALUE_BITS = (CONFIG.weight_elements - 1).bit_length()
LATENCY_CYCLES = 2

Fetched = tuple[int, int, int, int, bool]
"""Weights, matches, address, first value, whether it ends a filter."""


@pytest.mark.parametrize("eagerness", [0.4, 1.0])
def test_sections(eagerness: float) -> None:
    """Every element may be the first of a section, also one that goes on at the memory's start."""
    clock, advance, load_enable, last, section_last = (bit() for _ in range(5))
    load_address, load_entry = word(16), word(SECTION_BITS + VALUE_BITS)
    bitmap_write = BitmapWrite(CONFIG)
    address, section_address = (word(CONFIG.element_address_bits) for _ in range(2))
    weight = word((CONFIG.bitmap_words - 1).bit_length())
    weights, matches, value = word(SECTION_BITS), word(SECTION_BITS), word(VALUE_BITS)
    dut = section_fetch(
        clock, advance, load_enable, load_address, load_entry, bitmap_write, address, weight, last,
        weights, matches, section_address, value, section_last, config=CONFIG,
    )  # fmt: skip
    random_ = random.Random(eagerness)
    entries = [
        (random_.getrandbits(SECTION_BITS), random_.getrandbits(VALUE_BITS))
        for _ in range(CONFIG.bitmap_words)
    ]
    nonzero = [random_.random() < 0.5 for _ in range(SIZE)]

    def preload() -> Iterator[Any]:
        load_enable.next = bitmap_write.enable.next = True
        for index, (bitmap, first) in enumerate(entries):
            load_address.next, load_entry.next = index, first << SECTION_BITS | bitmap
            section = index % (SIZE // SECTION_BITS)
            flags = nonzero[section * SECTION_BITS :][:SECTION_BITS]
            bitmap_write.address.next = section
            bitmap_write.data.next = sum(flag << i for i, flag in enumerate(flags))
            yield clock.posedge
        load_enable.next = bitmap_write.enable.next = False

    def fetched(place: int, index: int, ends: bool) -> Fetched:
        bitmap, first = entries[index]
        found = sum(nonzero[(place + i) % SIZE] << i for i in range(SECTION_BITS))
        return bitmap, bitmap & found, place, first, ends

    def script() -> Iterator[Any]:
        yield from preload()
        expected: list[Fetched | None] = [None] * LATENCY_CYCLES
        places = [*range(SIZE), *random_.choices(range(SIZE), k=100)]
        random_.shuffle(places)
        while places:
            place, index = places[-1], random_.randrange(CONFIG.bitmap_words)
            ends, moves = random_.random() < 0.5, random_.random() < eagerness
            address.next, weight.next, last.next, advance.next = place, index, ends, moves
            yield clock.posedge
            if expected[0] is not None:
                seen = int(weights), int(matches), int(section_address), int(value)
                assert (*seen, bool(section_last)) == expected[0]
            if moves:
                places.pop()
                expected.append(fetched(place, index, ends))
                expected.pop(0)

    run(clock, dut, script=script)

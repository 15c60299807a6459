"""Loaded weight sections get the number of values before them in their packet."""

import random
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hdl.bit_operations import SIMULATION, SYNTHESIS, BitOperations
from hdl.bundles import LoadWrite, bit, word
from hdl.config import SECTION_BITS
from hdl.section_loads import section_loads
from tests.hdl.bench import UNSHRUNK, run, small_config, stage_reset

CONFIG = small_config(units=3)
VALUE_BITS = (CONFIG.weight_elements - 1).bit_length()

Entry = tuple[int, int, int, int]
"""Units it is written to, address, bitmap, values before it."""


def play(packets: list[tuple[int, int, list[int]]], seed: int, operations: BitOperations) -> None:
    """Sends (unit, address, bitmaps) packets with gaps; checks each entry in the cycle after it."""
    clock, load = bit(), LoadWrite(CONFIG)
    enable, address = word(CONFIG.units), word(16)
    entry = word(SECTION_BITS + VALUE_BITS)
    dut = section_loads(
        clock, stage_reset(), load, enable, address, entry, config=CONFIG, operations=operations
    )
    random_ = random.Random(seed)
    sent: list[Entry] = []
    seen: list[Entry] = []

    def look() -> None:
        if enable:
            parts = int(entry) % 2**SECTION_BITS, int(entry) >> SECTION_BITS
            seen.append((int(enable), int(address), *parts))

    def script() -> Iterator[Any]:
        for unit, first, bitmaps in packets:
            values = 0
            for index, bitmap in enumerate(bitmaps):
                while random_.random() < 0.3:
                    load.bitmaps.next, load.first.next = 0, random_.random() < 0.5
                    load.data.next = random_.getrandbits(32)
                    yield clock.posedge
                    look()
                load.bitmaps.next, load.first.next = 1 << unit, index == 0
                load.address.next, load.data.next = (first + index) % 2**16, bitmap
                yield clock.posedge
                look()
                assert len(seen) == len(sent), "an entry must come 1 cycle after its word"
                place = (first + index) % 2**16
                sent.append((1 << unit, place, bitmap, values % 2**VALUE_BITS))
                values += bitmap.bit_count()
        load.bitmaps.next = 0
        for _ in range(3):
            yield clock.posedge
            look()

    run(clock, dut, script=script)
    assert seen == sent


BITMAPS = st.sampled_from([0, 1, 1 << 31, 2**32 - 1]) | st.integers(0, 2**32 - 1)
PACKETS = st.tuples(
    st.integers(0, CONFIG.units - 1),
    st.integers(0, 2**16 - 1),
    st.lists(BITMAPS, min_size=1, max_size=12),
)


@given(packets=st.lists(PACKETS, min_size=1, max_size=6), seed=st.integers(0, 1000))
@settings(max_examples=25, phases=UNSHRUNK)
def test_counts_from_the_start_of_each_packet(
    packets: list[tuple[int, int, list[int]]], seed: int
) -> None:
    play(packets, seed, SIMULATION)


@pytest.mark.parametrize("operations", [SIMULATION, SYNTHESIS], ids=["simulation", "synthesis"])
def test_full_sections_fill_the_value_memory(operations: BitOperations) -> None:
    """The count reaches the memory's end, and starts again behind it."""
    full = [2**32 - 1] * (CONFIG.weight_elements // SECTION_BITS + 2)
    play([(1, 0, full), (2, 5, [3])], 0, operations)

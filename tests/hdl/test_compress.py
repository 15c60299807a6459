"""The bitmaps that follow the activation values (bitmap)."""

import random
from collections.abc import Iterator
from typing import Any

import pytest

from hdl.bundles import ActivationWrite, BitmapWrite, bit, word
from hdl.compress import compress
from hdl.config import SECTION_BITS
from hdl.memories import section_pair_ram
from tests.hdl.bench import packed, run, small_config, stage_reset

BITMAP_LATENCY_CYCLES = 2


@pytest.mark.parametrize("bits", [8, 16, 32])
@pytest.mark.parametrize("sections", [1, 2, 8], ids=lambda count: f"{count}-sections")
@pytest.mark.parametrize("density", [0.5, 1.0])
def test_bitmaps_follow_the_values(bits: int, sections: int, density: float) -> None:
    """Narrow and wide writes at random; few sections make writes to the same one frequent.

    The model writes the values; all copies and the shadow must tell which are not zero.
    """
    config = small_config(bits=bits)
    count = config.activation_elements // SECTION_BITS
    clock, write, bitmap_write = bit(), ActivationWrite(config), BitmapWrite(config)
    address, even, odd = word(config.element_address_bits), word(32), word(32)
    read_enable = bit()
    dut = compress(clock, stage_reset(), write, bitmap_write, config=config)
    copy = section_pair_ram(clock, bitmap_write, read_enable, address, even, odd, depth=count)
    shadow = next(sub for sub in dut.subs if getattr(sub, "subs", None)).symdict["words"]
    random_ = random.Random(sections)
    values = [0] * config.activation_elements

    def bitmap(section: int) -> int:
        part = values[section * SECTION_BITS :][:SECTION_BITS]
        return sum((value != 0) << i for i, value in enumerate(part))

    def one_write() -> None:
        wide = random_.random() < 0.3
        place = random_.randrange(sections * SECTION_BITS)
        if wide:
            place -= place % config.lanes
        data = [
            random_.choice([0, 0, 1 << (bits - 1), random_.getrandbits(bits)])
            for _ in range(config.lanes if wide else 1)
        ]
        values[place : place + len(data)] = data
        write.wide.next, write.address.next = wide, place
        # the upper bits of a lone element are zero, as the pooling stage leaves them
        write.data.next = packed(data, bits)

    def script() -> Iterator[Any]:
        written: list[int | None] = [None] * (BITMAP_LATENCY_CYCLES - 1)
        for _ in range(400):
            enable = random_.random() < density
            write.enable.next = enable
            if enable:
                one_write()
            yield clock.posedge
            section = written.pop(0)
            written.append(int(write.address) // SECTION_BITS if enable else None)
            assert bitmap_write.enable == (section is not None)
            if section is not None:
                assert bitmap_write.address == section
        write.enable.next = False
        for _ in range(BITMAP_LATENCY_CYCLES):
            yield clock.posedge
        assert [int(flags) for flags in shadow] == [bitmap(section) for section in range(count)]
        read_enable.next = True
        for section in range(0, count, 2):
            address.next = section * SECTION_BITS
            yield clock.posedge
            yield clock.negedge
            assert (int(even), int(odd)) == (bitmap(section), bitmap(section + 1))

    run(clock, dut, copy, script=script)


def test_each_write_is_in_the_bitmaps_two_cycles_later() -> None:
    """Back-to-back writes to one section, each checked as soon as it may be read."""
    config = small_config()
    clock, write, bitmap_write = bit(), ActivationWrite(config), BitmapWrite(config)
    dut = compress(clock, stage_reset(), write, bitmap_write, config=config)

    def script() -> Iterator[Any]:
        write.enable.next = True
        flags, wanted = 0, []
        for place, value in [(3, 1), (4, 1), (3, 0), (31, 9), (3, 2), (4, 0)]:
            write.address.next, write.data.next = place, value
            flags = flags & ~(1 << place) | (value != 0) << place
            wanted.append(flags)
            yield clock.posedge
            if len(wanted) > 1:
                assert bitmap_write.enable
                assert bitmap_write.data == wanted[-2]

    run(clock, dut, script=script)

"""Block RAM models: latency, hold, address width, and the pair of neighbouring sections."""

import random
from collections.abc import Iterator
from typing import Any

from hdl.bundles import BitmapWrite, bit, word
from hdl.memories import ram, section_pair_ram
from tests.hdl.bench import run, small_config


def test_ram() -> None:
    """Random reads and writes at once, to different words; a word holds until the next read."""
    depth = 16
    clock, write_enable, read_enable = bit(), bit(), bit()
    # wider than memory and data: the high bits fall away
    write_address, write_data = word(16), word(32)
    read_address, read_data = word(4), word(12)
    dut = ram(
        clock, write_enable, write_address, write_data, read_enable, read_address, read_data,
        depth=depth,
    )  # fmt: skip
    random_ = random.Random(1)
    words, shown = [0] * depth, 0

    def script() -> Iterator[Any]:
        nonlocal shown
        for _ in range(400):
            writing, reading = random_.random() < 0.5, random_.random() < 0.5
            target, source = random_.sample(range(depth), 2)
            value = random_.getrandbits(32)
            write_enable.next, read_enable.next = writing, reading
            write_address.next, write_data.next = target + 16 * random_.randrange(4), value
            read_address.next = source
            yield clock.posedge
            assert read_data == shown
            shown = words[source] if reading else shown
            if writing:
                words[target] = value % 2**12

    run(clock, dut, script=script)


def test_section_pair_ram() -> None:
    """Whatever the element, its section and the next come out, the first after the last."""
    config = small_config()
    depth = config.activation_elements // 32
    clock, read_enable, write = bit(), bit(), BitmapWrite(config)
    address, even, odd = word(config.element_address_bits), word(32), word(32)
    dut = section_pair_ram(clock, write, read_enable, address, even, odd, depth=depth)
    random_ = random.Random(2)
    sections = [0] * depth

    def script() -> Iterator[Any]:
        shown = (0, 0)
        for _ in range(500):
            element = random_.randrange(config.activation_elements)
            pair = {element // 32, (element // 32 + 1) % depth}
            target = random_.choice([s for s in range(depth) if s not in pair])
            writing, reading = random_.random() < 0.6, random_.random() < 0.8
            write.enable.next, read_enable.next, address.next = writing, reading, element
            write.address.next = target
            value = random_.getrandbits(32)
            write.data.next = value
            yield clock.posedge
            assert (int(even), int(odd)) == shown
            if reading:
                first, second = sorted(pair, key=lambda section: section % 2)
                shown = (sections[first], sections[second])
            if writing:
                sections[target] = value

    run(clock, dut, script=script)

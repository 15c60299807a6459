"""Copies of the activations: narrow and wide writes, reads that hold, the store stage's turn."""

import random
from collections.abc import Iterator
from typing import Any

import pytest

from hdl.activation_copy import (
    activation_copy,
    drop_marks,
    late_write,
    mark_elements,
    shared_copy,
)
from hdl.bundles import ActivationWrite, StoreRead, bit, word
from hdl.config import STREAM_BITS, AcceleratorConfig
from tests.hdl.bench import packed, run, small_config

BITS = pytest.mark.parametrize("bits", [8, 16, 32])


class Values:
    """The values behind a copy, and random writes to them."""

    def __init__(self, config: AcceleratorConfig, write: Any, random_: random.Random) -> None:
        self.config, self.write, self.random = config, write, random_
        self.elements = [0] * config.activation_elements

    def row(self, index: int) -> int:
        lanes = self.config.lanes
        return packed(self.elements[index * lanes :][:lanes], self.config.bits)

    def drive(self, row_read: int | None) -> tuple[int, list[int]] | None:
        """Drives a random element or word; a row that is read in this cycle is not written."""
        random_, bits, lanes = self.random, self.config.bits, self.config.lanes
        wide = random_.random() < 0.5
        place = random_.randrange(len(self.elements))
        if wide:
            place -= place % lanes
        self.write.enable.next = False
        if place // lanes == row_read or random_.random() < 0.2:
            return None
        data = [random_.getrandbits(bits) for _ in range(lanes if wide else 1)]
        self.write.enable.next, self.write.wide.next, self.write.address.next = True, wide, place
        self.write.data.next = packed(data, bits)
        return place, data

    def take(self, written: tuple[int, list[int]] | None) -> None:
        if written is not None:
            place, data = written
            self.elements[place : place + len(data)] = data


@BITS
def test_a_copy_of_its_own(bits: int) -> None:
    config = small_config(bits=bits)
    clock, read_enable, write = bit(), bit(), ActivationWrite(config)
    rows = config.activation_elements // config.lanes
    read_word, read_data = word((rows - 1).bit_length()), word(STREAM_BITS)
    dut = activation_copy(clock, write, read_enable, read_word, read_data, config=config)
    random_ = random.Random(bits)
    values = Values(config, write, random_)

    def script() -> Iterator[Any]:
        shown = 0
        for _ in range(800):
            reading, wanted = random_.random() < 0.6, random_.randrange(rows)
            read_enable.next, read_word.next = reading, wanted
            written = values.drive(wanted if reading else None)
            yield clock.posedge
            assert read_data == shown, "a word must stay until the next is read"
            shown = values.row(wanted) if reading else shown
            values.take(written)

    run(clock, dut, script=script)


@BITS
def test_a_copy_that_is_shared_with_the_store_stage(bits: int) -> None:
    config = small_config(bits=bits)
    clock, read_enable = bit(), bit()
    write, store = ActivationWrite(config), StoreRead(config)
    read_word = word(len(store.address))
    dut = shared_copy(clock, write, store, read_enable, read_word, store.data, config=config)
    random_ = random.Random(bits)
    values = Values(config, write, random_)
    rows = config.activation_elements // config.lanes

    def script() -> Iterator[Any]:
        shown = 0
        for _ in range(800):
            reading, storing = random_.choice([(False, False), (True, False), (False, True)])
            wanted, stored = random_.randrange(rows), random_.randrange(rows)
            read_enable.next, store.enable.next = reading, storing
            read_word.next, store.address.next = wanted, stored
            row = wanted if reading else stored if storing else None
            written = values.drive(row)
            yield clock.posedge
            assert store.data == shown, "a word must stay until the next is read"
            shown = values.row(row) if row is not None else shown
            values.take(written)

    run(clock, dut, script=script)


@BITS
def test_marks_tell_zeros_and_fall_away_again(bits: int) -> None:
    config = small_config(bits=bits)
    clock = bit()
    data, again = word(STREAM_BITS), word(STREAM_BITS)
    marked = word(STREAM_BITS + config.lanes)
    dut = (
        mark_elements(data, marked, config=config),
        drop_marks(marked, again, config=config),
    )
    random_ = random.Random(bits)

    def script() -> Iterator[Any]:
        for _ in range(200):
            elements = [
                random_.choice([0, 1, 1 << (bits - 1), random_.getrandbits(bits)])
                for _ in range(config.lanes)
            ]
            data.next = packed(elements, bits)
            yield clock.posedge
            marks = [value | (value != 0) << bits for value in elements]
            assert marked == packed(marks, bits + 1)
            assert again == data

    run(clock, dut, script=script)


@pytest.mark.parametrize("marked", [False, True])
def test_a_write_comes_a_cycle_later(marked: bool) -> None:
    config = small_config(bits=16)
    clock = bit()
    write, late = ActivationWrite(config), ActivationWrite(config, marked=marked)
    dut = late_write(clock, write, late, config=config)
    random_ = random.Random(3)
    values = Values(config, write, random_)

    def script() -> Iterator[Any]:
        sent: tuple[int, list[int]] | None = None
        for _ in range(200):
            wanted = values.drive(None)
            yield clock.posedge
            assert late.enable == (sent is not None)
            if sent is not None:
                place, data = sent
                elements = [value | (marked and value != 0) << 16 for value in data]
                assert (late.address, late.wide) == (place, len(data) > 1)
                assert late.data == packed(elements, 16 + marked)
            sent = wanted

    run(clock, dut, script=script)

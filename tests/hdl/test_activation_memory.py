"""The activation memories: narrow and wide writes, reads of every copy, the store stage's port."""

import random
from collections.abc import Iterator
from typing import Any

import pytest

from hdl.activation_copy import shared_copy
from hdl.activation_memory import activation_memory
from hdl.bundles import ActivationWrite, ReadPort, StoreRead, bit, word
from hdl.config import BANK_COPIES, AcceleratorConfig
from tests.hdl.bench import run, small_config

CONFIGS = [small_config(units=units) for units in (1, 3, 8, 16)]


def packed(values: list[int]) -> int:
    return sum(value << 8 * index for index, value in enumerate(values))


def drive_write(
    write: Any,
    random_: random.Random,
    config: AcceleratorConfig,
    row_elements: int,
    rows_read: set[int],
) -> tuple[int, list[int]] | None:
    """Drives a random element or word; a row that is read in this cycle is not written."""
    wide = random_.random() < 0.5
    place = random_.randrange(config.activation_elements)
    if wide:
        place -= place % config.lanes
    write.enable.next = False
    if place // row_elements in rows_read or random_.random() < 0.2:
        return None
    data = [random_.randrange(256) for _ in range(config.lanes if wide else 1)]
    write.enable.next, write.wide.next, write.address.next = True, wide, place
    write.data.next = packed(data)
    return place, data


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: f"{config.kind}-{config.units}")
def test_reads_and_writes(config: AcceleratorConfig) -> None:
    clock = bit()
    write, read, store = ActivationWrite(config), ReadPort(config), StoreRead(config)
    dut = activation_memory(clock, write, read, store, config=config)
    random_ = random.Random(config.units)
    values = [0] * config.activation_elements
    rows = config.activation_elements // config.banks
    ports = len(read.row)
    assert ports == config.banks * BANK_COPIES

    def script() -> Iterator[Any]:
        shown: list[int | None] = [None] * ports
        shown_word = None
        for _ in range(600):
            reading, storing = random_.choice([(False, False), (True, False), (False, True)])
            wanted = [random_.randrange(rows) for _ in range(ports)]
            stored = random_.randrange(config.activation_elements // config.lanes)
            read.enable.next, store.enable.next, store.address.next = reading, storing, stored
            for port, row in enumerate(wanted):
                read.row[port].next = row
            stored_row = stored * config.lanes // config.banks
            busy = {*wanted} if reading else {stored_row} if storing else set()
            written = drive_write(write, random_, config, config.banks, busy)
            yield clock.posedge
            for port, value in enumerate(shown):
                assert value is None or read.data[port] == value
            assert shown_word is None or store.data == shown_word
            if reading:
                shown = [
                    values[row * config.banks + port % config.banks]
                    for port, row in enumerate(wanted)
                ]
                shown_word = None
            elif storing:
                # the first copies have read for the store stage
                shown[: config.banks] = [None] * config.banks
                shown_word = packed(values[stored * config.lanes :][: config.lanes])
            if written is not None:
                place, data = written
                values[place : place + len(data)] = data

    run(clock, dut, script=script)


@pytest.mark.parametrize("kind", ["list", "dense"])
def test_a_copy_that_is_shared_with_the_store_stage(kind: str) -> None:
    config = small_config(kind=kind)
    clock, read_enable = bit(), bit()
    write, store = ActivationWrite(config), StoreRead(config)
    read_word = word(len(store.address))
    dut = shared_copy(clock, write, store, read_enable, read_word, config=config)
    random_ = random.Random(4)
    values = [0] * config.activation_elements
    words = config.activation_elements // config.lanes

    def script() -> Iterator[Any]:
        shown = 0
        for _ in range(800):
            reading, storing = random_.choice([(False, False), (True, False), (False, True)])
            wanted, stored = random_.randrange(words), random_.randrange(words)
            read_enable.next, store.enable.next = reading, storing
            read_word.next, store.address.next = wanted, stored
            busy = {wanted} if reading else {stored} if storing else set()
            written = drive_write(write, random_, config, config.lanes, busy)
            yield clock.posedge
            assert store.data == shown, "a word must stay until the next is read"
            if reading or storing:
                place = (wanted if reading else stored) * config.lanes
                shown = packed(values[place : place + config.lanes])
            if written is not None:
                place, data = written
                values[place : place + len(data)] = data

    run(clock, dut, script=script)

"""The loader: where each payload word goes, when it waits, and what it refuses."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

import pytest

from hdl.bundles import ActivationWrite, AxiStream, LoadWrite, RegisterWrite, bit, word
from hdl.config import AcceleratorConfig
from hdl.lists import ListLayout
from hdl.loader import loader
from hdl.packets import Destination, Header, packet
from hdl.registers import ERROR_TRUNCATED_PACKET, ERROR_UNKNOWN_DESTINATION
from tests.drivers import Pace, reset_source, stream_source
from tests.hdl.axi_rules import Handshake
from tests.hdl.bench import inverter, run, small_config, stage_reset

CONFIG = small_config(units=3)
REGISTER_INDICES = 32
DESTINATIONS = (
    Destination.REGISTERS,
    Destination.ACTIVATIONS,
    Destination.VALUES,
    Destination.BITMAPS,
    Destination.BIASES,
)


class Bench:
    """The loader and the signals around it."""

    def __init__(self, config: AcceleratorConfig = CONFIG) -> None:
        self.clock, self.resetn, self.reset = bit(), bit(), stage_reset()
        self.s_axis, self.busy, self.write_ready = AxiStream(), bit(), bit()
        self.register_write, self.load = RegisterWrite(), LoadWrite(config)
        self.write, self.loading, self.taken = ActivationWrite(config), bit(), bit()
        self.error = word(8)
        self.dut = loader(
            self.clock, self.reset, self.s_axis, self.busy, self.write_ready, self.register_write,
            self.load, self.write, self.loading, self.error, self.taken, config=config,
        )  # fmt: skip

    def strobes(self) -> list[tuple[str, int, int, int]]:
        """What is written in this cycle: place, unit, address, data."""
        load = self.load
        seen = []
        if self.register_write.enable:
            index, data = int(self.register_write.index), int(self.register_write.data)
            seen.append(("REGISTERS", 0, index, data))
        for name, strobe in (("VALUES", load.values), ("BITMAPS", load.bitmaps)):
            for unit in range(CONFIG.units):
                if strobe[unit]:
                    seen.append((name, unit, int(load.address), int(load.data)))
        if load.biases:
            seen.append(("BIASES", 0, int(load.address), int(load.data)))
        return seen


@dataclass(frozen=True)
class Word:
    """A stream word: the write it causes, if any, and whether it must wait for idle."""

    data: int
    last: bool
    write: tuple[str, int, int, int] | None = None
    fenced: bool = False
    ends_packet: bool = False


def random_words(seed: int, packets_count: int) -> list[Word]:
    random_ = random.Random(seed)
    words: list[Word] = []
    for _ in range(packets_count):
        destination = random_.choice(DESTINATIONS)
        count, fence = random_.randint(1, 7), random_.random() < 0.3
        unit = random_.randrange(CONFIG.units)
        address = random_.randrange(REGISTER_INDICES) if destination == 1 else random_.choice(
            [0, 5, 63, 2**16 - 2]
        )  # fmt: skip
        payload = [random_.getrandbits(32) for _ in range(count)]
        header = Header(destination, count, address, unit, fence)
        for data in header.words():
            words.append(Word(data, False))
        units = (Destination.VALUES, Destination.BITMAPS)
        for index, data in enumerate(payload):
            place = (address + index) % 2**16
            if destination is Destination.REGISTERS:
                place %= REGISTER_INDICES
            elif destination is Destination.ACTIVATIONS:
                place = place * CONFIG.lanes % CONFIG.activation_elements
            ends = index == count - 1
            words.append(
                Word(
                    data,
                    ends and random_.random() < 0.3,
                    (destination.name, unit if destination in units else 0, place, data),
                    fence or destination is Destination.REGISTERS,
                    ends,
                )
            )
        assert packet(header, payload) == [word.data for word in words[-count - 2 :]]
    return words


@pytest.mark.parametrize(
    ("stream_pace", "busy_probability", "ready_probability"),
    [(1.0, 0.0, 1.0), (0.5, 0.5, 0.5), (1.0, 0.7, 0.2)],
)
def test_payload_reaches_its_place(
    stream_pace: float, busy_probability: float, ready_probability: float
) -> None:
    bench = Bench()
    random_ = random.Random(9)
    words = random_words(seed=4, packets_count=60)
    held = Handshake("activation write")

    def script() -> Iterator[Any]:
        position, due, taken_cycles = 0, None, []
        bench.write_ready.next = True
        waiting_write: tuple[str, int, int, int] | None = None
        cycle = 0
        while position < len(words) or due is not None or waiting_write is not None:
            yield bench.clock.negedge
            bench.busy.next = random_.random() < busy_probability
            bench.write_ready.next = random_.random() < ready_probability
            yield bench.clock.posedge
            cycle += 1
            assert bench.error == 0
            # a payload word taken in the cycle before is written now
            expected: list[Any] = []
            if due is not None and due[0] == "ACTIVATIONS":
                assert waiting_write is None
                waiting_write = due
            elif due is not None:
                expected = [due]
            assert bench.strobes() == expected
            assert bench.write.enable == (waiting_write is not None)
            if waiting_write is not None:
                seen = ("ACTIVATIONS", 0, int(bench.write.address), int(bench.write.data))
                assert seen == waiting_write
            if held.observe(bool(bench.write.enable), bool(bench.write_ready), waiting_write):
                waiting_write = None
            due = None
            mid_packet = position > 0 and not words[position - 1].ends_packet
            assert bench.loading == mid_packet
            taking = bool(bench.s_axis.tvalid and bench.s_axis.tready)
            assert bench.taken == taking
            if taking:
                word_ = words[position]
                assert not (word_.fenced and bench.busy), "a fenced packet must wait for idle"
                due = word_.write
                position += 1
                taken_cycles.append(cycle)
        if (stream_pace, busy_probability) == (1.0, 0.0):
            assert taken_cycles[-1] - taken_cycles[0] == len(words) - 1, "one word a cycle"

    beats = [(word_.data, word_.last) for word_ in words]
    run(
        bench.clock,
        bench.dut,
        inverter(bench.resetn, bench.reset),
        reset_source(bench.clock, bench.resetn),
        stream_source(bench.clock, bench.resetn, bench.s_axis, beats, Pace(stream_pace, 1)),
        script=script,
    )
    assert held.transfers == sum(
        word_.write is not None and word_.write[0] == "ACTIVATIONS" for word_ in words
    )


@pytest.mark.parametrize("lookahead", [1, 2, 4])
def test_list_words_are_put_together(lookahead: int) -> None:
    """A list word comes as several stream words, least significant first, and is written once."""
    config = small_config(kind="list", units=3, lookahead=lookahead)
    bench = Bench(config)
    parts = ListLayout.of(config).stream_words
    random_ = random.Random(lookahead)
    list_words = [[random_.getrandbits(32) for _ in range(parts)] for _ in range(9)]
    words = [
        *packet(Header(Destination.LISTS, 5 * parts, 7, 1), [*chain(*list_words[:5])]),
        *packet(Header(Destination.VALUES, 2, 3, 2), [1, 2]),
        *packet(Header(Destination.LISTS, 4 * parts, 60, 2), [*chain(*list_words[5:])]),
    ]
    written = []

    def end_in_a_list_word() -> Iterator[Any]:
        """A packet that ends after the first part, and the reset that must make it forgotten."""
        bench.s_axis.tvalid.next = True
        for index, data in enumerate(packet(Header(Destination.LISTS, 9, 0), [5] * 9)[:3]):
            bench.s_axis.tdata.next, bench.s_axis.tlast.next = data, index == 2
            yield bench.clock.posedge
        bench.s_axis.tvalid.next = bench.s_axis.tlast.next = False
        bench.reset.next = True
        yield bench.clock.posedge
        bench.reset.next = False

    def script() -> Iterator[Any]:
        bench.write_ready.next = True
        yield from end_in_a_list_word()
        yield bench.clock.posedge
        pending = list(words)
        for _ in range(3 * len(words)):
            valid = bool(pending) and random_.random() < 0.6
            bench.s_axis.tvalid.next = valid
            bench.s_axis.tdata.next = pending.pop(0) if valid else 0
            yield bench.clock.posedge
            assert bench.s_axis.tready
            for unit in range(config.units):
                if bench.load.lists[unit]:
                    written.append((unit, int(bench.load.address), int(bench.load.list_word)))

    run(bench.clock, bench.dut, script=script)
    together = [sum(part << 32 * i for i, part in enumerate(parts_)) for parts_ in list_words]
    places = [*((1, 7 + index) for index in range(5)), *((2, 60 + index) for index in range(4))]
    assert written == [(*place, word_) for place, word_ in zip(places, together, strict=True)]


GOOD = packet(Header(Destination.VALUES, 2, 9, 2), [0x11223344, 0x55667788])


def header_words(destination: int, unit: int = 0, count: int = 2) -> list[int]:
    return [destination << 28 | unit << 16, (count - 1) << 16]


@pytest.mark.parametrize(
    ("words", "last_at", "code", "taken_words"),
    [
        ([*header_words(0), 1, 2], None, ERROR_UNKNOWN_DESTINATION, 2),
        ([*header_words(max(Destination) + 1), 1, 2], None, ERROR_UNKNOWN_DESTINATION, 2),
        ([*header_words(15), 1, 2], None, ERROR_UNKNOWN_DESTINATION, 2),
        ([*header_words(3, unit=3), 1, 2], None, ERROR_UNKNOWN_DESTINATION, 2),
        ([*header_words(3, unit=255), 1, 2], None, ERROR_UNKNOWN_DESTINATION, 2),
        ([*header_words(3), 1, 2], 0, ERROR_TRUNCATED_PACKET, 1),
        ([*header_words(3), 1, 2], 1, ERROR_TRUNCATED_PACKET, 2),
        ([*header_words(3), 1, 2], 2, ERROR_TRUNCATED_PACKET, 3),
        ([*header_words(0), 1, 2], 1, ERROR_TRUNCATED_PACKET, 2),
    ],
    ids=[
        "destination-0", "destination-after-last", "destination-15", "unit-3", "unit-255",
        "ends-in-header-0", "ends-in-header-1", "ends-in-payload", "ends-before-destination-known",
    ],
)  # fmt: skip
def test_a_bad_packet_stops_the_loader_until_reset(
    words: list[int], last_at: int | None, code: int, taken_words: int
) -> None:
    bench = Bench()

    def send(beats: list[int], last_at: int | None) -> Iterator[Any]:
        """Offers the beats for 20 cycles more than needed; counts what is taken."""
        position, codes, strobes = 0, [], []
        for _ in range(len(beats) + 20):
            valid = position < len(beats)
            bench.s_axis.tvalid.next = valid
            bench.s_axis.tdata.next = beats[position] if valid else 0
            bench.s_axis.tlast.next = valid and position == last_at
            yield bench.clock.posedge
            if bench.error:
                codes.append(int(bench.error))
            strobes += bench.strobes()
            position += bool(bench.s_axis.tvalid and bench.s_axis.tready)
        sent.append((position, codes, strobes))

    sent: list[tuple[int, list[int], list[Any]]] = []

    def script() -> Iterator[Any]:
        bench.write_ready.next = True
        yield from send([*GOOD, *words, *GOOD], None if last_at is None else len(GOOD) + last_at)
        assert bench.loading, "a failed packet counts as partly received"
        bench.s_axis.tvalid.next = False
        bench.reset.next = True
        yield bench.clock.posedge
        bench.reset.next = False
        yield from send(GOOD, len(GOOD) - 1)

    run(bench.clock, bench.dut, script=script)
    good_writes = [("VALUES", 2, 9, 0x11223344), ("VALUES", 2, 10, 0x55667788)]
    (position, codes, strobes), again = sent
    assert position == len(GOOD) + taken_words
    assert codes == [code], "an error must show once"
    assert strobes[:2] == good_writes
    assert len(strobes) <= 2 + max(0, taken_words - 2), "nothing must be written after the error"
    assert again == (len(GOOD), [], good_writes)

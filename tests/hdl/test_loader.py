"""The loader: where each payload word goes, when it waits, and what it refuses."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from hdl.bundles import ActivationWrite, AxiStream, LoadWrite, RegisterWrite, bit, word
from hdl.config import STREAM_BITS, AcceleratorConfig
from hdl.lists import ListLayout
from hdl.loader import loader
from hdl.packets import Destination, Header, packet
from hdl.registers import ERROR_TRUNCATED_PACKET, ERROR_UNKNOWN_DESTINATION
from tests.drivers import Pace, reset_source, stream_source
from tests.hdl.axi_rules import Handshake
from tests.hdl.bench import inverter, packed, run, small_config, stage_reset

CONFIG = small_config(units=3)
CONFIGS = [
    CONFIG,
    small_config(kind="bitmap", units=2, bits=32, channel_scales=True),
    small_config(kind="dense", units=1, bits=16, channel_scales=True),
    small_config(kind="list", units=3, bits=8, lookahead=1),
    small_config(kind="list", units=5, bits=16, lookahead=2),
    small_config(kind="list", units=2, bits=32, lookahead=4),
]
REGISTER_INDICES = 32
OF_UNITS = (Destination.VALUES, Destination.BITMAPS, Destination.LISTS)

Strobe = tuple[str, int, int, int, bool]
"""What is written: place, unit, address, word or entry, whether it is the packet's first word."""


def entry_words(config: AcceleratorConfig, destination: Destination) -> int:
    """Stream words that are put together before they are written."""
    if destination is Destination.LISTS:
        return ListLayout.of(config).stream_words
    return config.bias_words if destination is Destination.BIASES else 1


class Bench:
    """The loader and the signals around it."""

    def __init__(self, config: AcceleratorConfig = CONFIG) -> None:
        self.config = config
        self.clock, self.resetn, self.reset = bit(), bit(), stage_reset()
        self.s_axis, self.busy, self.write_ready = AxiStream(), bit(), bit()
        self.register_write, self.load = RegisterWrite(), LoadWrite(config)
        self.write, self.loading, self.taken = ActivationWrite(config), bit(), bit()
        self.error = word(8)
        self.dut = loader(
            self.clock, self.reset, self.s_axis, self.busy, self.write_ready, self.register_write,
            self.load, self.write, self.loading, self.error, self.taken, config=config,
        )  # fmt: skip

    def strobes(self) -> list[Strobe]:
        """What is written in this cycle, but for activations."""
        load = self.load
        seen: list[Strobe] = []
        if self.register_write.enable:
            index, data = int(self.register_write.index), int(self.register_write.data)
            seen.append(("REGISTERS", 0, index, data, bool(load.first)))
        address, data, first = int(load.address), int(load.data), bool(load.first)
        for name, strobe in (("VALUES", load.values), ("BITMAPS", load.bitmaps)):
            for unit in range(self.config.units):
                if strobe[unit]:
                    seen.append((name, unit, address, data, first))
        for unit in range(self.config.units):
            if load.lists[unit]:
                seen.append(("LISTS", unit, address, self.entry(Destination.LISTS), first))
        if load.biases:
            seen.append(("BIASES", 0, address, self.entry(Destination.BIASES), first))
        return seen

    def entry(self, destination: Destination) -> int:
        """The newest words, the last on top."""
        words = entry_words(self.config, destination)
        return int(self.load.entry) >> (len(self.load.entry) - STREAM_BITS * words)


@dataclass(frozen=True)
class Word:
    """A stream word: what it writes, and whether it must wait for idle or ends its packet.

    `places` are the element addresses at which it is written into the activation memory.
    """

    data: int
    last: bool
    strobe: Strobe | None = None
    places: tuple[int, ...] = ()
    fenced: bool = False
    ends_packet: bool = False


def random_packet(config: AcceleratorConfig, random_: random.Random) -> list[Word]:
    """Any destination; packets of entries of several words may end inside one."""
    destinations = list(Destination)
    if config.kind != "list":
        destinations.remove(Destination.LISTS)
    destination = random_.choice(destinations)
    parts = entry_words(config, destination)
    fence = random_.random() < 0.3
    repeat = destination is Destination.ACTIVATIONS and random_.random() < 0.5
    count = random_.randint(1, 7) if parts == 1 else random_.randint(1, 3 * parts)
    unit = random_.randrange(config.units)
    address = random_.choice([0, 5, 63, 2**16 - 2])
    if destination is Destination.REGISTERS:
        address = random_.randrange(REGISTER_INDICES)
    payload = [random_.getrandbits(32) for _ in range(1 if repeat else count)]
    header = Header(destination, count, address, unit, fence, repeat)
    header_words = list(header.words())
    if destination is not Destination.ACTIVATIONS and random_.random() < 0.3:
        header_words[0] |= 1 << 25  # to repeat is for activations only
    words = [Word(data, False) for data in header_words]
    for index, data in enumerate(payload):
        place = (address + index // parts) % 2**16
        strobe: Strobe | None = None
        places: tuple[int, ...] = ()
        if destination is Destination.ACTIVATIONS:
            steps = count if repeat else 1
            places = tuple(
                (place + step) % 2**16 * config.lanes % config.activation_elements
                for step in range(steps)
            )
        elif index % parts == parts - 1:
            if destination is Destination.REGISTERS:
                place %= REGISTER_INDICES
            entry = packed(payload[index - parts + 1 : index + 1], STREAM_BITS)
            owner = unit if destination in OF_UNITS else 0
            strobe = (destination.name, owner, place, entry, index == 0)
        ends = index == len(payload) - 1
        words.append(
            Word(
                data,
                ends and random_.random() < 0.3,
                strobe,
                places,
                fence or destination is Destination.REGISTERS,
                ends,
            )
        )
    return words


@pytest.mark.parametrize(
    "config", CONFIGS, ids=lambda c: f"{c.kind}-{c.bits}-{c.bias_words}-{c.units}"
)
@pytest.mark.parametrize(
    ("stream_pace", "busy_probability", "ready_probability"),
    [(1.0, 0.0, 1.0), (0.5, 0.5, 0.5), (1.0, 0.7, 0.2)],
)
def test_payload_reaches_its_place(
    config: AcceleratorConfig, stream_pace: float, busy_probability: float, ready_probability: float
) -> None:
    """Every output in every cycle, while jobs run and results take the write port at random."""
    bench = Bench(config)
    random_ = random.Random(config.units)
    words = [item for _ in range(40) for item in random_packet(config, random_)]
    held = Handshake("activation write")

    def script() -> Iterator[Any]:
        position, due, taken_cycles = 0, None, []
        # places of the taken word that are still to be written, and whether the first of them shows
        places: list[int] = []
        shows = False
        cycle = filled = 0
        bench.write_ready.next = True
        while position < len(words) or due is not None or places:
            yield bench.clock.negedge
            bench.busy.next = random_.random() < busy_probability
            bench.write_ready.next = random_.random() < ready_probability
            yield bench.clock.posedge
            cycle += 1
            assert bench.error == 0
            assert bench.strobes() == ([due] if due is not None else [])
            due = None
            assert bench.write.enable == shows
            write = (int(bench.write.address), int(bench.write.data), bool(bench.write.wide))
            if shows:
                assert write[:2] == (places[0], words[position - 1].data)
            goes = held.observe(shows, bool(bench.write_ready), write)
            waits = shows and not goes
            filling = len(places) > shows
            starts_packet = position == 0 or words[position - 1].ends_packet
            assert bench.loading == (filling or not starts_packet)
            following = words[position] if position < len(words) else None
            fenced = following is not None and following.fenced and bool(bench.busy)
            assert bench.s_axis.tready == (not filling and not waits and not fenced)
            taking = bool(bench.s_axis.tvalid and bench.s_axis.tready)
            assert bench.taken == (taking or (filling and not waits))
            filled += filling
            if goes:
                places.pop(0)
            shows = waits or bool(places)
            if taking:
                assert following is not None
                due = following.strobe
                places += following.places
                shows = shows or bool(places)
                position += 1
                taken_cycles.append(cycle)
        if (stream_pace, busy_probability) == (1.0, 0.0):
            cycles = taken_cycles[-1] - taken_cycles[0]
            assert cycles == len(words) - 1 + filled, "one word a cycle but for repeated ones"

    beats = [(item.data, item.last) for item in words]
    run(
        bench.clock,
        bench.dut,
        inverter(bench.resetn, bench.reset),
        reset_source(bench.clock, bench.resetn),
        stream_source(bench.clock, bench.resetn, bench.s_axis, beats, Pace(stream_pace, 1)),
        script=script,
    )
    assert held.transfers == sum(len(item.places) for item in words)


@pytest.mark.parametrize("destination", [Destination.LISTS, Destination.BIASES])
def test_a_reset_forgets_a_part_of_an_entry(destination: Destination) -> None:
    """A packet ends too soon, after the first word of an entry; the next one starts afresh."""
    config = small_config(kind="list", units=3, bits=32, lookahead=4, channel_scales=True)
    bench = Bench(config)
    parts = entry_words(config, destination)
    assert parts > 2
    seen: list[Strobe] = []

    def send(words: list[int], last_at: int) -> Iterator[Any]:
        for index, data in enumerate(words):
            bench.s_axis.tvalid.next = True
            bench.s_axis.tdata.next, bench.s_axis.tlast.next = data, index == last_at
            yield bench.clock.posedge
            seen.extend(bench.strobes())
        bench.s_axis.tvalid.next = False

    def script() -> Iterator[Any]:
        bench.write_ready.next = True
        header = Header(destination, parts, 3, 2)
        payload = list(range(1, parts + 1))
        yield from send(packet(header, payload)[:3], last_at=2)
        bench.reset.next = True
        yield bench.clock.posedge
        bench.reset.next = False
        yield from send(packet(header, payload), last_at=parts + 1)
        yield bench.clock.posedge
        seen.extend(bench.strobes())
        unit = 2 if destination is Destination.LISTS else 0
        assert seen == [(destination.name, unit, 3, packed(payload, STREAM_BITS), False)]

    run(bench.clock, bench.dut, script=script)


@pytest.mark.parametrize("count", [1, 2, 9])
def test_a_repeated_word_is_written_once_a_cycle(count: int) -> None:
    """From the cycle after it is taken; the next packet's header enters with the last write."""
    bench = Bench()
    writes: list[tuple[int, int]] = []
    taken_cycles: list[int] = []

    def script() -> Iterator[Any]:
        bench.write_ready.next = True
        header = Header(Destination.ACTIVATIONS, count, 60, repeat=True)
        words = [*packet(header, [0xABCD]), *packet(Header(Destination.VALUES, 1), [1])]
        for cycle in range(count + 12):
            position = len(taken_cycles)
            bench.s_axis.tvalid.next = position < len(words)
            bench.s_axis.tdata.next = words[position] if position < len(words) else 0
            yield bench.clock.posedge
            if bench.write.enable:
                place = int(bench.write.address) // CONFIG.lanes
                writes.append((cycle, place))
                assert bench.write.data == 0xABCD
            assert bench.taken == (cycle < 5 + count)
            if bench.s_axis.tvalid and bench.s_axis.tready:
                taken_cycles.append(cycle)

    run(bench.clock, bench.dut, script=script)
    size = CONFIG.activation_elements // CONFIG.lanes
    assert writes == [(3 + index, (60 + index) % size) for index in range(count)]
    assert taken_cycles == [0, 1, 2, *range(2 + count, 5 + count)]


GOOD = packet(Header(Destination.VALUES, 2, 9, 2), [0x11223344, 0x55667788])


def header_words(
    destination: int, unit: int = 0, count: int = 2, repeat: bool = False
) -> list[int]:
    return [destination << 28 | repeat << 25 | unit << 16, (count - 1) << 16]


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
        ([*header_words(2, repeat=True), 1, 2], 1, ERROR_TRUNCATED_PACKET, 2),
        ([*header_words(3, repeat=True), 1, 2], 2, ERROR_TRUNCATED_PACKET, 3),
    ],
    ids=[
        "destination-0", "destination-after-last", "destination-15", "unit-3", "unit-255",
        "ends-in-header-0", "ends-in-header-1", "ends-in-payload", "ends-before-destination-known",
        "repeated-ends-in-header", "only-activations-repeat",
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
            assert not bench.write.enable
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
    good_writes = [("VALUES", 2, 9, 0x11223344, True), ("VALUES", 2, 10, 0x55667788, False)]
    (position, codes, strobes), again = sent
    assert position == len(GOOD) + taken_words
    assert codes == [code], "an error must show once"
    assert strobes[:2] == good_writes
    assert len(strobes) <= 2 + max(0, taken_words - 2), "nothing must be written after the error"
    assert again == (len(GOOD), [], good_writes)

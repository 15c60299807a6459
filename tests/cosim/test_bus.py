"""The interconnect: decoding, arbitration, limits, and bytes that arrive where they should."""

from collections.abc import Generator
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from simpy import Environment, Event

from cosim.board import Board
from cosim.bus import Interconnect, MasterPort
from cosim.errors import ScenarioError
from cosim.memory import MemoryController, Storage
from cosim.trace import Trace
from cosim.transactions import Burst, ReadDelivery, Response
from tests.cosim.conftest import MakeBoard, load_board

BASE = 0x100000
CYCLE_PS = 10_000


class Registers:
    """Four registers that take three cycles each; the last does not exist."""

    def __init__(self, env: Environment) -> None:
        self.env = env
        self.values = [0, 0, 0]

    def write_register(self, offset: int, value: int) -> Generator[Event, Any, int]:
        yield self.env.timeout(3 * CYCLE_PS)
        if offset >= 12:
            return Response.SLVERR
        self.values[offset // 4] = value
        return Response.OKAY

    def read_register(self, offset: int) -> Generator[Event, Any, tuple[int, int]]:
        yield self.env.timeout(3 * CYCLE_PS)
        return self.values[offset // 4], Response.OKAY


def make_bus(board: Board, trace: Trace | None = None) -> tuple[Interconnect, Storage]:
    env = Environment()
    bus = Interconnect(env, board.clocks.bus, board.bus, trace)
    storage = Storage(BASE, 1 << 16)
    bus.add_memory("memory", storage, MemoryController(env, board.memory))
    return bus, storage


def collect(event: Event, into: list[Any]) -> None:
    def keep(done: Event) -> None:
        into.append((int(done.env.now), done.value))

    assert event.callbacks is not None
    event.callbacks.append(keep)


def test_first_beat_follows_address_and_latency(make_board: MakeBoard) -> None:
    bus, storage = make_bus(make_board())
    storage.write(BASE, bytes(range(64)))
    port = bus.add_master("m")
    bus.start()
    answers: list[tuple[int, ReadDelivery]] = []
    collect(port.read(Burst(BASE, 64)), answers)
    bus.env.run()
    [(time_ps, delivery)] = answers
    # 200 ns of memory latency hide the one address cycle; 16 beats of 4 bytes follow.
    assert time_ps == delivery.first_ps == 200_000
    assert delivery.end_ps == 200_000 + 16 * CYCLE_PS
    assert delivery.data == bytes(range(64))


def test_overlapping_ranges_are_refused(reference_board: Board) -> None:
    bus, _ = make_bus(reference_board)
    message = "Address range 0x0010f000-0x00110fff of dma overlaps 0x00100000-0x0010ffff of memory"
    with pytest.raises(ScenarioError, match=message):
        bus.add_registers("dma", 0x10F000, 0x2000, Registers(bus.env))


def test_nobody_at_an_address_is_a_decode_error(reference_board: Board) -> None:
    bus, _ = make_bus(reference_board)
    port = bus.add_master("m")
    bus.start()
    answers: list[tuple[int, Any]] = []
    collect(port.read(Burst(0x200000, 8)), answers)
    collect(port.write(BASE + (1 << 16), bytes(8)), answers)
    bus.env.run()
    assert [answers[0][1].response, answers[1][1]] == [Response.DECERR, Response.DECERR]
    assert bus.decode_errors == [
        "m read of 8 bytes at 0x00200000: no port there",
        "m write of 8 bytes at 0x00110000: no port there",
    ]


@pytest.mark.parametrize(("address", "length"), [(BASE, 68), (BASE + 4092, 8), (BASE, 0)])
def test_illegal_bursts_are_refused(reference_board: Board, address: int, length: int) -> None:
    bus, _ = make_bus(reference_board)
    port = bus.add_master("m")
    with pytest.raises(ValueError, match=r"burst of m at .* must be 1 to"):
        port.read(Burst(address, length))


def test_register_accesses_go_one_after_the_other(reference_board: Board) -> None:
    bus, _ = make_bus(reference_board)
    registers = Registers(bus.env)
    bus.add_registers("block", 0x40000000, 0x1000, registers)
    port = bus.add_master("m")
    bus.start()
    answers: list[tuple[int, Any]] = []
    collect(port.write(0x40000004, (77).to_bytes(4, "little")), answers)
    collect(port.read(Burst(0x40000004, 4)), answers)
    collect(port.write(0x4000000C, bytes(4)), answers)
    collect(port.read(Burst(0x40000004, 2)), answers)
    bus.env.run()
    assert registers.values[1] == 77
    assert answers[1][1].data == (77).to_bytes(4, "little")
    assert answers[2][1] == Response.SLVERR
    assert answers[3][1].response == Response.SLVERR
    # One address cycle and three of the block, each.
    assert [time for time, _ in answers[:3]] == [4 * CYCLE_PS, 8 * CYCLE_PS, 12 * CYCLE_PS]


def flood(port: MasterPort, bursts: int, served: list[str], name: str) -> None:
    for index in range(bursts):
        event = port.read(Burst(BASE + 64 * index, 64))
        assert event.callbacks is not None
        event.callbacks.append(lambda _: served.append(name))


def test_round_robin_shares_equally(reference_board: Board) -> None:
    bus, _ = make_bus(reference_board)
    ports = {name: bus.add_master(name) for name in "abc"}
    bus.start()
    served: list[str] = []
    for name, port in ports.items():
        flood(port, 20, served, name)
    bus.env.run()
    assert served == list("abc") * 20


def test_fixed_priority_lets_the_highest_go_first(make_board: MakeBoard) -> None:
    bus, _ = make_bus(make_board(bus={"arbitration": "fixed_priority", "outstanding": 1}))
    low, high = bus.add_master("low", 1), bus.add_master("high", 2)
    bus.start()
    served: list[str] = []
    flood(low, 8, served, "low")
    flood(high, 8, served, "high")
    bus.env.run()
    # The one place a master has leaves gaps that the other may use, no more than every second.
    assert served[0] == "high"
    assert served.index("low") > 0
    assert served[:8].count("high") >= 4
    assert served[-1] == "low"


def test_requests_of_one_instant_compete_whatever_their_order(make_board: MakeBoard) -> None:
    bus, _ = make_bus(make_board(bus={"arbitration": "fixed_priority"}))
    low, high = bus.add_master("low", 1), bus.add_master("high", 2)
    bus.start()
    served: list[str] = []

    def ask(port: MasterPort, name: str, steps: int) -> Generator[Event, Any, None]:
        yield bus.env.timeout(5 * CYCLE_PS)
        for _ in range(steps):
            yield bus.env.timeout(0)
        flood(port, 1, served, name)

    bus.env.process(ask(low, "low", 0))
    bus.env.process(ask(high, "high", 10))
    bus.env.run()
    assert served == ["high", "low"]


def test_writes_of_all_masters_share_one_data_channel(reference_board: Board) -> None:
    trace = Trace()
    bus, _ = make_bus(reference_board, trace)
    ports = [bus.add_master(name) for name in "ab"]
    bus.start()
    for index in range(20):
        for port in ports:
            port.write(BASE + 64 * index, bytes(64))
    bus.env.run()
    spans = sorted((s.start_ps, s.end_ps) for s in trace.spans if s.track == "bus write")
    assert len(spans) == 40
    assert all(end <= start for (_, end), (start, _) in pairwise(spans))
    assert bus.env.now >= 40 * 16 * CYCLE_PS


@pytest.mark.parametrize("outstanding", [1, 2, 4])
def test_throughput_is_bound_by_outstanding_bursts(make_board: MakeBoard, outstanding: int) -> None:
    bus, _ = make_bus(make_board(bus={"outstanding": outstanding}))
    port = bus.add_master("m")
    bus.start()
    served: list[str] = []
    flood(port, 60, served, "m")
    bus.env.run()
    cycles = bus.env.now / CYCLE_PS
    # A burst lives for 20 cycles of latency and 16 beats; the bus carries one beat a cycle.
    expected = 60 * max(16, 36 / outstanding)
    assert cycles == pytest.approx(expected, rel=0.06)


def test_reads_and_writes_use_separate_data_channels(reference_board: Board) -> None:
    bus, storage = make_bus(reference_board)
    reader, writer = bus.add_master("reader"), bus.add_master("writer")
    bus.start()
    served: list[str] = []
    flood(reader, 50, served, "r")
    for index in range(50):
        writer.write(BASE + 0x8000 + 64 * index, bytes([index]) * 64)
    bus.env.run()
    assert bus.env.now / CYCLE_PS < 50 * 16 + 20
    assert storage.read(BASE + 0x8000 + 64 * 49, 2) == bytes([49, 49])


@given(st.data())
def test_bytes_arrive_whatever_the_masters_do(data: st.DataObject) -> None:
    bus, storage = make_bus(load_board())
    masters = data.draw(st.integers(1, 4))
    expected = bytearray(1 << 16)
    delivered: list[tuple[bytes, bytes]] = []

    def act(port: MasterPort, region: int, actions: list[tuple[int, bytes]]) -> Any:
        for offset, payload in actions:
            for burst in port.split(BASE + region + offset, len(payload), 16):
                first = burst.address_bytes - BASE
                part = payload[first - region - offset :][: burst.length_bytes]
                response = yield port.write(burst.address_bytes, part)
                assert response == Response.OKAY
                expected[first : first + len(part)] = part
                delivery = yield port.read(burst)
                delivered.append((delivery.data, part))

    for index in range(masters):
        actions = data.draw(
            st.lists(
                st.tuples(st.integers(0, 4000), st.binary(min_size=1, max_size=300)), max_size=5
            )
        )
        bus.env.process(act(bus.add_master(f"m{index}"), index * 0x3000, actions))
    bus.start()
    bus.env.run()
    assert storage.read(BASE, 1 << 16) == expected
    assert all(got == sent for got, sent in delivered)

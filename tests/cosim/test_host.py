"""What the host's steps cost, against the published figures they are modelled on."""

from collections.abc import Generator
from typing import Any

import pytest
from simpy import Environment, Event

from cosim.board import Board
from cosim.bus import Interconnect
from cosim.errors import SimulationError
from cosim.host import Host
from cosim.interrupt import InterruptLine
from cosim.memory import MemoryController, Storage
from tests.cosim.conftest import load_board


class Register:
    """One register that answers in a cycle."""

    def __init__(self, env: Environment) -> None:
        self.env = env
        self.value = 0

    def write_register(self, offset: int, value: int) -> Generator[Event, Any, int]:
        yield self.env.timeout(10_000)
        self.value = value
        return 0

    def read_register(self, offset: int) -> Generator[Event, Any, tuple[int, int]]:
        yield self.env.timeout(10_000)
        return self.value, 0


def make_host(board: Board) -> tuple[Host, Storage]:
    env = Environment()
    bus = Interconnect(env, board.clocks.bus, board.bus)
    storage = Storage(board.memory.base_bytes, 1 << 16)
    controller = MemoryController(env, board.memory)
    bus.add_memory("memory", storage, controller)
    bus.add_registers("block", 0x40000000, 0x1000, Register(env))
    master = bus.add_master("host")
    bus.start()
    return Host(env, board.clocks.host, board.host, master, storage, controller), storage


def test_programmed_io_stays_under_25_mbyte_s() -> None:
    host, _ = make_host(load_board())

    def copy() -> Generator[Event, Any, None]:
        for value in range(100):
            yield from host.write_register(0x40000000, value, "R")
            assert (yield from host.read_register(0x40000000, "R")) == value

    host.env.run(until=host.env.process(copy()))
    mbyte_s = 200 * 4 / (host.env.now / 1e6)
    # UG585 table 22-8: < 25 MB/s.
    assert 20 < mbyte_s <= 25


def test_a_flush_costs_every_line_it_touches_and_then_the_bytes_are_there() -> None:
    host, storage = make_host(load_board())
    address = storage.base_bytes + 30

    def flush() -> Generator[Event, Any, bytes]:
        yield from host.flush(address, bytes(range(40)), "data")
        return (yield from host.fetch(address, 40, "data"))

    process = host.env.process(flush())
    host.env.run(until=300_000)
    assert storage.read(address, 40) == bytes(40)
    data = host.env.run(until=process)
    # Bytes 30 to 69 lie in three lines of 32; 113 ns a line, each way.
    assert host.env.now == 2 * 3 * 113_000
    assert data == bytes(range(40))


def test_work_is_counted_in_host_cycles() -> None:
    host, _ = make_host(load_board())
    host.env.run(until=host.env.process(host.work("layers", "conv", 1000)))
    assert host.env.now == 1000 * 1538
    [span] = host.spans
    assert (span.step, span.start_ps, span.end_ps) == ("layers", 0, 1_538_000)


def test_no_access_comes_before_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked at every event, while it works, accesses registers and waits for an interrupt."""
    host, _ = make_host(load_board())
    env, line = host.env, InterruptLine(host.env, "block")
    told_ps: list[float] = []
    accesses_ps: list[int] = []

    def run() -> Generator[Event, Any, None]:
        yield from host.work("layers", "conv", 1000)
        for _ in range(3):
            yield from host.take_interrupt((line,))
            yield from host.write_register(0x40000000, 1, "R")
            line.set(False)

    def interrupts() -> Generator[Event, Any, None]:
        for _ in range(3):
            yield env.timeout(20_000_000)
            line.set(True)

    write = host._bus.write

    def noted(address_bytes: int, data: bytes) -> Event:
        accesses_ps.append(int(env.now))
        assert max(told_ps) <= env.now, "an access must not come before it was told"
        told_ps.clear()
        return write(address_bytes, data)

    monkeypatch.setattr(host._bus, "write", noted)
    env.process(run())
    env.process(interrupts())
    looked_ahead = 0
    while env.peek() < float("inf"):
        told_ps.append(host.accesses_from(0x40000000, 0x1000))
        looked_ahead += told_ps[-1] > env.peek() + 1_000_000
        env.step()
    assert len(accesses_ps) == 3
    assert looked_ahead >= 3, "the handler's entry must count while it waits"


def test_a_register_that_is_not_there_is_an_error() -> None:
    host, _ = make_host(load_board())
    host.env.process(host.read_register(0x50000000, "VERSION"))
    message = "read of VERSION at 0x50000000 must be answered OKAY, not DECERR"
    with pytest.raises(SimulationError, match=message):
        host.env.run()

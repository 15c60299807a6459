"""Other masters keep their rate, their region and their limits."""

import pytest
from simpy import Environment

from cosim.board import Board
from cosim.bus import Interconnect
from cosim.memory import MemoryController, Storage
from cosim.traffic import TrafficConfig, TrafficMaster
from tests.cosim.conftest import MakeBoard

BASE = 0x100000
RUN_US = 200


def run_master(board: Board, config: TrafficConfig) -> tuple[TrafficMaster, Storage]:
    env = Environment()
    bus = Interconnect(env, board.clocks.bus, board.bus)
    storage = Storage(BASE, 1 << 16)
    storage.write(BASE, b"x" * (1 << 16))
    bus.add_memory("memory", storage, MemoryController(env, board.memory))
    master = TrafficMaster(
        env, config, bus.add_master(config.name), BASE + 0x4000, board.bus.max_burst_beats
    )
    bus.start()
    master.start()
    env.run(until=RUN_US * 1_000_000)
    return master, storage


@pytest.mark.parametrize("write", [False, True])
@pytest.mark.parametrize(("rate", "burst_bytes"), [(10.0, 64), (50.0, 16), (200.0, 64)])
def test_the_asked_for_rate_is_reached(
    make_board: MakeBoard, write: bool, rate: float, burst_bytes: int
) -> None:
    config = TrafficConfig(name="m", rate_mbyte_s=rate, burst_bytes=burst_bytes, write=write)
    master, _ = run_master(make_board(), config)
    assert master.served_bytes / RUN_US == pytest.approx(rate, rel=0.05)


def test_a_rate_beyond_the_bus_ends_at_the_bus(make_board: MakeBoard) -> None:
    master, _ = run_master(make_board(), TrafficConfig(name="m", rate_mbyte_s=5000.0))
    assert 300 < master.served_bytes / RUN_US <= 400


def test_writes_stay_in_their_region(make_board: MakeBoard) -> None:
    config = TrafficConfig(name="m", rate_mbyte_s=100.0, write=True, region_bytes=256)
    _, storage = run_master(make_board(), config)
    assert storage.read(BASE, 0x4000) == b"x" * 0x4000
    assert storage.read(BASE + 0x4000, 256) == bytes(256)
    assert storage.read(BASE + 0x4100, 0x1000) == b"x" * 0x1000

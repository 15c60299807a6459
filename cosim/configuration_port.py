"""The configuration port: loads the FPGA from system memory while the system runs (Zynq: PCAP).

The port is a master on the interconnect: it reads the bitstream in bursts, no faster than its own
rate and no faster than memory and other masters let it. Left out: encrypted bitstreams, partial
ones, and what other logic in the fabric does meanwhile.
"""

from collections.abc import Generator, Sequence
from functools import cache
from typing import Any

from simpy import Environment, Event

from cosim.board import Board, ConfigurationPort
from cosim.bus import Interconnect, MasterPort
from cosim.errors import ScenarioError
from cosim.memory import MemoryController, Storage
from cosim.traffic import TrafficConfig, TrafficMaster
from cosim.units import PS_PER_US


class ConfigurationMaster:
    """Reads bitstreams from memory and loads them; `loads` counts those that are done."""

    def __init__(
        self,
        env: Environment,
        config: ConfigurationPort,
        port: MasterPort,
        max_burst_beats: int,
    ) -> None:
        self.env = env
        self.config = config
        self.loads = 0
        self._port = port
        self._max_burst_beats = max_burst_beats

    def load(self, address_bytes: int) -> Generator[Event, Any, None]:
        """Process: loads the bitstream at that address."""
        yield self.env.timeout(round(self.config.overhead_us * PS_PER_US))
        ps_per_byte = PS_PER_US / self.config.mbyte_s
        due_ps = float(self.env.now)
        waiting: list[Event] = []
        for burst in self._port.split(
            address_bytes, self.config.bitstream_bytes, self._max_burst_beats
        ):
            while len(waiting) >= self._port.outstanding:
                yield waiting.pop(0)
            waiting.append(self._port.read(burst))
            # The port takes a burst's words at its own rate before it asks for more.
            due_ps = max(due_ps, float(self.env.now)) + burst.length_bytes * ps_per_byte
            yield self.env.timeout(max(0, round(due_ps) - int(self.env.now)))
        yield self.env.all_of(waiting)
        self.loads += 1


@cache
def reload_ps(board: Board, masters: Sequence[TrafficConfig] = ()) -> int:
    """Picoseconds that one load of the FPGA takes on a board, with other masters at work.

    Raises ScenarioError if the board cannot be reloaded while it runs.
    """
    config = board.fpga.configuration if board.fpga is not None else None
    if config is None:
        raise ScenarioError(
            f"board.fpga.configuration must be there to reload the FPGA of {board.name}"
        )
    env = Environment()
    storage = Storage(board.memory.base_bytes, max(board.memory.size_bytes, 2 * _room(config)))
    controller = MemoryController(env, board.memory)
    bus = Interconnect(env, board.clocks.bus, board.bus)
    bus.add_memory("memory", storage, controller)
    beats = board.bus.max_burst_beats
    next_bytes = board.memory.base_bytes + _room(config)
    for traffic in masters:
        port = bus.add_master(traffic.name, traffic.priority)
        TrafficMaster(env, traffic, port, next_bytes, beats).start()
        next_bytes += -(-traffic.region_bytes // 4096) * 4096
    master = ConfigurationMaster(env, config, bus.add_master("configuration"), beats)
    bus.start()
    env.run(env.process(master.load(board.memory.base_bytes)))
    return int(env.now)


def _room(config: ConfigurationPort) -> int:
    """Bytes of memory kept for a bitstream."""
    return -(-config.bitstream_bytes // 4096) * 4096

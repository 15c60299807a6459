"""Other masters on the interconnect, so that contention can be seen."""

from collections.abc import Generator
from typing import Any

from simpy import Environment, Event

from cosim.board import MbytePerS, PositiveInt, Section
from cosim.bus import MasterPort
from cosim.transactions import Burst
from cosim.units import PS_PER_US


class TrafficConfig(Section):
    """A master that asks for a burst at regular intervals, as many bytes as `rate_mbyte_s` says.

    Its bursts run through a region of its own, so its writes change no data of the network.
    """

    name: str
    rate_mbyte_s: MbytePerS
    burst_bytes: PositiveInt = 64
    write: bool = False
    priority: int = 0
    region_bytes: PositiveInt = 4096


class TrafficMaster:
    """Issues the bursts of a `TrafficConfig` into memory from `base_bytes`.

    `served_bytes` counts what was answered. A burst that is due while `outstanding` earlier ones
    wait is issued as soon as one is answered.
    """

    def __init__(
        self,
        env: Environment,
        config: TrafficConfig,
        port: MasterPort,
        base_bytes: int,
        max_burst_beats: int,
    ) -> None:
        self.env = env
        self.config = config
        self.served_bytes = 0
        self._port = port
        self._bursts = list(port.split(base_bytes, config.region_bytes, max_burst_beats))
        self._interval_ps_per_byte = PS_PER_US / config.rate_mbyte_s

    def start(self) -> None:
        """Starts the process."""
        self.env.process(self._issue_bursts())

    def _issue_bursts(self) -> Generator[Event, Any, None]:
        due_ps = 0.0
        waiting: list[tuple[Event, int]] = []
        index = 0
        while True:
            whole = self._bursts[index % len(self._bursts)]
            length_bytes = min(whole.length_bytes, self.config.burst_bytes)
            index += 1
            due_ps += length_bytes * self._interval_ps_per_byte
            yield self.env.timeout(max(0, round(due_ps) - int(self.env.now)))
            if self.config.write:
                event = self._port.write(whole.address_bytes, bytes(length_bytes))
            else:
                event = self._port.read(Burst(whole.address_bytes, length_bytes))
            waiting.append((event, length_bytes))
            while len(waiting) >= self._port.outstanding or (waiting and waiting[0][0].triggered):
                answer, served_bytes = waiting.pop(0)
                yield answer
                self.served_bytes += served_bytes

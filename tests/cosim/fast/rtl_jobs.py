"""What the RTL does with a stream of packets: its jobs, counted at the monitor, and its words."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from cosim.monitor import STALL_CAUSES
from hdl.accelerator import accelerator
from hdl.config import AcceleratorConfig
from hdl.ports import Ports
from tests.drivers import reset_source
from tests.hdl.bench import run


@dataclass
class CountedJob:
    """A job as the monitor port shows it; `writes`: its cycles with a result write, from 0."""

    cycles: int = 0
    macs_useful: int = 0
    multiplications: int = 0
    stall_cycles: dict[str, int] = field(default_factory=lambda: dict.fromkeys(STALL_CAUSES, 0))
    writes: list[int] = field(default_factory=list)


class JobCounter:
    """Counts jobs cycle by cycle, as `cosim.monitor.JobMonitor` says."""

    def __init__(self, units: int) -> None:
        self.jobs: list[CountedJob] = []
        self._events = [0] * units
        self._running = False

    def observe(self, monitor: Any) -> None:
        """Counts a cycle; `monitor` has the signals."""
        if not monitor.job:
            if self._running and not self.jobs[-1].stall_cycles["storing"]:
                job = self.jobs[-1]
                job.stall_cycles["unit_finished"] = sum(job.cycles - at for at in self._events)
            self._running = False
            return
        if not self._running:
            self.jobs.append(CountedJob())
            self._events = [0] * len(self._events)
        self._running = True
        job, stalls = self.jobs[-1], self.jobs[-1].stall_cycles
        if monitor.write:
            job.writes.append(job.cycles)
        job.cycles += 1
        if monitor.storing:
            stalls["storing"] += len(self._events)
            return
        multiply, useful = int(monitor.multiply), int(monitor.useful)
        empty, blocked = int(monitor.empty), int(monitor.blocked)
        job.multiplications += multiply.bit_count()
        job.macs_useful += useful.bit_count()
        stalls["zero_operand"] += (multiply & ~useful).bit_count()
        stalls["no_pair"] += empty.bit_count()
        stalls["result_blocked"] += blocked.bit_count()
        for unit, last in enumerate(self._events):
            if (multiply | empty | blocked) >> unit & 1:
                stalls["unit_waiting"] += job.cycles - 1 - last
                self._events[unit] = job.cycles


def run_rtl(
    config: AcceleratorConfig, words: Sequence[int], results: int, *, limit_cycles: int = 40_000
) -> tuple[list[CountedJob], list[int]]:
    """Sends `words` back to back until `results` words have come out and no job runs."""
    ports = Ports(config)
    counter = JobCounter(config.units)
    received: list[int] = []

    def script() -> Iterator[Any]:
        stream, out = ports.s_axis, ports.m_axis
        yield ports.aresetn.posedge
        out.tready.next = True
        place = 0
        stream.tvalid.next = bool(words)
        if words:
            stream.tdata.next = words[0]
        quiet = 0
        while len(received) < results or place < len(words) or quiet < 20:
            yield ports.aclk.posedge
            counter.observe(ports.monitor)
            if out.tvalid:
                received.append(int(out.tdata))
            if stream.tvalid and stream.tready:
                place += 1
                stream.tvalid.next = place < len(words)
                if place < len(words):
                    stream.tdata.next = words[place]
            quiet = 0 if ports.monitor.job or stream.tvalid else quiet + 1

    run(
        ports.aclk,
        accelerator(**ports.arguments(), config=config),
        reset_source(ports.aclk, ports.aresetn),
        script=script,
        limit_cycles=limit_cycles,
    )
    return counter.jobs, received

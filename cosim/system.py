"""The whole system: host, bus, memory, DMA and accelerator, assembled and run.

host ── registers ──> interconnect ──> accelerator (AXI4-Lite), DMA registers
 │ cache lines            │  ▲
 ▼                        ▼  │ bursts
memory <── controller ── port DMA ── streams ──> accelerator ── streams ──> DMA
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from simpy import Environment
from simpy.core import EmptySchedule

from cosim import descriptors as layout
from cosim.accelerator import JobRecord
from cosim.bus import Interconnect
from cosim.chains import build_rings
from cosim.dma import AxiDma
from cosim.driver import Driver, ImageResult, Lines, Work
from cosim.engines import AcceleratorFactory
from cosim.errors import ScenarioError, SimulationError
from cosim.host import Host, HostSpan
from cosim.interrupt import InterruptLine
from cosim.memory import MemoryController, Storage
from cosim.position import Snapshot
from cosim.scenario import Scenario
from cosim.stream import Stream
from cosim.trace import Trace
from cosim.traffic import TrafficMaster
from cosim.units import PS_PER_US
from networks.graph import LayerGraph
from networks.program import Program

CHECK_EVENTS = 2048
"""Most events between two checks that the system still moves."""

PROGRESS_S = 0.2
"""Seconds between two calls of the progress function."""

ACCELERATOR_SPACE_BYTES = 0x1000

Progress = Callable[[Snapshot], None]
"""Is told how far the system is: at first, every `PROGRESS_S`, and when it has finished."""


@dataclass(frozen=True)
class Traffic:
    """Bytes moved while images ran, set-up not counted."""

    dram_bytes: int
    bus_bytes: int


class Counts(NamedTuple):
    """Bytes moved and clock cycles simulated and skipped, from the start to the end of a phase."""

    dram_bytes: int
    bus_bytes: int
    active_cycles: int
    gated_cycles: int


@dataclass(frozen=True)
class RunRecord:
    """What a run has left behind; times in picoseconds.

    `phase_ends` are the counts at the end of set-up and of each image; cycles go on after that,
    until the driver has checked the count of jobs.
    """

    images: tuple[ImageResult, ...]
    setup_ps: int
    jobs: tuple[JobRecord, ...]
    host_spans: tuple[HostSpan, ...]
    transfers_ps: tuple[tuple[int, int], ...]
    phase_ends: tuple[Counts, ...]
    other_masters_bytes: dict[str, int]
    active_cycles: int
    gated_cycles: int

    @property
    def traffic(self) -> Traffic:
        """What images have moved."""
        setup, images = self.phase_ends[0], self.phase_ends[-1]
        return Traffic(images.dram_bytes - setup.dram_bytes, images.bus_bytes - setup.bus_bytes)


class System:
    """A system for one program; `run` may be called once.

    Raises ScenarioError if the program and its descriptors do not fit the memory, or address ranges
    overlap.
    """

    def __init__(
        self,
        scenario: Scenario,
        graph: LayerGraph,
        program: Program,
        make_accelerator: AcceleratorFactory,
        trace: Trace | None = None,
    ) -> None:
        board = scenario.board
        bus_clock = board.clocks.bus
        self.env = Environment()
        self.storage = Storage(board.memory.base_bytes, board.memory.size_bytes)
        self.controller = MemoryController(self.env, board.memory, trace)
        self.bus = Interconnect(self.env, bus_clock, board.bus, trace)
        self.bus.add_memory("memory", self.storage, self.controller)
        rings = build_rings(program, program.memory_bytes)
        used_end = rings.end_bytes if rings is not None else program.memory_bytes
        self._masters = self._add_masters(scenario, used_end)
        self.to_accelerator = Stream(self.env, board.dma.stream_depth_beats, "to accelerator")
        self.from_accelerator = Stream(self.env, board.dma.stream_depth_beats, "from accelerator")
        self.dma = AxiDma(
            self.env,
            bus_clock,
            board.dma,
            self.bus,
            stream_out=self.to_accelerator,
            stream_in=self.from_accelerator,
            trace=trace,
        )
        interrupt = InterruptLine(self.env, "accelerator")
        self.accelerator = make_accelerator(
            self.env,
            board.clocks.accelerator,
            stream_in=self.to_accelerator,
            stream_out=self.from_accelerator,
            interrupt=interrupt,
            trace=trace,
        )
        self.bus.add_registers(
            "dma", board.bus.dma_base_bytes, layout.REGISTER_SPACE_BYTES, self.dma
        )
        self.bus.add_registers(
            "accelerator",
            board.bus.accelerator_base_bytes,
            ACCELERATOR_SPACE_BYTES,
            self.accelerator,
        )
        self.host = Host(
            self.env,
            board.clocks.host,
            board.host,
            self.bus.add_master("host"),
            self.storage,
            self.controller,
            trace,
        )
        # the host is the one master that accesses registers
        self.accelerator.accesses_from = lambda: self.host.accesses_from(
            board.bus.accelerator_base_bytes, ACCELERATOR_SPACE_BYTES
        )
        self.driver = Driver(
            self.env,
            self.host,
            board.bus,
            Lines(interrupt, self.dma.mm2s.interrupt, self.dma.s2mm.interrupt),
            Work(program, rings, graph, scenario.accelerator),
            mode=scenario.host.mode,
            on_phase=lambda: self._phase_ends.append(self._counts()),
        )
        self._program = program
        self._timeout_ps = round(scenario.host.timeout_us * PS_PER_US)
        self._phase_ends: list[Counts] = []
        self._progress: tuple[int, ...] = ()
        self._progress_ps = 0
        self._check_ps = 0

    def run(self, images: NDArray[np.int64], progress: Progress | None = None) -> RunRecord:
        """Runs all images, stored integers `(images, channels, height, width)`, one at a time.

        Raises SimulationError if the system cannot go on or the hardware reports an error.
        """
        for segment in self._program.memory:
            self.storage.write(segment.address_bytes, segment.data)
        self.bus.start()
        self.dma.start()
        for master in self._masters:
            master.start()
        host_process = self.env.process(self.driver.run(images))
        events = 0
        progress_s = time.monotonic()
        while not host_process.processed:
            try:
                self.env.step()
            except EmptySchedule:
                raise SimulationError(f"deadlock {self._describe()}") from None
            events += 1
            # an event may stand for many clock cycles
            if events % CHECK_EVENTS == 0 or self.env.now >= self._check_ps:
                self._check_progress()
            if progress is not None and time.monotonic() >= progress_s:
                progress(self._snapshot())
                progress_s = time.monotonic() + PROGRESS_S
        if progress is not None:
            progress(self._snapshot())
        return self._record()

    def _snapshot(self) -> Snapshot:
        return Snapshot(
            images=len(self.driver.results),
            words=self.to_accelerator.beats,
            jobs=self.accelerator.jobs,
            now_ps=int(self.env.now),
            cycles=self.accelerator.active_cycles,
        )

    def _add_masters(self, scenario: Scenario, base_bytes: int) -> list[TrafficMaster]:
        masters = []
        next_bytes = -(-base_bytes // 4096) * 4096
        for config in scenario.masters:
            port = self.bus.add_master(config.name, config.priority)
            beats = scenario.board.bus.max_burst_beats
            masters.append(TrafficMaster(self.env, config, port, next_bytes, beats))
            next_bytes = -(-(next_bytes + config.region_bytes) // 4096) * 4096
        end_bytes = self.storage.base_bytes + self.storage.size_bytes
        needed_bytes = max(base_bytes, next_bytes if masters else 0)
        if needed_bytes > end_bytes:
            raise ScenarioError(
                f"board.memory.size_bytes must be at least "
                f"{needed_bytes - self.storage.base_bytes} for this network, "
                f"not {self.storage.size_bytes}"
            )
        return masters

    def _check_progress(self) -> None:
        """Raises SimulationError if nothing has moved for the time-out while the driver waits."""
        jobs = self.accelerator.jobs
        job = jobs[-1] if jobs else None
        progress = (
            len(jobs),
            job.multiplications if job is not None else 0,
            self.to_accelerator.beats,
            self.from_accelerator.beats,
            self.dma.mm2s.completed,
            self.dma.s2mm.completed,
        )
        now_ps = int(self.env.now)
        self._check_ps = now_ps + self._timeout_ps // 4
        # An engine that computes jobs whole knows their end from the start.
        computing = job is not None and job.end_ps > now_ps
        waits = self.driver.waiting_for is not None
        if progress != self._progress or computing or self.dma.rides or not waits:
            self._progress, self._progress_ps = progress, now_ps
        elif now_ps - self._progress_ps > self._timeout_ps:
            raise SimulationError(f"timeout {self._describe()}")

    def _describe(self) -> str:
        """Who waits for what, in one line."""
        now_us = self.env.now / PS_PER_US
        waiting_for = self.driver.waiting_for or "nothing"
        errors = self.bus.decode_errors
        refused = f"; bus refused {errors[0]}" if errors else ""
        return (
            f"at {now_us:.3f} us the host waits for {waiting_for}; "
            f"DMA MM2S: {self.dma.mm2s.describe()}, {self.to_accelerator.beats} beats sent; "
            f"DMA S2MM: {self.dma.s2mm.describe()}, "
            f"{self.from_accelerator.beats} beats received; "
            f"{self.accelerator.describe()}, {len(self.accelerator.jobs)} jobs started{refused}"
        )

    def _counts(self) -> Counts:
        controller, accelerator = self.controller, self.accelerator
        return Counts(
            dram_bytes=controller.read_bytes + controller.write_bytes,
            bus_bytes=self.bus.bytes_moved,
            active_cycles=accelerator.active_cycles,
            gated_cycles=accelerator.gated_cycles,
        )

    def _record(self) -> RunRecord:
        return RunRecord(
            images=tuple(self.driver.results),
            setup_ps=self.driver.setup_ps or 0,
            jobs=tuple(self.accelerator.jobs),
            host_spans=tuple(self.host.spans),
            transfers_ps=(*self.dma.mm2s.intervals, *self.dma.s2mm.intervals),
            phase_ends=tuple(self._phase_ends),
            other_masters_bytes={m.config.name: m.served_bytes for m in self._masters},
            active_cycles=self.accelerator.active_cycles,
            gated_cycles=self.accelerator.gated_cycles,
        )

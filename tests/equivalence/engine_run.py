"""A compiled program on an engine behind its bridge, with the least host there can be."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import simpy
from numpy.typing import NDArray

from cosim.bridge import AcceleratorPort
from cosim.engine import Engine
from cosim.interrupt import InterruptLine
from cosim.monitor import JobRecord
from cosim.stream import Beat, Stream
from cosim.trace import Trace
from cosim.units import ClockDomain
from hdl.registers import BY_NAME
from networks.graph import LayerGraph
from networks.program import HostStep, Offload, Program, Transfer
from networks.reference import run_layer
from tests.hdl.program_memory import ProgramMemory

CLOCK = ClockDomain("accelerator", 100)
LIMIT_PS = 10**9


@dataclass
class EngineRun:
    """What came out and when; times in picoseconds."""

    results: list[NDArray[np.int64]] = field(default_factory=list)
    beats: list[tuple[int, Beat]] = field(default_factory=list)
    interrupts_ps: list[int] = field(default_factory=list)
    register_cycles: int = 0
    register_jobs: int = 0
    jobs: list[JobRecord] = field(default_factory=list)
    active_cycles: int = 0
    gated_cycles: int = 0
    end_ps: int = 0


class MinimalHost:
    """Sends each chain beat by beat, receives results, follows the interrupt.

    `pause_ps` passes before each image, `send_gap_ps` before each beat sent and `receive_gap_ps`
    before each received: longer than a clock period it holds results up.
    """

    def __init__(
        self,
        program: Program,
        graph: LayerGraph,
        engine: Engine,
        images: Sequence[NDArray],
        *,
        clock: ClockDomain = CLOCK,
        pause_ps: int = 0,
        send_gap_ps: int = 0,
        receive_gap_ps: int = 0,
        depth_beats: int = 16,
        trace: Trace | None = None,
    ) -> None:
        self.env = simpy.Environment()
        self.run = EngineRun()
        self._program, self._graph, self._images = program, graph, images
        self._memory = ProgramMemory(program)
        self._pause_ps = pause_ps
        self._send_gap_ps, self._receive_gap_ps = send_gap_ps, receive_gap_ps
        self._input = Stream(self.env, depth_beats, "input")
        self._output = Stream(self.env, depth_beats, "output")
        self._line = InterruptLine(self.env)
        self._port = AcceleratorPort(
            self.env,
            clock,
            engine,
            stream_in=self._input,
            stream_out=self._output,
            interrupt=self._line,
            trace=trace,
        )

    def play(self) -> EngineRun:
        """Runs all images and fills the record in; a run that never ends is a failure."""
        ended = self.env.process(self._host())
        self.env.run(until=ended | self.env.timeout(LIMIT_PS))
        assert ended.processed, f"not done after {LIMIT_PS} ps: {self._port.describe()}"
        run, port = self.run, self._port
        run.jobs, run.end_ps = port.jobs, int(self.env.now)
        run.active_cycles, run.gated_cycles = port.active_cycles, port.gated_cycles
        return run

    def _host(self) -> Generator[Any, Any, None]:
        response = yield from self._port.write_register(BY_NAME["INTERRUPT_ENABLE"].offset, 3)
        assert response == 0
        yield from self._send(self._program.setup)
        for image in self._images:
            yield self.env.timeout(self._pause_ps)
            self._memory.write_image(image)
            for step in self._program.steps:
                if isinstance(step, Offload):
                    yield from self._offload(step)
                else:
                    self._compute(step)
            self.run.results.append(self._memory.result())
        self.run.register_cycles = yield from self._read("CYCLES")
        self.run.register_jobs = yield from self._read("JOBS")

    def _offload(self, step: Offload) -> Generator[Any, Any, None]:
        sending = self.env.process(self._send(step.send))
        for transfer in step.receive:
            words: list[int] = []
            last = False
            while not last:
                yield self.env.timeout(self._receive_gap_ps)
                beat = yield self._output.get()
                self.run.beats.append((int(self.env.now), beat))
                words.append(beat.data)
                last = beat.last
            self._memory.receive(transfer, words)
        yield sending
        yield self._line.rising()
        assert self._line.raised_ps is not None
        self.run.interrupts_ps.append(self._line.raised_ps)
        status = yield from self._read("INTERRUPT_STATUS")
        assert status == 1, "the job must be done, without an error"
        yield from self._port.write_register(BY_NAME["INTERRUPT_STATUS"].offset, 1)

    def _compute(self, step: HostStep) -> None:
        layer = self._graph.layer(self._program.layers[step.layer].name)
        data = self._memory.read(step.input.address_bytes, step.input.length_bytes)
        result = run_layer(layer, step.input.decode(data)[None])[0]
        self._memory.write(step.output.address_bytes, step.output.encode(result))

    def _send(self, chain: Sequence[Transfer]) -> Generator[Any, Any, None]:
        words = self._memory.words(chain)
        for index, word in enumerate(words):
            yield self.env.timeout(self._send_gap_ps)
            yield self._input.put(Beat(word, index == len(words) - 1))

    def _read(self, name: str) -> Generator[Any, Any, int]:
        value, response = yield from self._port.read_register(BY_NAME[name].offset)
        assert response == 0
        return value

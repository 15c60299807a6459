"""A tiny accelerator that obeys the packet and register tables, and a program for it.

Its compute job inverts the bits of every element from the input address to the output address: an
8-bit `x` becomes `-x - 1`. It stands in for the hardware where the system around it is tested.
"""

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from simpy import Environment, Event

from cosim.interrupt import InterruptLine
from cosim.scenario import Scenario
from cosim.stream import Beat, Stream
from cosim.system import System
from cosim.trace import Trace
from cosim.units import ClockDomain
from hdl.packets import WORD_BYTES, Destination, Header, packet
from hdl.registers import BY_NAME, KIND_CODES
from networks.formats import Format
from networks.graph import LayerGraph
from networks.layers import Input, MaxPool, Pool
from networks.program import Buffer, HostStep, Job, LayerInfo, Offload, Program, Segment, Transfer

JOB_CYCLES = 50
SHAPE = (4, 2, 3)
"""Channels, height, width of the test program's input."""

CHANNEL_ORDER = (2, 0, 3, 1)
"""Stored position -> true channel of the result."""


@dataclass
class Faults:
    """What the fake does wrong."""

    stops_in_job: bool = False
    error_code: int = 0
    result_words_missing: int = 0
    lost_job: bool = False
    miscounts: bool = False
    units: int = 8


@dataclass
class FakeJob:
    start_ps: int
    end_ps: int = 0
    cycles: int = 0
    macs_useful: int = 0
    multiplications: int = 0
    stall_cycles: dict[str, int] = field(default_factory=dict)


class FakeAccelerator:
    """Takes a beat a cycle, runs one job at a time."""

    def __init__(
        self,
        env: Environment,
        clock: ClockDomain,
        *,
        stream_in: Stream,
        stream_out: Stream,
        interrupt: InterruptLine,
        trace: Trace | None = None,
        faults: Faults | None = None,
    ) -> None:
        self.env = env
        self.clock = clock
        self.jobs: list[FakeJob] = []
        self.active_cycles = self.gated_cycles = 0
        self.faults = faults or Faults()
        self.memory = [0] * 256
        self._in, self._out, self._line = stream_in, stream_out, interrupt
        self._job_registers: dict[int, int] = {}
        self._enable = self._status = self._finished = 0
        env.process(self._load())

    def describe(self) -> str:
        return "fake accelerator"

    def write_register(self, offset: int, value: int) -> Generator[Event, Any, int]:
        yield self.env.timeout(self.clock.period_ps)
        if offset == BY_NAME["INTERRUPT_ENABLE"].offset:
            self._enable = value
        elif offset == BY_NAME["INTERRUPT_STATUS"].offset:
            self._status &= ~value
        elif offset == BY_NAME["CONTROL"].offset:
            self._status = self._finished = 0
        else:
            return 2
        self._line.set(bool(self._status & self._enable))
        return 0

    def read_register(self, offset: int) -> Generator[Event, Any, tuple[int, int]]:
        yield self.env.timeout(self.clock.period_ps)
        version = BY_NAME["VERSION"].encode(
            units=self.faults.units, bits=8, kind=KIND_CODES["bitmap"]
        )
        values = {
            "VERSION": version,
            "INTERRUPT_STATUS": self._status,
            "ERROR": self.faults.error_code,
            "JOBS": self._finished + self.faults.miscounts,
        }
        for name, value in values.items():
            if offset == BY_NAME[name].offset:
                return value, 0
        return 0, 2

    def _beat(self) -> Generator[Event, Any, int]:
        if not len(self._in):
            yield self._in.arrival()
        yield self.env.timeout(self.clock.next_edge(int(self.env.now)) - int(self.env.now))
        self.active_cycles += 1
        return self._in.take().data

    def _load(self) -> Generator[Event, Any, None]:
        while True:
            first = yield from self._beat()
            second = yield from self._beat()
            destination, count = first >> 28, (second >> 16) + 1
            address = second & 0xFFFF
            for index in range(count):
                word = yield from self._beat()
                if destination == Destination.ACTIVATIONS:
                    self.memory[address + index] = word
                elif destination == Destination.REGISTERS:
                    offset = 4 * (address + index)
                    self._job_registers[offset] = word
                    if offset == BY_NAME["JOB_COMMAND"].offset:
                        yield from self._run_job(word)

    def _run_job(self, word: int) -> Generator[Event, Any, None]:
        command = BY_NAME["JOB_COMMAND"].decode(word)
        register = BY_NAME["JOB_ADDRESS"]
        addresses = register.decode(self._job_registers[register.offset])
        job = FakeJob(int(self.env.now))
        if not self.faults.lost_job:
            self.jobs.append(job)
        if self.faults.stops_in_job:
            yield self.env.event()
        first = addresses["input"] // 4
        words = command["words"] + 1
        if command["store"]:
            words -= self.faults.result_words_missing
            for index in range(words):
                yield self._out.put(Beat(self.memory[first + index], index == words - 1))
                yield self.env.timeout(self.clock.period_ps)
        else:
            yield self.env.timeout(JOB_CYCLES * self.clock.period_ps)
            target = addresses["output"] // 4
            for index in range(words):
                self.memory[target + index] = self.memory[first + index] ^ 0xFFFFFFFF
            job.macs_useful = job.multiplications = 4 * words
            job.stall_cycles["unit_finished"] = 8 * JOB_CYCLES - 4 * words
        job.end_ps = int(self.env.now)
        job.cycles = (job.end_ps - job.start_ps) // self.clock.period_ps
        self.active_cycles += job.cycles
        self._finished += 1
        if self.faults.error_code:
            self._status |= BY_NAME["INTERRUPT_STATUS"].encode(error=1)
        if command["interrupt"]:
            self._status |= BY_NAME["INTERRUPT_STATUS"].encode(done=1)
        self._line.set(bool(self._status & self._enable))


def make_graph() -> LayerGraph:
    """What the program's layers are called; the first is computed by the fake alone."""
    pool = Pool((1, 1), (1, 1))
    invert = MaxPool(name="invert", inputs=("input",), pool=pool)
    maxpool = MaxPool(name="maxpool", inputs=("invert",), pool=Pool((2, 3), (2, 3)))
    return LayerGraph((Input(name="input", shape=SHAPE, format=Format(8, 0)), invert, maxpool))


def make_program(base_bytes: int, *, host_layer: bool = False) -> Program:
    """One compute and one store job on an image; then, if asked for, a max-pooling on the host."""
    channels, height, width = SHAPE
    image = Buffer("input", base_bytes + 8, (1, height, width, channels), 8)
    words = image.length_bytes // WORD_BYTES
    header = Header(Destination.ACTIVATIONS, words).words()
    result = Buffer("invert", base_bytes + 0x400, image.shape_nhwc, 8, CHANNEL_ORDER)
    jobs = (
        _job("compute", {"words": words - 1}, source=0, target=512),
        _job("store", {"words": words - 1, "store": 1, "interrupt": 1}, source=512, target=0),
    )
    commands: list[int] = []
    for job in jobs:
        values = [job.registers[name] for name in ("JOB_ADDRESS", "JOB_COMMAND")]
        for name, value in zip(("JOB_ADDRESS", "JOB_COMMAND"), values, strict=True):
            address = BY_NAME[name].offset // 4
            commands += packet(Header(Destination.REGISTERS, 1, address, fence=True), [value])
    setup = packet(Header(Destination.BIASES, 100), list(range(100)))
    segments = (
        Segment("header", base_bytes, _words(header)),
        Segment("commands", base_bytes + 0x100, _words(commands)),
        Segment("set-up", base_bytes + 0x800, _words(setup)),
    )
    offload = Offload(
        layers=(0,),
        send=(
            Transfer(base_bytes, 8 + image.length_bytes),
            Transfer(base_bytes + 0x100, 4 * len(commands)),
        ),
        receive=(Transfer(result.address_bytes, result.length_bytes),),
        jobs=jobs,
    )
    layers = [LayerInfo("invert", "invert", "accelerator", 24, 80, 24, True)]
    steps: list[Offload | HostStep] = [offload]
    output = result
    if host_layer:
        output = Buffer("maxpool", base_bytes + 0xC00, (1, 1, 1, channels), 8)
        steps.append(HostStep(1, result, output))
        layers.append(LayerInfo("maxpool", "maxpool", "host", 0, 0, 0, False))
    return Program(
        layers=tuple(layers),
        memory=segments,
        setup=(Transfer(base_bytes + 0x800, 4 * len(setup)),),
        input=image,
        steps=tuple(steps),
        output=output,
        memory_bytes=base_bytes + 0x1000,
    )


def make_system(
    scenario: Scenario,
    *,
    host_layer: bool = False,
    faults: Faults | None = None,
    trace: Trace | None = None,
) -> System:
    """A system around the fake."""

    def make_fake(env: Environment, clock: ClockDomain, **options: Any) -> FakeAccelerator:
        return FakeAccelerator(env, clock, faults=faults, **options)

    base_bytes = scenario.board.memory.base_bytes
    program = make_program(base_bytes, host_layer=host_layer)
    return System(scenario, make_graph(), program, make_fake, trace)


def images(count: int) -> np.ndarray:
    """Stored integers of `count` different images."""
    random = np.random.default_rng(count)
    return random.integers(-128, 128, (count, *SHAPE))


def expected(image: np.ndarray) -> list[int]:
    """The program's result for one image, in true channel order."""
    inverted = -image - 1
    # The fake knows nothing of channels: stored position p holds what true channel order[p] is.
    result = np.empty_like(inverted)
    result[list(CHANNEL_ORDER)] = inverted
    return [int(value) for value in result.reshape(-1)]


def _job(kind: Any, command: dict[str, int], *, source: int, target: int) -> Job:
    registers = {
        "JOB_ADDRESS": BY_NAME["JOB_ADDRESS"].encode(input=source, output=target),
        "JOB_COMMAND": BY_NAME["JOB_COMMAND"].encode(**command),
    }
    return Job(0, kind, registers)


def _words(words: Any) -> bytes:
    return b"".join(int(word).to_bytes(4, "little") for word in words)

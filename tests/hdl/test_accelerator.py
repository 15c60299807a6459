"""The whole accelerator at its ports: right results, no useless work, steady timing, safe clear."""

from collections.abc import Generator, Iterator, Sequence
from itertools import groupby
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hdl.accelerator import accelerator
from hdl.config import AcceleratorConfig
from hdl.packets import Destination
from hdl.ports import Ports
from hdl.registers import BY_NAME
from networks import reference
from networks.graph import LayerGraph
from networks.program import Offload, Program
from networks.program_model import parse_packets
from networks.schedule import compile_network
from tests.conversion.accelerator_run import run_beats
from tests.drivers import Access, Pace, axi_lite_master, reset_source, stream_sink
from tests.hdl.axi_rules import Handshake, LiteRules
from tests.hdl.bench import run, small_config
from tests.hdl.networks_at_random import dense_macs, small_image, small_network, useful_macs
from tests.hdl.program_memory import ProgramMemory

SIZES = {
    "activation_elements": 1024, "weight_words": 128, "bitmap_words": 256, "list_words": 256,
}  # fmt: skip
FRONT_ENDS = (("bitmap", 2), ("dense", 2), ("list", 1), ("list", 2))
KINDS = pytest.mark.parametrize(
    ("kind", "lookahead"),
    [
        pytest.param(*front_end, marks=pytest.mark.slow if front_end == ("list", 1) else ())
        for front_end in FRONT_ENDS
    ],
)
STEADY_SEED = 14
LIVE_SEED = 16
STYLES: dict[str, dict[str, Any]] = {
    "8-bits": {"bits": 8},
    "16-bits-scaled": {"bits": 16, "scaled": True},
    "32-bits-unsigned": {"bits": 32, "unsigned": True},
    "8-bits-unsigned-scaled": {"bits": 8, "unsigned": True, "scaled": True},
}
CASES = [
    pytest.param(
        kind,
        lookahead,
        units,
        style,
        10 * units + index,
        marks=pytest.mark.slow if units == 8 else (),
    )
    for kind, lookahead in (*FRONT_ENDS, ("list", 4))
    for index, (units, style) in enumerate(zip((1, 3, 2, 8), STYLES, strict=True))
]


def only_step(program: Program) -> Offload:
    assert len(program.steps) == 1
    step = program.steps[0]
    assert isinstance(step, Offload)
    return step


def ones(values: Any) -> int:
    return sum(value.bit_count() for value in values)


class Images:
    """Images of a network, one after the other, through a recorded accelerator.

    The streams and the register port have random gaps and waits, from `seed`.
    """

    def __init__(
        self, graph: LayerGraph, config: AcceleratorConfig, images: Sequence[NDArray], seed: int
    ) -> None:
        program = compile_network(graph, config, memory_base_bytes=0x1000)
        memory, step = ProgramMemory(program), only_step(program)
        beats = [(word, False) for word in memory.words(program.setup)]
        for image in images:
            memory.write_image(image)
            words = memory.words(step.send)
            beats += [(word, index == len(words) - 1) for index, word in enumerate(words)]
        lengths = [part.length_bytes // 4 for part in step.receive]
        accesses = [Access(BY_NAME["JOBS"].offset) for _ in range(10)]
        recorder, received = run_beats(
            beats, sum(lengths) * len(images), config, accesses, seed=seed, limit_cycles=20_000
        )
        names = [port.name for port in recorder.ports]
        self.samples = [
            SimpleNamespace(**dict(zip(names, row, strict=True))) for row in recorder.samples
        ]
        self.results = []
        for _ in images:
            for part, length in zip(step.receive, lengths, strict=True):
                beats, received = received[:length], received[length:]
                assert [last for _, last in beats] == [False] * (length - 1) + [True]
                memory.receive(part, (word for word, _ in beats))
            self.results.append(memory.result())

    def job_cycles(self) -> list[int]:
        """Cycles of each compute job, in order."""
        jobs = [
            list(cycles)
            for running, cycles in groupby(self.samples, key=lambda now: now.monitor_job)
            if running
        ]
        return [len(cycles) for cycles in jobs if not cycles[0].monitor_storing]


@pytest.mark.parametrize(("kind", "lookahead", "units", "style", "seed"), CASES)
def test_random_networks(kind: str, lookahead: int, units: int, style: str, seed: int) -> None:
    """Two images: the results, the work done, and the handshake rules at all ports."""
    numbers: dict[str, Any] = STYLES[style]
    config = small_config(
        kind=kind,
        lookahead=lookahead,
        units=units,
        bits=numbers["bits"],
        channel_scales=numbers.get("scaled", False),
        **SIZES,
    )
    graph = small_network(seed, **numbers)
    images = [small_image(graph, seed + index) for index in range(2)]
    run_ = Images(graph, config, images, seed)
    for image, result in zip(images, run_.results, strict=True):
        wanted = reference.run_all(graph, image[None])[graph.output.name][0]
        np.testing.assert_array_equal(result, wanted)
    useful = sum(useful_macs(graph, image) for image in images)
    multiplications = ones(now.monitor_multiply for now in run_.samples)
    assert ones(now.monitor_useful for now in run_.samples) == useful
    if kind == "dense":
        assert multiplications == len(images) * dense_macs(graph)
    elif kind == "list" and lookahead == 1:
        assert multiplications >= useful, "zero activations stay, zero weights fill lists up"
    else:
        assert multiplications == useful, "no operand must be zero"
    check_handshakes(run_.samples)


def check_handshakes(samples: Sequence[SimpleNamespace]) -> None:
    m_axis, s_axi = Handshake("m_axis"), LiteRules()
    for now in samples:
        beat = (now.m_axis_tdata, now.m_axis_tlast)
        m_axis.observe(bool(now.m_axis_tvalid), bool(now.m_axis_tready), beat)
        prefix = "s_axi_"
        port = {n.removeprefix(prefix): v for n, v in vars(now).items() if n.startswith(prefix)}
        s_axi.observe(SimpleNamespace(**port))
    assert m_axis.transfers > 0
    assert s_axi.r.transfers > 0


@KINDS
def test_a_job_takes_the_same_cycles_whatever_the_streams_do(kind: str, lookahead: int) -> None:
    """Resident weights: gaps in what comes in and waits of what goes out move jobs, no more."""
    config = small_config(kind=kind, lookahead=lookahead, units=3, **SIZES)
    graph = small_network(STEADY_SEED)
    program = compile_network(graph, config, memory_base_bytes=0)
    assert all(layer.weights_resident for layer in program.layers)
    jobs = sum(job.kind == "compute" for job in only_step(program).jobs)
    image, other = (small_image(graph, seed) for seed in (1, 2))
    first = Images(graph, config, [image, other], seed=50).job_cycles()
    second = Images(graph, config, [other, image], seed=51).job_cycles()
    assert len(first) == 2 * jobs
    assert first == [*second[jobs:], *second[:jobs]]


class Live:
    """An accelerator with a fully connected layer's data to send, word by word."""

    def __init__(self, kind: str = "bitmap", lookahead: int = 2) -> None:
        self.config = small_config(kind=kind, lookahead=lookahead, units=3, **SIZES)
        self.graph = small_network(LIVE_SEED)
        self.image = small_image(self.graph, 3)
        self.program = compile_network(self.graph, self.config, memory_base_bytes=0)
        self.memory = ProgramMemory(self.program)
        self.memory.write_image(self.image)
        self.step = only_step(self.program)
        self.words = self.memory.words((*self.program.setup, *self.step.send))
        self.ports = Ports(self.config)
        self.received: list[tuple[int, bool]] = []
        self.accesses: list[Access] = []

    def run(self, script: Any, pace: float = 1.0, accesses: Sequence[Access] = ()) -> None:
        ports = self.ports
        run(
            ports.aclk,
            accelerator(**ports.arguments(), config=self.config),
            reset_source(ports.aclk, ports.aresetn),
            stream_sink(ports.aclk, ports.m_axis, self.received, Pace(pace, 1)),
            axi_lite_master(ports.aclk, ports.aresetn, ports.s_axi, accesses, Pace()),
            script=script,
        )

    def send(self, words: Sequence[int], limit_cycles: int = 5000) -> Iterator[Any]:
        """Sends words without gaps; returns at the edge that takes the last."""
        stream = self.ports.s_axis
        for word in words:
            stream.tdata.next, stream.tvalid.next = word, True
            yield self.ports.aclk.posedge
            while not stream.tready:
                limit_cycles -= 1
                assert limit_cycles > 0, "the loader must take the word"
                yield self.ports.aclk.posedge
        stream.tvalid.next = False

    def write(self, name: str, value: int) -> Iterator[Any]:
        """An AXI4-Lite write without gaps; returns at the edge that takes it."""
        port = self.ports.s_axi
        port.awaddr.next, port.wdata.next, port.wstrb.next = BY_NAME[name].offset, value, 15
        port.awvalid.next = port.wvalid.next = port.bready.next = True
        yield self.ports.aclk.posedge
        while not port.awready:
            yield self.ports.aclk.posedge
        port.awvalid.next = port.wvalid.next = False

    def results(self) -> Iterator[Any]:
        """Waits for the results of one image and checks them."""
        count = sum(part.length_bytes for part in self.step.receive) // 4
        for _ in range(5000):
            if len(self.received) == count:
                break
            yield self.ports.aclk.posedge
        words = iter([word for word, _ in self.received])
        for part in self.step.receive:
            self.memory.receive(part, [next(words) for _ in range(part.length_bytes // 4)])
        assert next(words, None) is None
        self.received.clear()
        wanted = reference.run_all(self.graph, self.image[None])[self.graph.output.name][0]
        np.testing.assert_array_equal(self.memory.result(), wanted)

    def first_job_end(self) -> int:
        """How many words there are up to the one that starts the first job."""
        end = 0
        for header, payload in parse_packets(np.array(self.words, dtype=np.uint32)):
            end += 2 + len(payload)
            if header.destination is Destination.REGISTERS:
                return end
        raise AssertionError("a program must start a job")


@KINDS
def test_clear_ends_a_job_at_any_moment(kind: str, lookahead: int) -> None:
    """After a clear in the middle of a job nothing runs, and the network runs as ever."""
    live = Live(kind, lookahead)
    ports = live.ports

    def script() -> Iterator[Any]:
        yield ports.aresetn.posedge
        end = live.first_job_end()
        for wait_cycles in (0, 3, 25):
            yield from live.send(live.words[:end])
            for _ in range(wait_cycles):
                yield ports.aclk.posedge
            yield from live.write("CONTROL", 1)
            for cycle in range(30):
                yield ports.aclk.posedge
                assert cycle < 3 or not ports.monitor.job, f"cleared {wait_cycles} cycles after"
            yield from live.send(live.words)
            yield from live.results()

    live.run(script)


@pytest.mark.parametrize(
    "late_cycles",
    [0, 1, *(pytest.param(cycles, marks=pytest.mark.slow) for cycles in (-1, 2, 3))],
)
def test_clear_wins_over_the_start_of_a_job(late_cycles: int) -> None:
    """A clear `late_cycles` after the last word of a job's registers leaves all idle."""
    live = Live()
    ports = live.ports
    stream, port = ports.s_axis, ports.s_axi

    def script() -> Iterator[Any]:
        yield ports.aresetn.posedge
        *words, last_word = live.words[: live.first_job_end()]
        yield from live.send(words)
        for _ in range(3):
            yield ports.aclk.posedge
        port.awaddr.next, port.wdata.next, port.wstrb.next = BY_NAME["CONTROL"].offset, 1, 15
        port.bready.next = True
        stream.tdata.next = last_word
        clear_cycle = None
        for cycle in range(40):
            if cycle == 5:
                stream.tvalid.next = True
            if cycle == 5 + late_cycles:
                port.awvalid.next = port.wvalid.next = True
            yield ports.aclk.posedge
            if stream.tvalid and stream.tready:
                stream.tvalid.next = False
            if port.awvalid and port.awready:
                port.awvalid.next = port.wvalid.next = False
                clear_cycle = cycle
                # the host has stopped the stream: what is not taken is never sent
                stream.tvalid.next = False
            if clear_cycle is not None and cycle > clear_cycle + 1:
                assert not ports.monitor.job, f"{cycle - clear_cycle} cycles after the clear"
        assert clear_cycle is not None
        yield from live.send(live.words)
        yield from live.results()

    live.run(script)


@KINDS
def test_jobs_started_over_the_register_port(kind: str, lookahead: int) -> None:
    """Data over the stream, jobs by AXI4-Lite writes; counters and interrupt tell the end."""
    live = Live(kind, lookahead)
    ports = live.ports
    packets = parse_packets(np.array(live.words, dtype=np.uint32))
    data = [
        word
        for header, payload in packets
        if header.destination is not Destination.REGISTERS
        for word in (*header.words(), *(int(item) for item in payload))
    ]

    def script() -> Iterator[Any]:
        yield ports.aresetn.posedge
        yield from live.send(data)
        yield from live.write("INTERRUPT_ENABLE", 1)
        job_cycles = 0
        for index, job in enumerate(live.step.jobs):
            for register, value in job.registers.items():
                yield from live.write(register, value)
            yield ports.aclk.negedge
            assert ports.monitor.job, f"job {index} must have started"
            while ports.monitor.job:
                assert not ports.interrupt, "no job before the last asks for an interrupt"
                job_cycles += 1
                yield ports.aclk.negedge
        for _ in range(3):
            yield ports.aclk.posedge
        assert ports.interrupt
        assert (yield from read("CYCLES")) == job_cycles
        assert (yield from read("JOBS")) == len(live.step.jobs)
        yield from live.write("INTERRUPT_STATUS", 1)
        for _ in range(3):
            yield ports.aclk.posedge
        assert not ports.interrupt
        yield from live.results()

    def read(name: str) -> Generator[Any, Any, int]:
        port = ports.s_axi
        port.araddr.next, port.arvalid.next, port.rready.next = BY_NAME[name].offset, True, True
        yield ports.aclk.posedge
        while not port.arready:
            yield ports.aclk.posedge
        port.arvalid.next = False
        while not port.rvalid:
            yield ports.aclk.posedge
        return int(port.rdata)

    live.run(script)


def test_an_error_interrupts_and_a_clear_makes_good() -> None:
    live = Live()
    ports = live.ports

    def script() -> Iterator[Any]:
        yield ports.aresetn.posedge
        yield from live.write("INTERRUPT_ENABLE", 2)
        ports.s_axis.tlast.next = True
        yield from live.send(live.words[:1])
        ports.s_axis.tlast.next = False
        for _ in range(5):
            yield ports.aclk.posedge
        assert ports.interrupt
        ports.s_axis.tvalid.next = True
        for _ in range(5):
            yield ports.aclk.posedge
            assert not ports.s_axis.tready
        ports.s_axis.tvalid.next = False
        yield from live.write("CONTROL", 1)
        for _ in range(3):
            yield ports.aclk.posedge
        assert not ports.interrupt
        yield from live.send(live.words)
        yield from live.results()

    live.run(script)

"""The bridge between SimPy and MyHDL: exact timing, gating that changes nothing, job records."""

import random
from collections.abc import Callable, Generator, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import simpy
from myhdl import _simulator

from cosim import bridge
from cosim.beats import BeatBurst
from cosim.bridge import QUIET_CYCLES, RESET_CYCLES, AcceleratorPort
from cosim.engine import Engine, Inputs, Outputs, Stretch, play_by_cycle
from cosim.engines import create_engine
from cosim.errors import SimulationError
from cosim.interrupt import InterruptLine
from cosim.monitor import STAGES, JobRecord, MonitorLog
from cosim.options import SIMULATORS
from cosim.rtl_engine import RtlEngine
from cosim.stream import Beat, Stream
from cosim.trace import Trace
from cosim.units import ClockDomain
from hdl.config import AcceleratorConfig, AcceleratorKind
from hdl.packets import HEADER_WORDS, Destination, Header, packet
from hdl.register_file import version_word
from hdl.registers import BY_NAME, JOB_BASE, JOB_REGISTERS
from networks import reference
from networks.program import Offload
from networks.program_model import parse_packets
from networks.schedule import compile_network
from tests.equivalence.engine_run import EngineRun, MinimalHost
from tests.hdl.bench import small_config
from tests.hdl.networks_at_random import small_image, small_network
from tests.hdl.program_memory import ProgramMemory

CONFIG = small_config(units=3, activation_elements=1024, weight_words=128, bitmap_words=256)
LIMIT_CYCLES = 10_000
PORTS_CONFIG = small_config(kind="dense", units=1)
"""Quick to make, for what only concerns the ports."""
SEED = 16
BUSY_SEED = 35
"""A network with short windows, so that results wait for the collector."""
# a period that divides nothing
CLOCK = ClockDomain("accelerator", 97)
PERIOD_PS = CLOCK.period_ps

KINDS = pytest.mark.parametrize("kind", get_args(AcceleratorKind))

ONE_KIND = pytest.mark.parametrize(
    "kind", ["list", *(pytest.param(kind, marks=pytest.mark.slow) for kind in ("bitmap", "dense"))]
)

EVERY_ENGINE = pytest.mark.parametrize("make_engine", SIMULATORS, indirect=True)

MakeEngine = Callable[..., Engine]


@pytest.fixture(params=["rtl"])
def make_engine(request: pytest.FixtureRequest) -> Iterator[MakeEngine]:
    """Makes engines that are closed at the end of the test."""
    engines: list[Engine] = []

    def make(config: AcceleratorConfig = PORTS_CONFIG, vcd: Path | None = None) -> Engine:
        engines.append(create_engine(config, request.param, CLOCK, vcd))
        return engines[-1]

    yield make
    for engine in engines:
        engine.close()


class Recorded:
    """An engine that notes every cycle it plays."""

    jobs = None

    def __init__(self, engine: Engine) -> None:
        self.config = engine.config
        self.cycles: list[tuple[int, Inputs, Outputs]] = []
        self._engine = engine

    def cycle(self, edge_ps: int, inputs: Inputs) -> Outputs:
        outputs = self._engine.cycle(edge_ps, inputs)
        self.cycles.append((edge_ps, inputs, outputs))
        return outputs

    def play(self, stretch: Stretch, stream: Stream, log: MonitorLog) -> None:
        play_by_cycle(self, stretch, stream, log)

    def interrupt(self) -> bool:
        return self._engine.interrupt()

    def close(self) -> None:
        self._engine.close()


class System:
    """A port with its streams and line, and one script as the rest of the system."""

    def __init__(self, engine: Engine, depth_beats: int = 4, trace: Trace | None = None) -> None:
        self.env = simpy.Environment()
        self.engine = Recorded(engine)
        self.input = Stream(self.env, depth_beats, "input")
        self.output = Stream(self.env, depth_beats, "output")
        self.line = InterruptLine(self.env)
        self.port = AcceleratorPort(
            self.env,
            CLOCK,
            self.engine,
            stream_in=self.input,
            stream_out=self.output,
            interrupt=self.line,
            trace=trace,
        )

    def run(self, script: Generator[Any, Any, None]) -> None:
        """Runs to the script's end; a system that waits for ever is a failure, not a hang."""
        ended = self.env.process(script)
        self.env.run(until=ended | self.env.timeout(LIMIT_CYCLES * PERIOD_PS))
        assert ended.processed, f"not done after {LIMIT_CYCLES} cycles"

    def sleep_until(self, time_ps: int) -> Any:
        return self.env.timeout(time_ps - int(self.env.now))


def offset(name: str) -> int:
    return BY_NAME[name].offset


def echo_words(values: list[int], interrupt: bool = True) -> list[int]:
    """Packets that store words in the activation memory and send them back."""
    command = BY_NAME["JOB_COMMAND"].encode(
        store=1, interrupt=int(interrupt), words=len(values) - 1
    )
    registers = [command if item.name == "JOB_COMMAND" else 0 for item in JOB_REGISTERS]
    return [
        *packet(Header(Destination.ACTIVATIONS, len(values)), values),
        *packet(Header(Destination.REGISTERS, len(registers), JOB_BASE // 4), registers),
    ]


def play_network(
    engine: Engine, config: AcceleratorConfig = CONFIG, *, seed: int = SEED, **options: Any
) -> tuple[EngineRun, list[Any]]:
    """Two images of a small network; returns the run and the results wanted."""
    graph = small_network(seed)
    images = [small_image(graph, image_seed) for image_seed in (1, 2)]
    program = compile_network(graph, config, memory_base_bytes=0x1000)
    run = MinimalHost(program, graph, engine, images, clock=CLOCK, **options).play()
    wanted = [reference.run_all(graph, image[None])[graph.output.name][0] for image in images]
    return run, wanted


@EVERY_ENGINE
def test_registers(make_engine: MakeEngine) -> None:
    system = System(make_engine())

    def script() -> Generator[Any, Any, None]:
        port = system.port
        assert (yield from port.read_register(offset("VERSION"))) == (version_word(PORTS_CONFIG), 0)
        assert (yield from port.write_register(offset("VERSION"), 1)) == 2
        assert (yield from port.read_register(0x20)) == (0, 2)
        assert (yield from port.write_register(offset("JOB_WEIGHTS"), 0xDEADBEEF)) == 0
        yield system.env.timeout(100 * PERIOD_PS)
        assert (yield from port.read_register(offset("JOB_WEIGHTS"))) == (0xDEADBEEF, 0)

    system.run(script())


@EVERY_ENGINE
def test_requests_are_served_in_order(make_engine: MakeEngine) -> None:
    """Processes that ask at once get their own answers."""
    system = System(make_engine())
    answers: list[tuple[int, Any]] = []

    def ask(value: int) -> Generator[Any, Any, None]:
        answers.append((value, (yield from system.port.write_register(offset("LOOP_Y"), value))))
        answers.append((value, (yield from system.port.read_register(offset("LOOP_Y")))))

    def script() -> Generator[Any, Any, None]:
        yield system.sleep_until(777_777)
        yield simpy.AllOf(system.env, [system.env.process(ask(value)) for value in (1, 2, 3)])

    system.run(script())
    assert answers == [(v, 0) for v in (1, 2, 3)] + [(v, (3, 0)) for v in (1, 2, 3)]


@EVERY_ENGINE
@pytest.mark.parametrize("after_edge_ps", [0, 1, PERIOD_PS - 1])
@pytest.mark.parametrize("idle_cycles", [1, 50], ids=lambda cycles: f"{cycles}-idle")
def test_register_timing_is_exact(
    make_engine: MakeEngine, after_edge_ps: int, idle_cycles: int
) -> None:
    """Asked at the first edge after the request, answered at the next; gated or not."""
    system = System(make_engine())

    def script() -> Generator[Any, Any, None]:
        edge_ps = 20 * PERIOD_PS
        for index in range(3):
            made_ps = edge_ps + index * (idle_cycles + 5) * PERIOD_PS + after_edge_ps
            yield system.sleep_until(made_ps)
            yield from system.port.read_register(offset("VERSION"))
            asked_ps = CLOCK.next_edge(made_ps)
            assert system.env.now == asked_ps + PERIOD_PS
            yield from system.port.write_register(offset("LOOP_Y"), index)
            assert system.env.now == asked_ps + 3 * PERIOD_PS

    system.run(script())


@EVERY_ENGINE
@pytest.mark.parametrize("after_edge_ps", [0, 1, PERIOD_PS - 1])
def test_a_beat_is_taken_at_the_first_edge_after_it_was_put(
    make_engine: MakeEngine, after_edge_ps: int
) -> None:
    system = System(make_engine())
    words = packet(Header(Destination.VALUES, 12), range(12))
    put_ps: list[int] = []

    def script() -> Generator[Any, Any, None]:
        yield system.sleep_until(10 * PERIOD_PS)
        for index, word in enumerate(words):
            # close together, and with pauses in which the clock is gated
            edge_ps = int(system.env.now) // PERIOD_PS * PERIOD_PS
            yield system.sleep_until(edge_ps + (1 + 40 * (index % 3)) * PERIOD_PS + after_edge_ps)
            yield system.input.put(Beat(word, False))
            put_ps.append(int(system.env.now))
        yield system.env.timeout(3 * PERIOD_PS)

    system.run(script())
    taken_ps = [edge for edge, _, outputs in system.engine.cycles if outputs.beat_taken]
    assert taken_ps == [CLOCK.next_edge(time_ps) for time_ps in put_ps]
    assert system.port.gated_cycles > 0


@EVERY_ENGINE
@pytest.mark.parametrize("depth_beats", [1, 2, 4])
@pytest.mark.parametrize("pause_cycles", [0, 1, 7])
def test_streams_lose_nothing(make_engine: MakeEngine, depth_beats: int, pause_cycles: int) -> None:
    """Words go in and come out in order, however slow the reader; two places suffice for speed."""
    system = System(make_engine(), depth_beats)
    values = [random.Random(1).getrandbits(32) for _ in range(20)]
    words = echo_words(values)
    received: list[tuple[int, Beat]] = []

    def send() -> Generator[Any, Any, None]:
        for index, word in enumerate(words):
            yield system.input.put(Beat(word, index == len(words) - 1))

    def script() -> Generator[Any, Any, None]:
        yield from system.port.write_register(offset("INTERRUPT_ENABLE"), 1)
        system.env.process(send())
        while not received or not received[-1][1].last:
            beat = yield system.output.get()
            received.append((int(system.env.now), beat))
            yield system.env.timeout(pause_cycles * PERIOD_PS)
        yield system.line.rising()

    system.run(script())
    assert [beat.data for _, beat in received] == values
    assert [beat.last for _, beat in received] == [False] * 19 + [True]
    shown = [
        (edge, outputs.beat)
        for edge, inputs, outputs in system.engine.cycles
        if outputs.beat is not None and inputs.ready
    ]
    assert [beat for _, beat in shown] == [beat for _, beat in received]
    if pause_cycles == 0:
        assert [edge for edge, _ in shown] == [time_ps for time_ps, _ in received]
        if depth_beats > 1:
            gaps = [later - edge for (edge, _), (later, _) in pairwise(shown)]
            assert gaps == [PERIOD_PS] * 19


@EVERY_ENGINE
def test_the_line_rises_at_the_edge_that_raises_it(make_engine: MakeEngine) -> None:
    system = System(make_engine())

    def script() -> Generator[Any, Any, None]:
        yield from system.port.write_register(offset("INTERRUPT_ENABLE"), 1)
        for word in echo_words([1, 2, 3]):
            yield system.input.put(Beat(word, False))
        yield system.line.rising()
        # the status is set an edge after the last cycle of the job
        (job,) = system.port.jobs
        assert system.env.now == system.line.raised_ps == job.end_ps + PERIOD_PS
        yield from system.port.write_register(offset("INTERRUPT_STATUS"), 1)
        yield system.env.timeout(PERIOD_PS)
        assert not system.line.high

    system.run(script())


@KINDS
def test_a_job_with_nothing_behind_it_runs_to_its_end(make_engine: MakeEngine, kind: str) -> None:
    """While a job computes, no beat and no request need keep the clock on."""
    config = CONFIG.model_copy(update={"kind": kind})
    system = System(make_engine(config))
    graph = small_network(SEED)
    program = compile_network(graph, config, memory_base_bytes=0)
    memory = ProgramMemory(program)
    memory.write_image(small_image(graph, 1))
    (step,) = program.steps
    assert isinstance(step, Offload)
    words = memory.words((*program.setup, *step.send))
    end = 0
    for header, _ in parse_packets(np.array(words, dtype=np.uint32)):
        end += HEADER_WORDS + header.count
        if header.destination is Destination.REGISTERS:
            break
    # the last word of a job's registers is its command
    words = [*words[: end - 1], words[end - 1] | BY_NAME["JOB_COMMAND"].encode(interrupt=1)]

    def script() -> Generator[Any, Any, None]:
        yield from system.port.write_register(offset("INTERRUPT_ENABLE"), 1)
        for word in words:
            yield system.input.put(Beat(word, False))
        yield system.line.rising()

    system.run(script())
    (job,) = system.port.jobs
    assert job.cycles > 10 * QUIET_CYCLES


@ONE_KIND
def test_gating_changes_nothing_but_the_cycles_simulated(
    monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """The same run with the clock always on: same results, same times, same job records."""
    config = CONFIG.model_copy(update={"kind": kind})
    runs = []
    for quiet_cycles in (QUIET_CYCLES, 10**9):
        monkeypatch.setattr(bridge, "QUIET_CYCLES", quiet_cycles)
        engine = create_engine(config, "rtl", CLOCK)
        run, wanted = play_network(
            engine,
            config,
            pause_ps=3_333_333,
            send_gap_ps=PERIOD_PS * 12 // 5,
            receive_gap_ps=PERIOD_PS * 7 // 5,
            depth_beats=2,
        )
        engine.close()
        np.testing.assert_array_equal(run.results, wanted)
        runs.append(run)
    gated, always = runs
    assert gated.beats == always.beats
    assert gated.jobs == always.jobs
    assert gated.interrupts_ps == always.interrupts_ps
    assert gated.end_ps == always.end_ps
    assert (gated.register_cycles, gated.register_jobs) == (
        always.register_cycles,
        always.register_jobs,
    )
    assert always.gated_cycles == 0
    assert gated.gated_cycles > 0
    assert gated.active_cycles + gated.gated_cycles == always.active_cycles


def test_all_cycles_are_accounted(make_engine: MakeEngine) -> None:
    run, _ = play_network(make_engine(CONFIG), pause_ps=5_000_000)
    assert run.active_cycles + run.gated_cycles + RESET_CYCLES == run.end_ps // PERIOD_PS


class Stepper:
    """Plays an engine cycle by cycle and looks at every signal there is."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._edge_ps = 0
        self._signals = tuple(_simulator._signals)
        for _ in range(RESET_CYCLES):
            self.cycle(Inputs(reset=True))

    def cycle(self, inputs: Inputs) -> Outputs:
        self._edge_ps += PERIOD_PS
        return self.engine.cycle(self._edge_ps, inputs)

    def send(self, words: list[int]) -> None:
        words = list(words)
        for _ in range(20 * len(words) + 4000):
            if not words:
                return
            outputs = self.cycle(Inputs(beat=Beat(words[0], False), ready=True))
            if outputs.beat_taken:
                words.pop(0)
        raise AssertionError(f"{len(words)} words must be taken")

    def access(self, inputs: Inputs) -> None:
        """A register access, answer included."""
        outputs = self.cycle(inputs)
        assert outputs.write_taken or outputs.read_taken
        outputs = self.cycle(Inputs(ready=True))
        assert outputs.write_response == 0 or outputs.read_data is not None

    def until_quiet(self) -> None:
        """Idle cycles until the port would gate the clock."""
        quiet_cycles = 0
        while quiet_cycles < QUIET_CYCLES:
            outputs = self.cycle(Inputs(ready=True))
            active = outputs.beat is not None or outputs.monitor["job"]
            quiet_cycles = 0 if active else quiet_cycles + 1

    def snapshot(self) -> list[int]:
        return [int(signal.val) for signal in self._signals]

    def assert_quiet(self) -> None:
        """Nothing may change in further cycles, whatever the receiver's ready."""
        self.until_quiet()
        before = self.snapshot()
        for index in range(2 * QUIET_CYCLES):
            self.cycle(Inputs(ready=True))
            changed = [
                signal._name or repr(signal)
                for signal, old in zip(self._signals, before, strict=True)
                if int(signal.val) != old
            ]
            assert changed == [], f"changed {index} cycles after the clock would have stopped"


@ONE_KIND
def test_nothing_changes_in_a_quiet_accelerator(kind: str) -> None:
    """The whole hierarchy, stopped in the middle of packets, after jobs, errors and a clear."""
    config = CONFIG.model_copy(update={"kind": kind})
    engine = create_engine(config, "rtl", CLOCK)
    assert isinstance(engine, RtlEngine)
    stepper = Stepper(engine)
    ports = engine.ports
    assert len(stepper._signals) > config.units * config.weight_words
    assert any(signal is ports.m_axis.tdata for signal in stepper._signals)
    graph = small_network(SEED)
    program = compile_network(graph, config, memory_base_bytes=0)
    memory = ProgramMemory(program)
    memory.write_image(small_image(graph, 1))
    (step,) = program.steps
    assert isinstance(step, Offload)
    words = memory.words((*program.setup, *step.send))
    stepper.assert_quiet()
    cuts = sorted({0, 1, 2, 3, len(words), *random.Random(3).sample(range(len(words)), 25)})
    for start, end in pairwise(cuts):
        stepper.send(words[start:end])
        stepper.assert_quiet()
    assert engine.cycle(stepper._edge_ps + PERIOD_PS, Inputs()).monitor["job"] == 0
    stepper._edge_ps += PERIOD_PS
    stepper.access(Inputs(read=offset("JOBS")))
    stepper.assert_quiet()
    stepper.send([0, 0])  # no such destination
    stepper.assert_quiet()
    stepper.access(Inputs(write=(offset("CONTROL"), 1)))
    stepper.assert_quiet()
    engine.close()


@pytest.mark.parametrize(
    ("kind", "units"),
    [
        ("bitmap", 3), ("dense", 3), ("list", 3),
        pytest.param("bitmap", 8, marks=pytest.mark.slow),
    ],
)  # fmt: skip
def test_job_records(make_engine: MakeEngine, kind: str, units: int) -> None:
    """Every unit of every cycle has one account; the records agree with the registers."""
    config = CONFIG.model_copy(update={"kind": kind, "units": units})
    run, wanted = play_network(make_engine(config), config, seed=BUSY_SEED)
    np.testing.assert_array_equal(run.results, wanted)
    assert len(run.jobs) == run.register_jobs
    assert sum(job.cycles for job in run.jobs) == run.register_cycles
    assert sum(job.macs_useful for job in run.jobs) > 0
    for job in run.jobs:
        assert job.end_ps - job.start_ps == job.cycles * PERIOD_PS
        assert job.macs_useful + sum(job.stall_cycles.values()) == units * job.cycles
        zeros = job.stall_cycles["zero_operand"]
        assert job.multiplications == job.macs_useful + zeros
        assert kind == "dense" or zeros == 0, "no operand must be zero"
        if job.stall_cycles["storing"]:
            assert job.stall_cycles["storing"] == units * job.cycles
    for job, following in pairwise(run.jobs):
        assert job.end_ps < following.start_ps
    first, second = run.jobs[: len(run.jobs) // 2], run.jobs[len(run.jobs) // 2 :]
    assert [job.stall_cycles["storing"] > 0 for job in first] == [
        job.stall_cycles["storing"] > 0 for job in second
    ]


@ONE_KIND
def test_stalls_are_put_down_to_what_the_stages_saw(make_engine: MakeEngine, kind: str) -> None:
    """A cycle that a stage reports as held up is one in which the multiplier then lacks a pair."""
    config = CONFIG.model_copy(update={"kind": kind, "units": 8})
    engine = Recorded(make_engine(config))
    run, _ = play_network(engine, config, seed=BUSY_SEED)
    monitors = [outputs.monitor for _, _, outputs in engine.cycles]
    seen = {
        cause: sum(now[name].bit_count() for now in monitors if now["job"] and not now["storing"])
        for cause, name in (("no_pair", "empty"), ("result_blocked", "blocked"))
    }
    assert seen["result_blocked"] > 0
    assert (seen["no_pair"] > 0) == (kind != "dense")
    for cause, unit_cycles in seen.items():
        assert sum(job.stall_cycles[cause] for job in run.jobs) == unit_cycles, cause


def test_a_unit_without_a_channel_has_finished(make_engine: MakeEngine) -> None:
    """More units than output channels: the others are idle from start to end."""
    config = CONFIG.model_copy(update={"units": 8})
    graph = small_network(SEED)
    channels = graph.compute_layers[0].outputs
    assert channels < config.units
    run, _ = play_network(make_engine(config), config)
    first: JobRecord = run.jobs[0]
    idle = config.units - channels
    assert first.stall_cycles["unit_finished"] >= idle * first.cycles


def test_spans_of_a_stage_follow_each_other(make_engine: MakeEngine) -> None:
    trace = Trace()
    run, _ = play_network(make_engine(CONFIG), trace=trace, pause_ps=2_000_000)
    tracks = {span.track for span in trace.spans}
    assert tracks == {f"stage {stage}" for stage in STAGES}
    for track in tracks:
        spans = [span for span in trace.spans if span.track == track]
        assert all(span.start_ps < span.end_ps <= run.end_ps for span in spans)
        assert all(one.end_ps < other.start_ps for one, other in pairwise(spans))
    busy_ps = sum(s.end_ps - s.start_ps for s in trace.spans if s.track == "stage store")
    assert busy_ps == len(run.beats) * PERIOD_PS


def test_waveforms(make_engine: MakeEngine, tmp_path: Path) -> None:
    """A VCD file with a scope for each stage, in picoseconds of the system's time."""
    file = tmp_path / "run.vcd"
    engine = make_engine(CONFIG, vcd=file)
    run, _ = play_network(engine)
    engine.close()
    text = file.read_text()
    assert "$timescale" in text
    assert "1ps" in text.split("$timescale")[1].split("$end")[0]
    lines = [line.split() for line in text.splitlines()]
    scopes = [words[2] for words in lines if words[:1] == ["$scope"]]
    for stage in (
        "register_file", "loader", "control", "windows", "run_walk", "section_fetch", "match",
        "pair_operands", "multiply_accumulate", "collector", "round_and_clamp", "pool", "compress",
        "activation_copy", "store",
    ):  # fmt: skip
        assert any(stage in scope for scope in scopes), f"{stage} must have a scope"
    times = [int(line[1:]) for line in text.splitlines() if line.startswith("#")]
    assert times == sorted(times)
    assert run.end_ps <= times[-1] <= run.end_ps + PERIOD_PS


@EVERY_ENGINE
def test_an_access_in_the_past_is_refused(make_engine: MakeEngine) -> None:
    """A system that promises too much about its accesses is told so, instead of served wrongly."""
    system = System(make_engine())
    system.port.accesses_from = lambda: 10**9

    def script() -> Generator[Any, Any, None]:
        # its one beat comes much later, so that the input is known until then
        system.input.put_burst(BeatBurst(bytes(4), False, CLOCK, 10**6, 0, 1, 0))
        yield system.sleep_until(3 * PERIOD_PS + 1)
        yield from system.port.read_register(offset("VERSION"))

    with pytest.raises(SimulationError, match=r"must not be reached at \d+ ps.* until \d+ ps"):
        system.run(script())


def test_engines_one_after_the_other() -> None:
    """Each starts from reset, without a trace of the one before."""
    runs = []
    for _ in range(2):
        engine = create_engine(CONFIG, "rtl", CLOCK)
        runs.append(play_network(engine)[0])
        engine.close()
    first, second = runs
    assert (first.beats, first.jobs, first.end_ps) == (second.beats, second.jobs, second.end_ps)


def test_unknown_engine() -> None:
    with pytest.raises(ValueError, match=r"engine must be one of rtl, compiled, fast, not gates"):
        create_engine(CONFIG, "gates", CLOCK)

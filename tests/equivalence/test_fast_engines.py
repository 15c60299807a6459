"""The faster engines against the hardware: everything, to the picosecond."""

from typing import get_args

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from cosim.engine import Engine, Stretch, play_by_cycle
from cosim.engines import create_engine
from cosim.monitor import MonitorLog
from cosim.report import build_report
from cosim.run import execute, prepare
from cosim.scenario import load_scenario
from cosim.stream import Stream
from cosim.trace import Trace
from cosim.units import ClockDomain
from hdl.config import AcceleratorConfig, AcceleratorKind
from networks.errors import NetworkError
from networks.graph import LayerGraph
from networks.program import HostStep, Program
from networks.schedule import compile_network
from tests.equivalence.engine_run import EngineRun, MinimalHost
from tests.equivalence.test_engines import DENSE_MACS_LIMIT, SHARED, SIZES, dense_macs
from tests.hdl.bench import UNSHRUNK, small_config
from tests.networks.graphs import integer_graphs, random_images
from tests.system.conftest import SCENARIOS

KINDS = get_args(AcceleratorKind)
CLOCK = ClockDomain("accelerator", 137)


class CycleByCycle:
    """An engine without its own `play`."""

    jobs = None

    def __init__(self, engine: Engine) -> None:
        self.config = engine.config
        self.cycle, self.interrupt, self.close = engine.cycle, engine.interrupt, engine.close

    def play(self, stretch: Stretch, stream: Stream, log: MonitorLog) -> None:
        play_by_cycle(self, stretch, stream, log)


@pytest.fixture(
    params=[
        "list",
        *(pytest.param(n, marks=pytest.mark.slow) for n in ("bitmap", "dense", "shared")),
    ]
)
def config(request: pytest.FixtureRequest) -> AcceleratorConfig:
    """As in `test_engines`, so that one build of each kind serves both."""
    if request.param == "shared":
        return SHARED
    return small_config(kind=request.param, units=3, lookahead=1, **SIZES)


def record(
    config: AcceleratorConfig, name: str, graph: LayerGraph, program: Program, **options: int
) -> tuple[EngineRun, Trace]:
    trace = Trace()
    engine = create_engine(config, name.removesuffix(" by cycle"), CLOCK)
    player = CycleByCycle(engine) if name.endswith("by cycle") else engine
    images = list(random_images(graph, 2, 5))
    try:
        host = MinimalHost(program, graph, player, images, clock=CLOCK, trace=trace, **options)
        return host.play(), trace
    finally:
        engine.close()


@given(
    graph=integer_graphs(),
    groups=st.booleans(),
    receive_cycles=st.sampled_from([0, 1.4, 3]),
    send_cycles=st.sampled_from([0, 0.7, 2.4]),
    depth_beats=st.integers(1, 4),
)
@settings(
    max_examples=2,
    phases=UNSHRUNK,
    suppress_health_check=[HealthCheck.function_scoped_fixture, *HealthCheck],
)
def test_same_run(
    config: AcceleratorConfig,
    graph: LayerGraph,
    groups: bool,
    receive_cycles: float,
    send_cycles: float,
    depth_beats: int,
) -> None:
    """Results, time of every beat and interrupt, job records, cycles, spans of the stages."""
    assume(dense_macs(graph) < DENSE_MACS_LIMIT)
    try:
        program = compile_network(graph, config, memory_base_bytes=0x1000, groups=groups)
    except NetworkError:
        assume(False)
    assume(not all(isinstance(step, HostStep) for step in program.steps))
    options = {
        "pause_ps": 123_456,
        "receive_gap_ps": round(receive_cycles * CLOCK.period_ps),
        "send_gap_ps": round(send_cycles * CLOCK.period_ps),
        "depth_beats": depth_beats,
    }
    wanted, wanted_trace = record(config, "rtl", graph, program, **options)
    for name in ("compiled", "compiled by cycle", "fast"):
        run, trace = record(config, name, graph, program, **options)
        np.testing.assert_array_equal(run.results, wanted.results)
        for key, value in vars(wanted).items():
            if key != "results":
                assert getattr(run, key) == value, f"{name}: {key}"
        if name != "fast":  # it has no spans of stages
            assert trace.events() == wanted_trace.events()
    assert len(wanted.jobs) > 0


@pytest.mark.slow
def test_whole_lenet300() -> None:
    """Host, bus, DMA and accelerator, at clocks that share no edge: the same report and trace."""
    runs = {}
    for engine in ("rtl", "compiled", "fast"):
        changes = {"run.engine": engine, "board.clocks.accelerator_mhz": 137.0, "input.images": 1}
        scenario = load_scenario(SCENARIOS / "lenet300-bitmap.toml", changes=changes)
        trace = Trace()
        report = build_report(execute(prepare(scenario), trace=trace))
        assert report.pop("engine") == engine
        assert report.pop("wall_s") > 0
        runs[engine] = report, trace.events()
    assert runs["compiled"] == runs["rtl"]
    assert runs["fast"][0] == runs["rtl"][0]
    assert runs["rtl"][0]["accelerator_cycles"]["simulated"] > 10_000


@pytest.mark.slow
@pytest.mark.parametrize("network", ["lenet300", "lenet5"])
@pytest.mark.parametrize("kind", KINDS)
def test_whole_networks(network: str, kind: str) -> None:
    """Two images: the same report from the engines that are fast enough."""
    reports = []
    for engine in ("compiled", "fast"):
        changes = {"run.engine": engine, "input.images": 2}
        scenario = load_scenario(SCENARIOS / f"{network}-{kind}.toml", changes=changes)
        report = build_report(execute(prepare(scenario)))
        del report["engine"], report["wall_s"]
        reports.append(report)
    assert reports[0] == reports[1]

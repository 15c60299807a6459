"""All that can execute a network agree: reference, functional model, every engine and kind."""

from collections.abc import Iterator
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from cosim.engine import Engine
from cosim.engines import create_engine
from cosim.options import SIMULATORS
from hdl.config import AcceleratorConfig, AcceleratorKind
from networks import reference
from networks.errors import NetworkError
from networks.graph import LayerGraph
from networks.program import HostStep
from networks.program_model import ProgramModel
from networks.schedule import compile_network
from tests.equivalence.engine_run import CLOCK, MinimalHost
from tests.hdl.bench import UNSHRUNK, small_config
from tests.networks.graphs import integer_graphs, random_images

SIZES = {
    "activation_elements": 2048, "weight_words": 256, "bitmap_words": 256, "list_words": 512,
    "bias_entries": 128,
}  # fmt: skip
SHARED = small_config(kind="dense", units=4, products_per_multiplier=2, **SIZES)
"""Two units share a multiplier."""
PARTS = small_config(kind="list", units=4, lookahead=2, partial_sums=True, **SIZES)
"""Two units share a filter."""

DENSE_MACS_LIMIT = 8000
"""Keeps an example to a few seconds of cycle by cycle simulation."""


def cases() -> Iterator[Any]:
    """Engines with configurations; builds beyond one of each kind make a case slow."""
    for kind in get_args(AcceleratorKind):
        for units, lookahead, bits in ((1, 4, 32), (3, 1, 8), (8, 2, 16)):
            config = small_config(kind=kind, units=units, lookahead=lookahead, bits=bits, **SIZES)
            for name in SIMULATORS:
                # MyHDL's blocks at other widths have their own tests, and builds take long.
                slow = units != 3 and name != "fast"
                marks = [pytest.mark.slow] if slow else []
                yield pytest.param(name, config, id=f"{name}-{kind}-{units}-{bits}", marks=marks)
    for name in SIMULATORS:
        marks = [pytest.mark.slow] if name == "rtl" else []
        yield pytest.param(name, SHARED, id=f"{name}-dense-shared", marks=marks)
        slow = [pytest.mark.slow] if name != "fast" else []
        yield pytest.param(name, PARTS, id=f"{name}-list-parts", marks=slow)


def dense_macs(graph: LayerGraph) -> int:
    return sum(layer.dense_macs(graph.input_shape(layer)) for layer in graph.compute_layers)


@pytest.mark.parametrize(("name", "config"), list(cases()))
@given(
    data=st.data(),
    balance=st.booleans(),
    groups=st.booleans(),
    seed=st.integers(0, 1000),
    receive_cycles=st.sampled_from([0, 3]),
)
@settings(max_examples=2, phases=UNSHRUNK, suppress_health_check=list(HealthCheck))
def test_all_agree(
    name: str,
    config: AcceleratorConfig,
    data: st.DataObject,
    balance: bool,
    groups: bool,
    seed: int,
    receive_cycles: int,
) -> None:
    """Networks with host layers, padding, dilation, overlapping pools: two images each."""
    graph = data.draw(integer_graphs(config.bits))
    assume(dense_macs(graph) < DENSE_MACS_LIMIT)
    try:
        program = compile_network(
            graph, config, memory_base_bytes=0x1000, balance=balance, groups=groups
        )
    except NetworkError:
        assume(False)
    assume(not all(isinstance(step, HostStep) for step in program.steps))
    images = random_images(graph, 2, seed)
    wanted = reference.run_all(graph, images)[graph.output.name]
    model = ProgramModel(program, graph, config)
    np.testing.assert_array_equal([model.run(image) for image in images], wanted)
    engine: Engine = create_engine(config, name, CLOCK)
    try:
        run = MinimalHost(
            program,
            graph,
            engine,
            list(images),
            pause_ps=123_456,
            receive_gap_ps=receive_cycles * CLOCK.period_ps,
            depth_beats=2,
        ).play()
    finally:
        engine.close()
    np.testing.assert_array_equal(run.results, wanted)
    for job in run.jobs:
        assert job.macs_useful + sum(job.stall_cycles.values()) == job.cycles * config.units

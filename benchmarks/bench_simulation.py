"""How fast LeNet-300 is compiled, executed by the reference, and simulated by the whole system."""

from pathlib import Path

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from cosim.run import execute, prepare
from cosim.scenario import load_scenario
from hdl.config import AcceleratorConfig
from networks import builtin, reference
from networks.schedule import compile_network

SCENARIOS = Path(__file__).parents[1] / "scripts" / "scenarios"


@pytest.mark.parametrize("kind", ["bitmap", "dense"])
def test_rtl(benchmark: BenchmarkFixture, kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    """One image through the system; the rate counts clock cycles of the accelerator simulated."""
    scenario = load_scenario(SCENARIOS / f"lenet300-{kind}.toml", changes={"input.images": 1})
    prepared = prepare(scenario)
    run = benchmark.pedantic(execute, args=(prepared,), rounds=1)
    cycles = run.record.active_cycles
    assert cycles > 0
    with capsys.disabled():
        print(f"\n{kind}: {cycles} cycles, {cycles / run.wall_s / 1000:.2f} kcycles/s")


def test_reference(benchmark: BenchmarkFixture) -> None:
    """256 images in integers."""
    graph = builtin.load("lenet300")
    vectors = builtin.test_vectors("lenet300")
    assert graph.input.format is not None
    images = graph.input.format.quantise(vectors.real_images)
    logits = benchmark(reference.run, graph, images)
    np.testing.assert_array_equal(logits, vectors.logits)


def test_compile(benchmark: BenchmarkFixture) -> None:
    """Weights to bitmaps, jobs and packets."""
    graph = builtin.load("lenet300")
    program = benchmark(compile_network, graph, AcceleratorConfig(), memory_base_bytes=0x1000)
    assert len(program.layers) == 3

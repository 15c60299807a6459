"""How many cycles a second the fast engine gets over: LeNet-5, and a layer as large as VGG's."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pytest_benchmark.fixture import BenchmarkFixture

from cosim.fast.core import FastCore
from hdl.config import AcceleratorConfig
from networks import builtin
from networks.graph import LayerGraph
from networks.layers import Input
from networks.schedule import compile_network
from tests.fast_feed import chains, feed
from tests.networks.graphs import INT8, integer_layer

KINDS: list[tuple[Any, Any]] = [("bitmap", 2), ("list", 2), ("dense", 2)]
DENSITIES = 0.27, 0.51
"""Of weights and activations."""


def run(
    benchmark: BenchmarkFixture,
    capsys: pytest.CaptureFixture[str],
    config: AcceleratorConfig,
    words: Sequence[NDArray[np.uint32]],
) -> None:
    """Measures an accelerator that is sent all chains, power-up included."""

    def play() -> FastCore:
        core = FastCore(config)
        for chain in words:
            feed(core, chain)
        return core

    core = benchmark.pedantic(play, rounds=3, warmup_rounds=1)
    jobs = [job for job in core.jobs if not job.stall_cycles["storing"]]
    assert sum(job.macs_useful for job in jobs) > 0
    rate = core.now / benchmark.stats["min"] / 1e6  # type: ignore[index]
    with capsys.disabled():
        cycles = sum(job.cycles for job in jobs)
        print(f"\n{config.kind}: {core.now} cycles, {cycles} of {len(jobs)} jobs; {rate:.1f} M/s")


@pytest.mark.parametrize(("kind", "lookahead"), KINDS)
def test_lenet5(
    benchmark: BenchmarkFixture, capsys: pytest.CaptureFixture[str], kind: Any, lookahead: Any
) -> None:
    """The trained network, one image."""
    graph = builtin.load("lenet5")
    config = AcceleratorConfig(kind=kind, lookahead=lookahead)
    program = compile_network(graph, config, memory_base_bytes=0)
    assert graph.input.format is not None
    image = graph.input.format.quantise(builtin.test_vectors("lenet5").real_images[0])
    run(benchmark, capsys, config, chains(program, image))


@pytest.mark.parametrize(("kind", "lookahead"), KINDS)
def test_vgg_conv4_2(
    benchmark: BenchmarkFixture, capsys: pytest.CaptureFixture[str], kind: Any, lookahead: Any
) -> None:
    """512 channels of 28 x 28 to as many, 3 x 3, random numbers of these densities."""
    random = np.random.default_rng(1)
    density, activation_density = DENSITIES
    layer = integer_layer(
        random, "conv4_2", "image", (512, 512, 3, 3), density=density, shift=9, relu=True
    )
    layer = replace(layer, weights=layer.weights // 4)  # sums must fit the accumulators
    graph = LayerGraph((Input(name="image", shape=(512, 28, 28), format=INT8), layer))
    config = AcceleratorConfig(
        kind=kind,
        lookahead=lookahead,
        activation_elements=65536,
        weight_words=16384,
        bitmap_words=32768,
        list_words=65536,
    )
    program = compile_network(graph, config, memory_base_bytes=0)
    shape = graph.input.shape
    image = random.integers(-128, 128, shape) * (random.random(shape) < activation_density)
    run(benchmark, capsys, config, chains(program, image))

"""Whole ImageNet networks on `fast`, and how its time grows with the work.

AlexNet and VGG-16 have the published shapes and densities, weights and image at random; logits are
those of the integer reference (`tests/system/test_imagenet.py`). Times are of an image through the
whole system, set-up of the weights included; preparing (making weights, compiling) is apart.
"""

import resource
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pytest_benchmark.fixture import BenchmarkFixture

from cosim.fast.core import FastCore
from cosim.run import execute, prepare
from cosim.scenario import load_scenario
from hdl.config import AcceleratorConfig
from networks.graph import LayerGraph
from networks.layers import Input
from networks.schedule import compile_network
from tests.fast_feed import chains, feed
from tests.networks.graphs import INT8, integer_layer

SCENARIO = Path(__file__).parents[1] / "scripts" / "scenarios" / "recommend.toml"

LARGE = {
    "accelerator.activation_elements": 65536,
    "accelerator.list_words": 65536,
    "accelerator.bias_entries": 16384,
    "board.memory.size_bytes": 3 << 27,
}

PEERS = {
    "published VHDL in GHDL": 1_200,
    "published VHDL through Verilator": 131_000,
    "SCALE-Sim v3": 30_000,
    "STONNE (SIGMA)": 250_000,
}
"""Cycles a second of others on 2 cores, int8, 8 multipliers; middle of the range measured."""


@pytest.mark.parametrize("units", [8, 64])
@pytest.mark.parametrize("network", ["alexnet", "vgg16"])
def test_network(benchmark: BenchmarkFixture, network: str, units: int) -> None:
    """One image on `list`, K = 1."""
    changes: dict[str, Any] = {
        "network.source": network,
        "accelerator.kind": "list",
        "accelerator.lookahead": 1,
        "accelerator.units": units,
        "input.images": 1,
    }
    start_s = time.perf_counter()
    prepared = prepare(load_scenario(SCENARIO, changes=changes | LARGE))
    prepare_s = time.perf_counter() - start_s
    run = benchmark.pedantic(execute, args=(prepared,), rounds=1)
    cycles = run.record.active_cycles
    rate = cycles / benchmark.stats.stats.mean
    benchmark.extra_info["prepare_s"] = round(prepare_s, 2)
    benchmark.extra_info["job_cycles"] = sum(job.cycles for job in run.record.jobs)
    benchmark.extra_info["mcycles_per_s"] = round(rate / 1e6, 2)
    peak_kbyte = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    benchmark.extra_info["peak_gbyte"] = round(peak_kbyte / 1e6, 2)
    benchmark.extra_info["times_as_fast_as"] = {
        peer: round(rate / theirs) for peer, theirs in PEERS.items()
    }


SIZES = (14, 28, 56, 112)
per_mac_ns: dict[int, float] = {}


def layer(size: int) -> tuple[LayerGraph, NDArray]:
    """128 to 128 channels, 3 x 3, on maps of that height and width; a third are not zero."""
    random = np.random.default_rng(1)
    convolution = integer_layer(
        random, "conv", "image", (128, 128, 3, 3), density=0.33, shift=12, relu=True
    )
    entry = Input(name="image", shape=(128, size, size), format=INT8)
    image = random.integers(-128, 128, entry.shape) * (random.random(entry.shape) < 0.5)
    return LayerGraph((entry, convolution)), image


@pytest.mark.parametrize("size", SIZES)
def test_cost_grows_with_the_work(benchmark: BenchmarkFixture, size: int) -> None:
    """The accelerator alone on a layer, 64-fold from the first to the last."""
    graph, image = layer(size)
    config = AcceleratorConfig(
        kind="list", lookahead=1, activation_elements=65536, list_words=65536
    )
    program = compile_network(graph, config, memory_base_bytes=0)
    words = chains(program, image)

    def play() -> FastCore:
        core = FastCore(config)
        for chain in words:
            feed(core, chain)
        return core

    benchmark.pedantic(play, rounds=2, warmup_rounds=1)
    macs = program.layers[0].macs_dense
    per_mac_ns[size] = benchmark.stats.stats.min / macs * 1e9
    benchmark.extra_info["macs_dense"] = macs
    benchmark.extra_info["ns_per_mac"] = round(per_mac_ns[size], 4)
    if SIZES[0] in per_mac_ns:
        against = per_mac_ns[size] / per_mac_ns[SIZES[0]]
        benchmark.extra_info["ns_per_mac_to_smallest"] = round(against, 2)

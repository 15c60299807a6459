"""Whole ImageNet networks on the fast engine: row bands, streamed weights, groups, pooling."""

import numpy as np
import pytest

from networks.reference import run
from networks.synthetic import synthetic, synthetic_images
from tests.system.conftest import SCENARIOS, RunToJson


@pytest.mark.slow
@pytest.mark.parametrize(("network", "layers"), [("alexnet", 8), ("vgg16", 16)])
def test_results_are_those_of_integer_execution(
    network: str, layers: int, run_to_json: RunToJson
) -> None:
    large = {
        "accelerator.activation_elements": 65536,
        "accelerator.list_words": 65536,
        "accelerator.bias_entries": 16384,
        "board.memory.size_bytes": 3 << 27,
    }
    settings = [f"--set={key}={value}" for key, value in large.items()]
    scenario = SCENARIOS / "recommend.toml"
    options = ("--accelerator", "list", "--lookahead", 1, "--units", 64, "--images", 1)
    report = run_to_json(scenario, "--network", network, *options, *settings)
    graph = synthetic(network)
    wanted = run(graph, graph.quantise_input(synthetic_images(network)))
    assert np.array_equal(report["outputs"], wanted)
    assert {layer["runs_on"] for layer in report["layers"]} == {"accelerator"}
    assert sum(layer["op"] in ("conv", "gemm") for layer in report["layers"]) == layers

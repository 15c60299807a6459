"""Networks with weights at random have the published densities."""

import numpy as np
import pytest

from networks.published import table
from networks.reference import run_all
from networks.synthetic import synthetic, synthetic_images


def test_weights_are_as_dense_as_published_and_the_same_each_time() -> None:
    graph = synthetic("alexnet")
    for layer, item in zip(graph.compute_layers, table("alexnet").layers, strict=True):
        assert layer.name == item.name
        assert np.mean(layer.weights != 0) == pytest.approx(item.weights, abs=0.005)
    synthetic.cache_clear()
    again = synthetic("alexnet")
    for first, second in zip(graph.compute_layers, again.compute_layers, strict=True):
        assert np.array_equal(first.weights, second.weights)


@pytest.mark.slow
def test_results_are_about_as_dense_as_published() -> None:
    graph = synthetic("alexnet")
    results = run_all(graph, graph.quantise_input(synthetic_images("alexnet")))
    for item in table("alexnet").layers:
        density = np.mean(results[item.name] != 0)
        assert density == pytest.approx(item.results, abs=0.12), item.name

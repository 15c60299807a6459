"""Published networks: their shapes, their sizes, their densities."""

import itertools

import pytest

from networks.errors import NetworkError
from networks.published import densities, published_statistics, shape_graph, table


@pytest.mark.parametrize(
    ("name", "weights", "macs", "kept"),
    # Han et al. 2015: 61 M weights of which 11 % stay; 138 M, 7.5 %. VGG-16 has 15.5 G MACs.
    [("alexnet", 61e6, 0.72e9, 0.11), ("vgg16", 138e6, 15.5e9, 0.075)],
)
def test_sizes_are_the_published_ones(name: str, weights: float, macs: float, kept: float) -> None:
    graph = shape_graph(name)
    layers = graph.compute_layers
    assert sum(layer.weights.size for layer in layers) == pytest.approx(weights, rel=0.02)
    dense = sum(layer.dense_macs(graph.input_shape(layer)) for layer in layers)
    assert dense == pytest.approx(macs, rel=0.02)
    left = sum(layer.weights.size * densities(name)[layer.name].weights for layer in layers)
    assert left / sum(layer.weights.size for layer in layers) == pytest.approx(kept, abs=0.006)
    assert graph.shapes[graph.output.name] == (1000, 1, 1)


def test_a_layer_reads_what_the_one_before_gives() -> None:
    found = densities("vgg16")
    layers = table("vgg16").layers
    assert found["conv1_1"].inputs == 1.0
    for before, layer in itertools.pairwise(layers):
        assert found[layer.name].inputs == before.results


def test_statistics_keep_the_densities() -> None:
    statistics = published_statistics("alexnet")
    for operation in statistics.operations:
        layer = statistics.graph.layers[1 + operation.index]
        known = densities("alexnet")[layer.name]
        assert operation.density == pytest.approx(known.inputs)
        weights = operation.nonzero.sum() / layer.weights.size
        assert weights == pytest.approx(known.weights, abs=0.01)


def test_another_name_is_refused() -> None:
    with pytest.raises(NetworkError, match="must be one of alexnet, vgg16, not 'resnet'"):
        table("resnet")

"""Networks of one layer each give, one after the other, what the whole gives."""

import numpy as np
import pytest

from networks import builtin
from networks.errors import NetworkError
from networks.formats import Format
from networks.graph import LayerGraph
from networks.layers import Compute, Concat, Input, Relu
from networks.reference import run
from networks.split import split_layers


@pytest.mark.parametrize("name", ["lenet300", "lenet5"])
def test_parts_run_one_after_the_other_are_the_whole(name: str) -> None:
    graph = builtin.load(name)
    images = graph.quantise_input(builtin.test_images(name)[0][:3])
    parts = split_layers(graph, images)
    assert [part_name for part_name, _, _ in parts] == [x.name for x in graph.compute_layers]
    result = images
    for _, part, inputs in parts:
        assert sum(isinstance(layer, Compute) for layer in part.layers) == 1
        assert np.array_equal(inputs.reshape(len(inputs), -1), result.reshape(len(inputs), -1))
        result = run(part, inputs)
    assert np.array_equal(result, run(graph, images))


def test_layers_that_are_no_chain_are_refused() -> None:
    number_format = Format(8, 0)
    both = Concat(name="both", inputs=("relu", "x"))
    layers = (
        Input(name="x", shape=(2, 3, 3), format=number_format),
        Relu(name="relu", inputs=("x",)),
        both.with_formats((number_format, number_format), number_format),
    )
    graph = LayerGraph(layers)
    images = np.zeros((1, *graph.input.shape), dtype=np.int64)
    with pytest.raises(NetworkError, match="to be split from it"):
        split_layers(graph, images)

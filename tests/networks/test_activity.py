import numpy as np
import pytest
from hypothesis import given, settings

from networks.activity import measure_activity, window_activity
from networks.errors import NetworkError
from networks.graph import LayerGraph
from networks.layers import Compute, Input
from networks.reference import accumulate
from tests.networks.graphs import INT8, integer_graphs, integer_layer, random_images


def test_share_of_images_with_an_active_element() -> None:
    graph = LayerGraph((Input(name="input", shape=(2, 1, 2), format=INT8), *_layers()))
    images = np.array([[[[1, 0]], [[0, 0]]], [[[-3, 0]], [[4, 0]]]])
    activity = measure_activity(graph, images)
    assert activity["input"].tolist() == [[[1.0, 0.0]], [[0.5, 0.0]]]
    assert activity["conv1"].shape == graph.shapes["conv1"]


def _layers() -> tuple[Compute]:
    random = np.random.default_rng(0)
    return (integer_layer(random, "conv1", "input", (3, 2, 1, 1)),)


def test_no_images() -> None:
    graph = LayerGraph((Input(name="input", shape=(2, 1, 2), format=INT8), *_layers()))
    with pytest.raises(NetworkError, match="must be measured on at least one image, not 0"):
        measure_activity(graph, np.zeros((0, 2, 1, 2)))


@given(integer_graphs())
@settings(max_examples=40, deadline=None)
def test_window_activity_counts_the_useful_products(graph: LayerGraph) -> None:
    """A layer of ones sums, over all windows, the active inputs under its weights."""
    layer = graph.layers[1]
    if not isinstance(layer, Compute):
        return
    images = random_images(graph, 1)
    share = window_activity(layer, (images[0] != 0).astype(np.float64))
    inputs = layer.weights.shape[1]
    assert share.shape == (inputs * layer.groups, *layer.weights.shape[2:])
    ones = type(layer)(
        name="ones",
        inputs=("input",),
        weights=(layer.weights != 0).astype(np.int64),
        strides=layer.strides,
        pads=layer.pads,
        dilations=layer.dilations,
        groups=layer.groups,
    )
    sums = accumulate(ones, (images != 0).astype(np.int64))
    shares = share.reshape(layer.groups, 1, inputs, *share.shape[1:])
    used = (layer.weights != 0).reshape(layer.groups, -1, *layer.weights.shape[1:])
    expected = (shares * used).sum(axis=(2, 3, 4)).reshape(-1) * sums[0, 0].size
    assert np.allclose(sums[0].sum(axis=(1, 2)), expected)


def test_activity_of_another_shape() -> None:
    (layer,) = _layers()
    with pytest.raises(NetworkError, match="layer 'conv1': input must have 2 channels, not 5"):
        window_activity(layer, np.zeros((5, 3, 3)))

"""Bit-exact execution: golden logits, and a scalar model written independently."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from networks import builtin, importers, reference
from networks.errors import NetworkError
from networks.formats import Format
from networks.graph import LayerGraph
from networks.layers import Compute, Conv, Input, MaxPool, Pool
from tests.networks.graphs import INT8, integer_graphs, integer_layer, random_images


@pytest.mark.parametrize("name", ["lenet300", "lenet5"])
def test_all_golden_logits_are_reproduced(name: str) -> None:
    graph, vectors = builtin.load(name), builtin.test_vectors(name)
    images = graph.quantise_input(vectors.real_images)
    assert np.array_equal(reference.run(graph, images), vectors.logits)


@pytest.mark.parametrize("name", ["lenet300-float", "lenet5-float"])
def test_float_execution_agrees_with_float_logits(name: str) -> None:
    graph, vectors = builtin.load(name), builtin.test_vectors(name)
    logits = reference.run_float_all(graph, vectors.real_images)[graph.output.name]
    assert np.allclose(logits[:, :, 0, 0], vectors.logits_float, atol=1e-4)


def scalar_layer(layer: Compute, tensor: np.ndarray) -> np.ndarray:
    """One image through one layer in plain Python integers, element by element."""
    outputs, rows, columns = layer.accumulated_shape(tensor.shape)
    group_outputs = outputs // layer.groups
    top, left, _, _ = layer.pads
    result = np.zeros((outputs, rows, columns), dtype=np.int64)
    for out, row, column in np.ndindex(result.shape):
        total = 0 if layer.bias is None else int(layer.bias[out])
        for channel, y, x in np.ndindex(layer.weights.shape[1:]):
            at_y = row * layer.strides[0] + y * layer.dilations[0] - top
            at_x = column * layer.strides[1] + x * layer.dilations[1] - left
            if 0 <= at_y < tensor.shape[1] and 0 <= at_x < tensor.shape[2]:
                source = out // group_outputs * layer.weights.shape[1] + channel
                weight = int(layer.weights[out, channel, y, x])
                total += weight * int(tensor[source, at_y, at_x])
        quotient = round(Fraction(total) / Fraction(2) ** layer.shift)
        assert layer.output_format is not None
        value = max(layer.output_format.min, min(layer.output_format.max, quotient))
        value = max(value, 0) if layer.relu else value
        if layer.limit is not None:
            value = min(value, round(layer.limit * 2**layer.output_format.frac_bits))
        result[out, row, column] = value
    return result if layer.pool is None else scalar_pool(layer.pool, result)


def scalar_pool(pool: Pool, tensor: np.ndarray) -> np.ndarray:
    rows, columns = pool.output_size(*tensor.shape[1:])
    result = np.zeros((tensor.shape[0], rows, columns), dtype=np.int64)
    for channel, row, column in np.ndindex(result.shape):
        y, x = row * pool.strides[0] - pool.pads[0], column * pool.strides[1] - pool.pads[1]
        window = tensor[
            channel,
            max(0, y) : y + pool.kernel[0],
            max(0, x) : x + pool.kernel[1],
        ]
        result[channel, row, column] = window.max()
    return result


@settings(max_examples=40, deadline=None)
@given(st.sampled_from([8, 8, 16, 32]).flatmap(integer_graphs))
def test_agrees_with_scalar_arithmetic(graph: LayerGraph) -> None:
    image = random_images(graph, 1)
    results = reference.run_all(graph, image)
    tensor = image[0]
    for layer in graph.layers[1:]:
        if isinstance(layer, Compute):
            tensor = scalar_layer(layer, tensor)
        else:
            assert isinstance(layer, MaxPool)
            tensor = scalar_pool(layer.pool, tensor)
        assert np.array_equal(results[layer.name][0], tensor)


@given(st.integers(1, 2), st.integers(1, 2), st.integers(0, 100))
@settings(max_examples=15, deadline=None)
def test_groups_padding_and_dilation(stride: int, dilation: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    layer = integer_layer(
        random,
        "conv",
        "input",
        (6, 2, 3, 2),
        groups=3,
        strides=(stride, 1),
        dilations=(dilation, dilation),
        pads=(0, 1, 2, 1),
        pool=Pool((2, 2), (1, 1), (1, 0, 0, 1)),
    )
    graph = LayerGraph((Input(name="input", shape=(6, 7, 6), format=INT8), layer))
    image = random_images(graph, 1, seed)
    expected = scalar_layer(layer, image[0])
    assert np.array_equal(reference.run(graph, image).reshape(expected.shape), expected)


def test_wide_words_stay_exact() -> None:
    """32-bit operands exceed the exact integers of double precision."""
    layer = Conv(
        name="conv",
        inputs=("input",),
        weights=np.array([(1 << 31) - 1, 1]).reshape(1, 2, 1, 1),
        input_format=Format(32, 0),
        weight_format=Format(32, 31),
        output_format=Format(32, 0),
    )
    graph = LayerGraph((Input(name="input", shape=(2, 1, 1), format=Format(32, 0)), layer))
    images = np.array([[(1 << 30) + 1, 5]])
    # the quotient is just above 2^30 + 1/2; rounded to 53 bits first, it would be a tie to even
    assert reference.run(graph, images).tolist() == [[(1 << 30) + 1]]


def test_images_of_another_size() -> None:
    graph = builtin.load("lenet300")
    with pytest.raises(NetworkError, match=r"images must have shape \(images, \*\(1, 28, 28\)\)"):
        reference.run(graph, np.zeros((2, 1, 27, 28), dtype=np.int64))


def test_float_graph_has_no_integer_result() -> None:
    graph = importers.load("lenet300-float")
    with pytest.raises(NetworkError, match="network must be quantised before"):
        reference.run(graph, np.zeros((1, 1, 28, 28), dtype=np.int64))

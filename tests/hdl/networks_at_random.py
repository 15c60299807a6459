"""Small random networks that fit one visit to a small accelerator, and the work they are."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from networks.formats import Format
from networks.graph import LayerGraph
from networks.layers import Compute, Input, Layer, Pool
from networks.reference import accumulate, run_all
from tests.networks.graphs import integer_layer


def small_network(
    seed: int, bits: int = 8, *, unsigned: bool = False, scaled: bool = False
) -> LayerGraph:
    """A convolution, often pooled, and often another or a fully connected layer behind it.

    `unsigned` are all activations but the result, `scaled` channels have a factor of their own.
    """
    random = np.random.default_rng(seed)

    def pick(low: int, high: int) -> int:
        return int(random.integers(low, high + 1))

    shape = (pick(1, 9), pick(4, 8), pick(4, 8))
    number = Format(bits, 0, not unsigned)
    layers: list[Layer] = [Input(name="image", shape=shape, format=number)]
    count = 1 + (pick(0, 3) > 0)
    for index in range(count):
        name, source = f"layer{index}", layers[-1].name
        density = float(random.choice([0.1, 0.4, 0.8]))
        options: dict[str, Any] = {
            "density": density,
            "shift": pick(0, 9) + bits - 8,
            "relu": bool(pick(0, 1)),
            "input_format": number,
            "signed": not unsigned or index == count - 1,
        }
        outputs = pick(1, 11)
        if scaled:
            options["channel_scales"] = random.uniform(0.5, 2.0, outputs).round(3)
        if index == 1 and pick(0, 1):
            layer = integer_layer(
                random, name, source, (outputs, *shape), fully_connected=True, **options
            )
        else:
            kernel = (pick(1, min(3, shape[1])), pick(1, min(4, shape[2])))
            strides = (pick(1, 2), pick(1, 2))
            layer = integer_layer(
                random, name, source, (outputs, shape[0], *kernel), strides=strides, **options
            )
            size = layer.accumulated_shape(shape)[1:]
            if pick(0, 2):
                window = (pick(1, min(2, size[0])), pick(1, min(3, size[1])))
                layer = replace(layer, pool=Pool(window, (pick(1, 2), pick(1, 3))))
        layers.append(layer)
        shape, number = layer.output_shape(shape), layer.known_output_format
    return LayerGraph(tuple(layers))


def small_image(graph: LayerGraph, seed: int) -> NDArray[np.int64]:
    """Stored integers `(channels, height, width)`, half of them zero."""
    random = np.random.default_rng(seed)
    shape, number = graph.input.shape, graph.input.format
    assert number is not None
    return random.integers(number.min, number.max + 1, shape) * random.integers(0, 2, shape)


def _windows_sum(layer: Compute, counts: NDArray) -> int:
    """Sums counts of accumulated positions; pooling windows take what they cover, each its own."""
    if layer.pool is None:
        return int(counts.sum())
    windows = sliding_window_view(counts, layer.pool.kernel, axis=(2, 3))
    return int(windows[:, :, :: layer.pool.strides[0], :: layer.pool.strides[1]].sum())


def useful_macs(graph: LayerGraph, image: NDArray) -> int:
    """Products of a non-zero weight and a non-zero activation that the network needs."""
    tensors = run_all(graph, image[None])
    total = 0
    for layer in graph.compute_layers:
        ones = replace(layer, weights=(layer.weights != 0).astype(np.int64), bias=None)
        nonzero = (tensors[layer.inputs[0]] != 0).astype(np.int64)
        total += _windows_sum(layer, accumulate(ones, nonzero))
    return total


def dense_macs(graph: LayerGraph) -> int:
    """Products that the network needs if zeros are multiplied too."""
    total = 0
    for layer in graph.compute_layers:
        shape = layer.accumulated_shape(graph.input_shape(layer))
        total += _windows_sum(layer, np.full((1, *shape), layer.weights[0].size))
    return total

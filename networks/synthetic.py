"""Published networks with weights at random: the published densities, real integers, no accuracy.

Weights are spread evenly over all positions of a layer. Biases are set while the first image goes
through the network, so that the published part of each layer's results is not zero. Everything
follows from the seed.
"""

from dataclasses import replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from networks.formats import Format
from networks.graph import LayerGraph
from networks.kernels import accumulate, max_pool
from networks.layers import Compute, Layer
from networks.published import TableLayer, shape_graph, table
from networks.reference import run_layer

SEED = 1
LARGEST_WEIGHT = 31
"""Weights are from -31 to 31 without zero, evenly: accumulators hold all their sums."""

LARGEST_INPUT = 63
TARGET_DEVIATION = 24.0
"""Standard deviation of a layer's results before they are rectified."""

FRACTION_BITS = 4
FORMAT = Format(8, FRACTION_BITS)


@lru_cache(maxsize=2)
def synthetic(name: str) -> LayerGraph:
    """The 8-bit network of that table, int8 throughout; raises NetworkError on another name."""
    random = np.random.default_rng(SEED)
    known = {item.name: item for item in table(name).layers}
    tensor = _noise(name, 1)
    layers: list[Layer] = []
    for layer in shape_graph(name).layers:
        made = layer
        if isinstance(layer, Compute):
            made = _filled(layer, known[layer.name], tensor, random)
        tensor = run_layer(made, tensor)
        layers.append(made)
    return LayerGraph(tuple(layers))


def synthetic_images(name: str, count: int = 1) -> NDArray[np.float64]:
    """Images of noise `(images, channels, height, width)`, dense, in real numbers."""
    return _noise(name, count) * np.float64(FORMAT.scale)


def _noise(name: str, count: int) -> NDArray[np.int64]:
    random = np.random.default_rng(SEED)
    return random.integers(1, LARGEST_INPUT + 1, (count, *table(name).shape))


def _filled(
    layer: Compute, item: TableLayer, tensor: NDArray[np.int64], random: np.random.Generator
) -> Layer:
    """The layer with weights, and biases for what it reads."""
    shape = layer.weights.shape
    weights = random.integers(1, LARGEST_WEIGHT + 1, shape, dtype=np.int8)
    weights *= random.integers(0, 2, shape, dtype=np.int8) * 2 - 1
    weights *= random.random(shape, dtype=np.float32) < item.weights
    plain = replace(
        layer,
        weights=weights,
        input_format=FORMAT,
        weight_format=FORMAT,
        output_format=FORMAT,
    )
    sums = accumulate(plain, tensor)
    if plain.pool is not None:
        sums = max_pool(sums, plain.pool)
    last = item.results >= 1
    bias = np.zeros(shape[0], np.int64)
    if not last:
        # One bias for all filters of a vector, as each has one sum; else one for each filter.
        axes = None if sums.shape[2:] == (1, 1) else (0, 2, 3)
        bias = bias - np.round(np.quantile(sums, 1 - item.results, axis=axes)).astype(np.int64)
    deviation = float((sums + bias[:, None, None]).std())
    shift = max(0, round(np.log2(max(1.0, deviation) / TARGET_DEVIATION)))
    return replace(
        plain,
        bias=bias,
        relu=not last,
        weight_format=Format(8, shift),
        bias_format=Format(32, FRACTION_BITS + shift),
    )

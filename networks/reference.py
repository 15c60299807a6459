"""Reference execution of a layer graph in numpy: bit-exact integers, or reals for calibration."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from networks.formats import requantise
from networks.graph import LayerGraph
from networks.layers import Compute, Layer, MaxPool, Pool, Quantise, Relu, Reshape

_EXACT_FLOAT64 = 1 << 53
_WINDOW_ELEMENTS = 1 << 24
"""Window elements unfolded at a time: bounds the memory used."""


def run(graph: LayerGraph, images: NDArray) -> NDArray[np.int64]:
    """Result of the network, `(images, ...)`, for stored integers `images` in channel-first order.

    `images` is `(images, channels, height, width)` or anything that has as many elements an image.
    The result is `(images, channels)` if it is a vector and `(images, channels, height, width)`
    otherwise. Raises NetworkError if the graph is not quantised.
    """
    result = run_all(graph, images)[graph.output.name]
    return result[:, :, 0, 0] if result.shape[2:] == (1, 1) else result


def run_all(graph: LayerGraph, images: NDArray) -> dict[str, NDArray[np.int64]]:
    """The integer result of every layer, `(images, channels, height, width)` each."""
    if not graph.is_integer:
        raise graph.input.error("network must be quantised before integer execution")
    return _execute(graph, _as_batch(graph, images).astype(np.int64))


def run_float_all(graph: LayerGraph, images: NDArray) -> dict[str, NDArray[np.float64]]:
    """The real result of every layer of a float graph, in double precision."""
    return _execute(graph, _as_batch(graph, images).astype(np.float64))


def run_layer(layer: Layer, tensor: NDArray) -> NDArray:
    """Result of one layer for a batch `(images, channels, height, width)` of its input."""
    match layer:
        case Compute():
            return _run_compute(layer, tensor)
        case Relu():
            return np.maximum(tensor, 0)
        case MaxPool(pool=pool):
            return _max_pool(tensor, pool)
        case Reshape(shape=shape):
            return tensor.reshape(len(tensor), *shape)
        case Quantise(format=number_format) if np.issubdtype(tensor.dtype, np.floating):
            return number_format.dequantise(number_format.quantise(tensor))
        case _ if layer.op in ("identity", "input"):
            return tensor
    raise layer.error(f"operator must be one the reference knows, not {layer.op}")


def _as_batch(graph: LayerGraph, images: NDArray) -> NDArray:
    shape = graph.input.shape
    images = np.asarray(images)
    if images.ndim < 2 or images[0].size != int(np.prod(shape)):
        raise graph.input.error(f"images must have shape (images, *{shape}), not {images.shape}")
    return images.reshape(len(images), *shape)


def _execute(graph: LayerGraph, images: NDArray) -> dict[str, NDArray]:
    results: dict[str, NDArray] = {}
    for layer in graph.layers:
        source = results[layer.inputs[0]] if layer.inputs else images
        results[layer.name] = run_layer(layer, source)
    return results


def _run_compute(layer: Compute, tensor: NDArray) -> NDArray:
    unfolded = int(np.prod(layer.accumulated_shape(tensor.shape[1:])[1:])) * layer.weights[0].size
    batch = max(1, _WINDOW_ELEMENTS // unfolded)
    parts = [
        _finish(layer, accumulate(layer, tensor[first : first + batch]))
        for first in range(0, len(tensor), batch)
    ]
    return np.concatenate(parts) if parts else tensor[:0]


def accumulate(layer: Compute, tensor: NDArray) -> NDArray:
    """`sum(w * x) + b` for a batch, exact if the inputs are integers."""
    integers = bool(np.issubdtype(tensor.dtype, np.integer))
    number = _number_type(layer, tensor) if integers else np.dtype(np.float64)
    top, left, bottom, right = layer.pads
    padded = np.pad(tensor.astype(number), ((0, 0), (0, 0), (top, bottom), (left, right)))
    windows = sliding_window_view(padded, layer.kernel_extent, axis=(2, 3))
    windows = windows[
        :, :, :: layer.strides[0], :: layer.strides[1], :: layer.dilations[0], :: layer.dilations[1]
    ]
    grouped_windows = np.split(windows, layer.groups, axis=1)
    grouped_weights = np.split(layer.weights.astype(number), layer.groups)
    sums = np.concatenate(
        [
            np.tensordot(part, weights, axes=((1, 4, 5), (1, 2, 3)))
            for part, weights in zip(grouped_windows, grouped_weights, strict=True)
        ],
        axis=3,
    ).transpose(0, 3, 1, 2)
    if integers:
        sums = sums.astype(np.int64)
    return sums if layer.bias is None else sums + layer.bias[:, None, None].astype(sums.dtype)


def _number_type(layer: Compute, tensor: NDArray) -> np.dtype:
    """Double precision (fast) where every partial sum is an exact integer in it, else 64 bits."""
    peak = int(np.abs(tensor).max(initial=0))
    weights = np.abs(layer.weights.astype(np.float64)).reshape(layer.outputs, -1).sum(axis=1)
    worst = float(weights.max(initial=0)) * peak
    if worst < _EXACT_FLOAT64:
        return np.dtype(np.float64)
    if worst < 2.0**62:
        return np.dtype(np.int64)
    raise layer.error("accumulators must fit 63 bits")


def _finish(layer: Compute, accumulators: NDArray) -> NDArray:
    if np.issubdtype(accumulators.dtype, np.integer):
        assert layer.output_format is not None
        accumulators = requantise(accumulators, layer.shift, layer.output_format)
    if layer.relu:
        accumulators = np.maximum(accumulators, 0)
    return accumulators if layer.pool is None else _max_pool(accumulators, layer.pool)


def _max_pool(tensor: NDArray, pool: Pool) -> NDArray:
    if any(pool.pads):
        top, left, bottom, right = pool.pads
        integers = np.issubdtype(tensor.dtype, np.integer)
        lowest = np.iinfo(tensor.dtype).min if integers else -np.inf
        edges = ((0, 0), (0, 0), (top, bottom), (left, right))
        tensor = np.pad(tensor, edges, constant_values=lowest)
    windows = sliding_window_view(tensor, pool.kernel, axis=(2, 3))
    return windows[:, :, :: pool.strides[0], :: pool.strides[1]].max(axis=(4, 5))

"""Reference execution of a layer graph in numpy: bit-exact integers, or reals for calibration."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from networks import kernels
from networks.graph import LayerGraph
from networks.kernels import accumulate, is_real
from networks.layers import (
    Add,
    AveragePool,
    BatchNorm,
    BiasAdd,
    Clip,
    Compute,
    Concat,
    Identity,
    Input,
    Layer,
    MaxPool,
    Pad,
    Quantise,
    Relu,
    Reshape,
    Transpose,
)

__all__ = ["accumulate", "run", "run_all", "run_float_all", "run_layer"]


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


def run_layer(layer: Layer, *tensors: NDArray) -> NDArray:
    """Result of one layer for batches `(images, channels, height, width)` of its inputs, in order.

    Integers give integers, as the layer's own documentation says; real numbers give real ones.
    """
    tensor = tensors[0]
    match layer:
        case Compute():
            return kernels.compute(layer, tensor)
        case Add():
            return kernels.add(layer, tensors)
        case Concat():
            return kernels.concat(layer, tensors)
        case AveragePool():
            return kernels.average_pool(layer, tensor)
        case MaxPool(pool=pool):
            return kernels.max_pool(tensor, pool)
        case Relu():
            return np.maximum(tensor, 0)
        case Clip(low=low, high=high):
            return np.clip(tensor, *((low, high) if is_real(tensor) else layer.limits))
        case Reshape(shape=shape):
            return tensor.reshape(len(tensor), *shape)
        case Transpose(axes=axes):
            return tensor.transpose(0, *(1 + axis for axis in axes))
        case Pad(before=before, after=after):
            value = layer.value if is_real(tensor) else layer.stored_value
            edges = ((0, 0), *zip(before, after, strict=True))
            return np.pad(tensor, edges, constant_values=value)
        case Identity() | Input():
            return tensor
    if is_real(tensor):
        return _run_unfolded(layer, tensor)
    raise layer.error(f"operator must be one the reference knows in integers, not {layer.op}")


def _run_unfolded(layer: Layer, tensor: NDArray[np.float64]) -> NDArray[np.float64]:
    """Layers that passes fold into others."""
    match layer:
        case Quantise(format=number_format):
            return number_format.dequantise(number_format.quantise(tensor))
        case BatchNorm(gain=gain, offset=offset):
            return tensor * gain[:, None, None] + offset[:, None, None]
        case BiasAdd(bias=bias):
            return tensor + bias[:, None, None]
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
        sources: Sequence[NDArray] = [results[name] for name in layer.inputs] or [images]
        results[layer.name] = run_layer(layer, *sources)
    return results

"""Numpy kernels of the reference: windows, sums and roundings of batches in channel-first order.

Each takes integers (int64, exact results) or real numbers (double precision).
"""

from collections.abc import Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from networks.exact import exact_type
from networks.layers import Add, AveragePool, Compute, Concat, Pads, Pool, Rounded
from networks.rescale import add_rescaled, divide_half_even, multiplied, requantise, rescale

_WINDOW_ELEMENTS = 1 << 24
"""Window elements unfolded at a time: bounds the memory used."""


def is_real(tensor: NDArray) -> bool:
    """Whether a tensor holds real numbers, not stored integers."""
    return bool(np.issubdtype(tensor.dtype, np.floating))


def compute(layer: Compute, tensor: NDArray) -> NDArray:
    """A convolution or fully connected layer, with all that is fused into it."""
    unfolded = int(np.prod(layer.accumulated_shape(tensor.shape[1:])[1:])) * layer.weights[0].size
    batch = max(1, _WINDOW_ELEMENTS // unfolded)
    parts = [
        _finish(layer, accumulate(layer, tensor[first : first + batch]))
        for first in range(0, len(tensor), batch)
    ]
    return np.concatenate(parts) if parts else tensor[:0]


def accumulate(layer: Compute, tensor: NDArray) -> NDArray:
    """`sum(w * x) + b` for a batch, exact if the inputs are integers.

    Then the result is int64, or Python integers if sums could exceed 62 bits.
    """
    number = np.dtype(np.float64) if is_real(tensor) else exact_type(layer.weights, tensor)
    padded = _padded(tensor, layer.pads, 0).astype(number)
    windows = sliding_window_view(padded, layer.kernel_extent, axis=(2, 3))
    windows = windows[
        :, :, :: layer.strides[0], :: layer.strides[1], :: layer.dilations[0], :: layer.dilations[1]
    ]
    weights = layer.weights.astype(number)
    if layer.groups > 1 and layer.weights.shape[1] == 1:
        repeated = np.repeat(windows, layer.outputs // layer.groups, axis=1)
        sums = (repeated * weights[:, 0, None, None]).sum(axis=(4, 5))
    else:
        sums = np.concatenate(
            [
                np.tensordot(part, own, axes=((1, 4, 5), (1, 2, 3)))
                for part, own in zip(
                    np.split(windows, layer.groups, axis=1),
                    np.split(weights, layer.groups),
                    strict=True,
                )
            ],
            axis=3,
        ).transpose(0, 3, 1, 2)
    if not is_real(tensor) and number.kind == "f":
        sums = sums.astype(np.int64)
    return sums if layer.bias is None else sums + layer.bias[:, None, None].astype(sums.dtype)


def _finish(layer: Compute, sums: NDArray) -> NDArray:
    if not is_real(sums):
        sums = rescale(sums, layer.factors, layer.known_output_format)
    result = limit(layer, sums)
    return result if layer.pool is None else max_pool(result, layer.pool)


def limit(layer: Rounded, tensor: NDArray) -> NDArray:
    """ReLU and upper limit of a layer's result."""
    if not is_real(tensor):
        return np.clip(tensor, *layer.bounds)
    if layer.relu:
        tensor = np.maximum(tensor, 0)
    return tensor if layer.limit is None else np.minimum(tensor, layer.limit)


def add(layer: Add, tensors: Sequence[NDArray]) -> NDArray:
    """The sum of two tensors."""
    if is_real(tensors[0]):
        return limit(layer, tensors[0] + tensors[1])
    target = layer.known_output_format
    return limit(layer, add_rescaled(tensors, layer.input_factors(), target))


def concat(layer: Concat, tensors: Sequence[NDArray]) -> NDArray:
    """Tensors one after another along the channels."""
    if not is_real(tensors[0]):
        target = layer.known_output_format
        tensors = [
            rescale(tensor, [factor], target)
            for tensor, factor in zip(tensors, layer.input_factors(), strict=True)
        ]
    return limit(layer, np.concatenate(list(tensors), axis=1))


def average_pool(layer: AveragePool, tensor: NDArray) -> NDArray:
    """The mean of each window."""
    ones = np.ones((1, 1, *tensor.shape[2:]), dtype=np.int64)
    if layer.counts_pads:
        ones = _padded(ones, layer.pool.pads, 1)
        counts = _windows(ones, layer.pool, pads=False, fill=0).sum(axis=(4, 5))
    else:
        counts = _windows(ones, layer.pool, fill=0).sum(axis=(4, 5))
    sums = _windows(tensor, layer.pool, fill=0).sum(axis=(4, 5))
    if is_real(tensor):
        return limit(layer, sums / counts)
    (factor,) = layer.input_factors()
    multiplier = factor.multiplier << max(0, -factor.shift)
    numerators = multiplied(sums, multiplier, 2 * multiplier)
    denominators = counts.astype(numerators.dtype) << max(0, factor.shift)
    means = divide_half_even(numerators, denominators)
    return limit(layer, requantise(means, 0, layer.known_output_format))


def max_pool(tensor: NDArray, pool: Pool) -> NDArray:
    """The largest element of each window; padding never wins."""
    lowest = -np.inf if is_real(tensor) else np.iinfo(tensor.dtype).min
    return _windows(tensor, pool, fill=lowest).max(axis=(4, 5))


def _padded(tensor: NDArray, pads: Pads, fill: float) -> NDArray:
    if not any(pads):
        return tensor
    top, left, bottom, right = pads
    edges = ((0, 0), (0, 0), (top, bottom), (left, right))
    return np.pad(tensor, edges, constant_values=fill)


def _windows(tensor: NDArray, pool: Pool, *, fill: float, pads: bool = True) -> NDArray:
    padded = _padded(tensor, pool.pads, fill) if pads else tensor
    windows = sliding_window_view(padded, pool.kernel, axis=(2, 3))
    return windows[:, :, :: pool.strides[0], :: pool.strides[1]]

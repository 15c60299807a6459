"""Activity: how often each element of a tensor is not zero, measured on images."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from networks.graph import LayerGraph
from networks.layers import Compute
from networks.reference import run_all


def measure_activity(graph: LayerGraph, images: NDArray) -> dict[str, NDArray[np.float64]]:
    """Share of `images` in which each element of each layer's result is not zero.

    `images` are stored integers as for `reference.run`; a few dozen typical ones are enough. The
    result has an array `(channels, height, width)` for every layer's name, input included. Raises
    NetworkError if the graph is not quantised or there are no images.
    """
    if len(images) == 0:
        raise graph.input.error("activity must be measured on at least one image, not 0")
    return {
        name: np.mean(result != 0, axis=0, dtype=np.float64)
        for name, result in run_all(graph, images).items()
    }


def window_activity(layer: Compute, activity: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of windows in which the input under each weight is not zero.

    `activity` is that of the layer's input, `(channels, height, width)`; the result is `(channels,
    kernel height, kernel width)`, all groups' channels. Padding is never active. Raises
    NetworkError if the shape is not that of an input of the layer.
    """
    layer.accumulated_shape(activity.shape)
    top, left, bottom, right = layer.pads
    padded = np.pad(activity, ((0, 0), (top, bottom), (left, right)))
    windows = sliding_window_view(padded, layer.kernel_extent, axis=(1, 2))
    windows = windows[:, :: layer.strides[0], :: layer.strides[1]]
    return windows[..., :: layer.dilations[0], :: layer.dilations[1]].mean(axis=(1, 2))

"""Splits a chain of layers into networks of one layer with weights each, to run them apart."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from networks.graph import LayerGraph
from networks.layers import Compute, Input, Layer
from networks.reference import run_all


def split_layers(
    graph: LayerGraph, images: NDArray
) -> list[tuple[str, LayerGraph, NDArray[np.int64]]]:
    """A network for each layer with weights, and what it reads when the whole runs on `images`.

    `images` are stored integers; each part has its layer's name, and the layers without weights
    that follow. Raises NetworkError unless every layer reads the one before it.
    """
    results = run_all(graph, images)
    parts: list[tuple[str, list[Layer]]] = []
    for before, layer in zip(graph.layers, graph.layers[1:], strict=False):
        if layer.inputs != (before.name,):
            raise layer.error(f"must read '{before.name}' alone to be split from it")
        if isinstance(layer, Compute) or not parts:
            parts.append((before.name, []))
        parts[-1][1].append(layer)
    found = []
    for source, layers in parts:
        number_format = graph.format_of(source)
        entry = Input(name=source, shape=graph.shapes[source], format=number_format)
        first = replace(layers[0], inputs=(source,))
        part = LayerGraph((entry, first, *layers[1:]))
        found.append((first.name, part, results[source]))
    return found

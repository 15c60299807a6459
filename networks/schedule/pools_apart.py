"""Max-pooling apart from the layer before it, where both together do not fit or take longer.

A layer with pooling needs the rows of a whole pooling window on chip; alone it needs those of one
row of results. Where pooling windows overlap, it also computes what they share once for each of
them. So pooling that was fused is a layer of its own again where that makes the difference.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache

import numpy as np

from hdl.config import AcceleratorConfig
from networks.graph import LayerGraph
from networks.layers import Compute, Layer, MaxPool, Shape
from networks.schedule.schedule import make_schedule


def pools_apart(
    graph: LayerGraph,
    accelerator: AcceleratorConfig,
    densities: Mapping[str, float] | None = None,
) -> LayerGraph:
    """The same network for an accelerator; the graph itself if nothing is gained.

    `densities` are those of the weights, by the layer's name, where the graph only has shapes.
    Raises NetworkError as `make_schedule` does.
    """
    longer = frozenset(
        layer.name
        for layer in graph.layers
        if isinstance(layer, Compute)
        and _overlap_costs(layer, graph.input_shape(layer), accelerator, densities)
    )
    return _pools_apart(
        graph,
        AcceleratorConfig.model_validate(
            {
                "kind": "bitmap" if accelerator.kind == "bitmap" else "dense",
                "bits": accelerator.bits,
                "activation_elements": accelerator.activation_elements,
                "channel_scales": accelerator.channel_scales,
            }
        ),
        longer,
    )


def _overlap_costs(
    layer: Compute,
    input_shape: Shape,
    accelerator: AcceleratorConfig,
    densities: Mapping[str, float] | None,
) -> bool:
    """Whether computing what pooling windows share several times takes longer than a pass more.

    Units share a layer's work evenly, and no result takes less than a cycle. The pass has a result
    for each element of each window, and the tensor between may have to be stored and loaded.
    """
    if layer.pool is None:
        return False
    channels, rows, columns = layer.accumulated_shape(input_shape)
    _, pooled_rows, pooled_columns = layer.output_shape(input_shape)
    kernel = layer.pool.kernel
    together = pooled_rows * pooled_columns * kernel[0] * kernel[1]
    size = float(np.prod(layer.weights.shape[1:]))
    if accelerator.kind == "dense":
        work = size
    elif densities is not None:
        work = densities[layer.name] * size
    else:
        work = np.count_nonzero(layer.weights) / channels
    saved = (together - rows * columns) * channels * max(1.0, work / accelerator.units)
    moved = 2 * rows * columns * channels / accelerator.lanes
    return saved > together * channels + moved


@lru_cache(maxsize=64)
def _pools_apart(
    graph: LayerGraph, accelerator: AcceleratorConfig, longer: frozenset[str]
) -> LayerGraph:
    """By what the schedule depends on and nothing else of the accelerator.

    Layers in `longer` take longer with their pooling.
    """
    if not any(_pool_of(layer) for layer in graph.layers):
        return graph
    reasons = make_schedule(graph, accelerator).lowered.host_reasons
    on_host = [graph.layers[1 + index] for index in reasons]
    too_large = frozenset(layer.name for layer in on_host if _pool_of(layer))
    if longer:
        split = _split(graph, longer | too_large)
        if len(make_schedule(split, accelerator).lowered.host_reasons) <= len(reasons):
            return split
    if too_large:
        split = _split(graph, too_large)
        # Where even that does not fit, the host has one layer to do and not two.
        if len(make_schedule(split, accelerator).lowered.host_reasons) < len(reasons):
            return split
    return graph


def _split(graph: LayerGraph, names: frozenset[str]) -> LayerGraph:
    """The graph with the pooling of some layers behind them."""
    layers: list[Layer] = []
    for layer in graph.layers:
        if layer.name not in names or not isinstance(layer, Compute) or layer.pool is None:
            layers.append(layer)
            continue
        before = f"{layer.name} before pooling"
        layers.append(replace(layer, name=before, origin=layer.origin or layer.name, pool=None))
        layers.append(
            MaxPool(name=layer.name, inputs=(before,), origin=layer.origin, pool=layer.pool)
        )
    return LayerGraph(tuple(layers))


def _pool_of(layer: Layer) -> bool:
    return isinstance(layer, Compute) and layer.pool is not None

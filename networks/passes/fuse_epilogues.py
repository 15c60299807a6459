"""Pass: ReLU, upper limits and max-pooling join the layer that makes the numbers."""

from dataclasses import replace
from math import inf

from networks.graph import LayerGraph
from networks.layers import NO_PADS, Clip, Compute, Layer, MaxPool, Relu, Rounded


def fuse_epilogues(graph: LayerGraph) -> LayerGraph:
    """Fuses ReLU and ReLU6 into each layer that rounds, one unpadded max-pooling into weights.

    The three commute. Only where nothing else reads the result in between; what cannot be fused
    stays a layer.
    """
    for layer in graph.layers:
        fused = _fused(graph, layer)
        if fused is not None:
            graph = graph.bypass(layer.name, fused=fused)
    return graph


def _fused(graph: LayerGraph, layer: Layer) -> Rounded | None:
    if not isinstance(layer, Relu | Clip | MaxPool):
        return None
    producer = graph.producer(layer)
    if not isinstance(producer, Rounded) or graph.other_readers(layer):
        return None
    match layer:
        case Relu():
            return replace(producer, relu=True)
        case Clip(low=0.0, high=high) if high >= 0:
            limit = min(high, inf if producer.limit is None else producer.limit)
            return replace(producer, relu=True, limit=None if limit == inf else limit)
        case MaxPool(pool=pool) if isinstance(producer, Compute):
            if producer.pool is None and pool.pads == NO_PADS:
                return replace(producer, pool=pool)
    return None

"""Pass: ReLU and max-pooling join the layer with weights in front of them."""

from dataclasses import replace

from networks.graph import LayerGraph
from networks.layers import NO_PADS, Compute, Layer, MaxPool, Relu


def fuse_epilogues(graph: LayerGraph) -> LayerGraph:
    """Fuses ReLU (which commutes with max-pooling) and one unpadded max-pooling into each layer.

    Only where nothing else reads the result in between; what cannot be fused stays a layer.
    """
    for layer in graph.layers:
        fused = _fused(graph, layer)
        if fused is not None:
            graph = graph.bypass(layer.name, fused=fused)
    return graph


def _fused(graph: LayerGraph, layer: Layer) -> Compute | None:
    if not isinstance(layer, Relu | MaxPool):
        return None
    producer = graph.producer(layer)
    if not isinstance(producer, Compute) or len(graph.consumers(producer.name)) > 1:
        return None
    if isinstance(layer, Relu):
        return replace(producer, relu=True)
    if producer.pool is None and layer.pool.pads == NO_PADS:
        return replace(producer, pool=layer.pool)
    return None

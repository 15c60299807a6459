"""Pass: MatMul followed by Add becomes one fully connected layer."""

from dataclasses import replace

from networks.graph import LayerGraph
from networks.layers import BiasAdd, Compute


def fuse_bias(graph: LayerGraph) -> LayerGraph:
    """Moves each constant Add into the layer with weights before it.

    Raises NetworkError if there is none, if it has a bias already or if others read its result.
    """
    for layer in graph.layers:
        if not isinstance(layer, BiasAdd):
            continue
        producer = graph.producer(layer)
        if not isinstance(producer, Compute) or producer.bias is not None:
            raise layer.error(f"Add of a constant must follow a MatMul, not {producer.op}")
        if graph.other_readers(layer):
            raise layer.error(f"must be the only reader of '{producer.name}'")
        fused = replace(
            producer,
            bias=layer.bias,
            bias_format=layer.bias_format,
            bias_scales=layer.bias_scales,
        )
        graph = graph.bypass(layer.name, fused=fused)
    return graph

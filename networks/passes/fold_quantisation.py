"""Pass: quantisation nodes become the number formats of the layers around them."""

from dataclasses import replace

from networks.graph import LayerGraph
from networks.layers import Compute, Input, Layer, Quantise


def fold_quantisation(graph: LayerGraph) -> LayerGraph:
    """Gives each quantised result's format to the layer with weights, or the input, that makes it.

    ReLU, max-pooling and reshaping commute with rounding to a symmetric format, so a node behind
    them moves in front of them. A graph without any quantisation is returned as it is. Raises
    NetworkError if a result is quantised twice to different formats or not at all, or if weights or
    bias are real.
    """
    for layer in graph.layers:
        if isinstance(layer, Quantise):
            graph = _fold(graph, layer)
    formats = [graph.input.format, *(layer.output_format for layer in graph.compute_layers)]
    if all(known is None for known in formats):
        return graph
    for layer in graph.compute_layers:
        graph = graph.substitute(_complete(graph, layer))
    return graph


def _fold(graph: LayerGraph, quantise: Quantise) -> LayerGraph:
    maker: Layer = graph.producer(quantise)
    while True:
        if len(graph.consumers(maker.name)) > 1:
            raise quantise.error(f"must be the only reader of '{maker.name}'")
        if isinstance(maker, Compute | Input):
            break
        maker = graph.producer(maker)
    given = graph.format_of(maker.name)
    if given is not None and given != quantise.format:
        raise quantise.error(f"format must be {given} as at '{maker.name}', not {quantise.format}")
    if isinstance(maker, Input):
        return graph.bypass(quantise.name, fused=replace(maker, format=quantise.format))
    assert isinstance(maker, Compute)
    return graph.bypass(quantise.name, fused=replace(maker, output_format=quantise.format))


def _complete(graph: LayerGraph, layer: Compute) -> Compute:
    source = graph.format_of(layer.inputs[0])
    if source is None:
        raise layer.error("input must be quantised (QuantizeLinear), as other tensors are")
    if layer.weight_format is None:
        raise layer.error("weights must be quantised (DequantizeLinear of integers)")
    if layer.bias is not None and layer.bias_format is None:
        raise layer.error("bias must be quantised (DequantizeLinear of int32)")
    if layer.output_format is None:
        raise layer.error("result must be quantised (QuantizeLinear), as other tensors are")
    return replace(layer, input_format=source)

"""Pass: quantisation nodes become the number formats of the layers around them."""

from dataclasses import replace

from networks.formats import Format
from networks.graph import LayerGraph
from networks.layers import Compute, Concat, Input, Layer, Quantise, Rounded


def fold_quantisation(graph: LayerGraph) -> LayerGraph:
    """Gives each quantised result's format to the layer that makes the numbers, or to the input.

    Layers that keep numbers (ReLU, max-pooling, reshaping, ...) commute with rounding, so a node
    behind them moves in front of them. A graph without any quantisation is returned as it is.
    Raises NetworkError if a result is quantised to different formats or not at all, or if weights
    or bias are real.
    """
    for layer in graph.layers:
        if isinstance(layer, Quantise):
            graph = _fold(graph, layer)
    makers = [layer for layer in graph.layers if isinstance(layer, Rounded)]
    formats = [graph.input.format, *(layer.output_format for layer in makers)]
    if all(known is None for known in formats):
        return graph
    for layer in graph.layers:
        graph = _complete(graph, layer)
    return graph


def _fold(graph: LayerGraph, quantise: Quantise) -> LayerGraph:
    if graph.format_of(graph.producer(quantise).name) == quantise.format:
        return graph.bypass(quantise.name)
    reader: Layer = quantise
    while True:
        maker = graph.producer(reader)
        for other in graph.other_readers(reader):
            if not isinstance(other, Quantise) or other.format != quantise.format:
                raise quantise.error(f"must be the only reader of '{maker.name}'")
        if not maker.keeps_numbers or isinstance(maker, Input):
            break
        reader = maker
    given = graph.format_of(maker.name)
    if given is not None and given != quantise.format:
        raise quantise.error(f"format must be {given} as at '{maker.name}', not {quantise.format}")
    if isinstance(maker, Input):
        return graph.bypass(quantise.name, fused=replace(maker, format=quantise.format))
    if isinstance(maker, Rounded):
        return graph.bypass(quantise.name, fused=replace(maker, output_format=quantise.format))
    raise quantise.error(f"must follow a layer that can round its result, not {maker.op}")


def _complete(graph: LayerGraph, layer: Layer) -> LayerGraph:
    """Formats of a layer's inputs, now that all results have theirs."""
    if isinstance(layer, Input):
        return graph
    sources: list[Format] = []
    for name in layer.inputs:
        source = graph.format_of(name)
        if source is None:
            raise layer.error("input must be quantised (QuantizeLinear), as other tensors are")
        sources.append(source)
    target = layer.output_format if isinstance(layer, Rounded) else None
    if isinstance(layer, Compute):
        if layer.weight_format is None:
            raise layer.error("weights must be quantised (DequantizeLinear of integers)")
        if layer.bias is not None and layer.bias_format is None:
            raise layer.error("bias must be quantised (DequantizeLinear of int32)")
    if isinstance(layer, Concat) and target is None and len(set(sources)) == 1:
        target = sources[0]
    if isinstance(layer, Rounded) and target is None:
        raise layer.error("result must be quantised (QuantizeLinear), as other tensors are")
    return graph.substitute(layer.with_formats(tuple(sources), target))

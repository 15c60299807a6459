"""Pass: Flatten and Reshape disappear into the fully connected layers behind them."""

from dataclasses import replace

from networks.graph import LayerGraph
from networks.layers import Clip, Gemm, Input, Layer, Relu, Reshape


def fold_reshapes(graph: LayerGraph) -> LayerGraph:
    """Removes reshapes that need no work at run time.

    A fully connected layer behind a reshape gets weights of the shape that went into the reshape,
    so that the order of its inputs in memory (channels innermost on the accelerator) is free. A
    reshape of the network's input changes the input's shape; one to the same shape, or to a vector
    of a 1x1 map, does nothing. Others stay and are executed by the host.
    """
    changed = True
    while changed:
        changed = False
        for layer in graph.layers:
            if isinstance(layer, Reshape):
                folded = _fold(graph, layer)
                changed = folded is not None
                graph = folded or graph
                if changed:
                    break
    return graph


def _fold(graph: LayerGraph, reshape: Reshape) -> LayerGraph | None:
    source, shape = graph.producer(reshape), graph.input_shape(reshape)
    consumers = graph.consumers(reshape.name)
    if shape == reshape.shape:
        return graph.bypass(reshape.name)
    if isinstance(source, Reshape) and not graph.other_readers(reshape):
        return graph.bypass(source.name)
    if len(consumers) == 1 and isinstance(consumers[0], Gemm):
        gemm = consumers[0]
        weights = gemm.weights.reshape(gemm.outputs, *shape)
        return graph.bypass(reshape.name, fused=replace(gemm, weights=weights))
    if isinstance(source, Input) and len(graph.consumers(source.name)) == 1:
        return graph.bypass(reshape.name, fused=replace(source, shape=reshape.shape))
    return _sink(graph, reshape, consumers)


def _sink(graph: LayerGraph, reshape: Reshape, consumers: tuple[Layer, ...]) -> LayerGraph | None:
    """Swaps a reshape with an element-wise ReLU behind it, towards the next layer with weights."""
    if len(consumers) != 1 or not isinstance(consumers[0], Relu | Clip):
        return None
    relu = consumers[0].name
    swapped = {relu: reshape.inputs, reshape.name: (relu,)}
    layers = []
    for layer in graph.layers:
        behind = tuple(reshape.name if item == relu else item for item in layer.inputs)
        layers.append(replace(layer, inputs=swapped.get(layer.name, behind)))
    return LayerGraph(tuple(layers))

"""Pass: transpositions disappear where they do nothing or where weights can be transposed."""

from dataclasses import replace

from networks.graph import LayerGraph
from networks.layers import Gemm, Reshape, Transpose


def fold_transposes(graph: LayerGraph) -> LayerGraph:
    """Removes transpositions that need no work at run time.

    Two in a row become one; one that moves only axes of size 1 becomes a reshape, or nothing; one
    that only a fully connected layer reads is done to its weights. Others stay and are executed by
    the host.
    """
    for layer in graph.layers:
        if isinstance(layer, Transpose):
            graph = _fold(graph, layer.name)
    return graph


def _fold(graph: LayerGraph, name: str) -> LayerGraph:
    layer = graph.layer(name)
    assert isinstance(layer, Transpose)
    producer = graph.producer(layer)
    if isinstance(producer, Transpose) and not graph.other_readers(layer):
        first, second, third = (producer.axes[axis] for axis in layer.axes)
        layer = replace(layer, axes=(first, second, third))
        graph = graph.bypass(producer.name, fused=layer)
    source, result = graph.input_shape(layer), graph.shapes[name]
    moved = [axis for axis in layer.axes if source[axis] > 1]
    if moved == sorted(moved):
        if source == result:
            return graph.bypass(name)
        return graph.substitute(
            Reshape(name=name, inputs=layer.inputs, origin=layer.origin, shape=result)
        )
    consumers = graph.consumers(name)
    if len(consumers) == 1 and isinstance(consumers[0], Gemm):
        back = tuple(1 + layer.axes.index(axis) for axis in range(3))
        weights = consumers[0].weights.transpose(0, *back)
        return graph.bypass(name, fused=replace(consumers[0], weights=weights))
    return graph

"""Pass: batch normalisation becomes part of the weights next to it."""

from dataclasses import replace

import numpy as np

from networks.graph import LayerGraph
from networks.layers import NO_PADS, BatchNorm, Compute, Conv


def fold_batch_norms(graph: LayerGraph) -> LayerGraph:
    """Folds each normalisation into the layer with weights in front of it, or else behind it.

    Only into real weights, where nothing else reads the tensor between the two, and forwards only
    without padding, which would have to hold normalised zeros, and without groups. Any other
    normalisation becomes a depthwise 1x1 convolution of its own.
    """
    for layer in graph.layers:
        if isinstance(layer, BatchNorm):
            graph = _backwards(graph, layer) or _forwards(graph, layer) or _alone(graph, layer)
    return graph


def _backwards(graph: LayerGraph, norm: BatchNorm) -> LayerGraph | None:
    producer = graph.producer(norm)
    if not isinstance(producer, Compute) or graph.other_readers(norm):
        return None
    if producer.weight_format is not None or producer.relu or producer.pool is not None:
        return None
    bias = np.zeros(producer.outputs) if producer.bias is None else producer.bias
    fused = replace(
        producer,
        weights=producer.weights * norm.gain[:, None, None, None],
        bias=bias * norm.gain + norm.offset,
    )
    return graph.bypass(norm.name, fused=fused)


def _forwards(graph: LayerGraph, norm: BatchNorm) -> LayerGraph | None:
    consumers = graph.consumers(norm.name)
    if len(consumers) != 1 or not isinstance(consumers[0], Compute):
        return None
    consumer = consumers[0]
    if consumer.weight_format is not None or consumer.pads != NO_PADS or consumer.groups != 1:
        return None
    bias = np.zeros(consumer.outputs) if consumer.bias is None else consumer.bias
    offsets = (consumer.weights * norm.offset[:, None, None]).sum(axis=(1, 2, 3))
    fused = replace(
        consumer,
        weights=consumer.weights * norm.gain[:, None, None],
        bias=bias + offsets,
    )
    return graph.bypass(norm.name, fused=fused)


def _alone(graph: LayerGraph, norm: BatchNorm) -> LayerGraph:
    return graph.substitute(
        Conv(
            name=norm.name,
            inputs=graph.layer(norm.name).inputs,
            origin=norm.origin,
            weights=norm.gain[:, None, None, None],
            bias=norm.offset,
            groups=len(norm.gain),
        )
    )

"""Pass: zero padding becomes part of the convolution behind it."""

from dataclasses import replace

from networks.graph import LayerGraph
from networks.layers import Conv, Pad


def fold_paddings(graph: LayerGraph) -> LayerGraph:
    """Moves each Pad of zeros around the map into the convolution that alone reads it.

    Others stay and are executed by the host.
    """
    for layer in graph.layers:
        if not isinstance(layer, Pad) or layer.value or layer.before[0] or layer.after[0]:
            continue
        consumers = graph.consumers(layer.name)
        if len(consumers) != 1 or not isinstance(consumers[0], Conv):
            continue
        top, left, bottom, right = consumers[0].pads
        pads = (
            top + layer.before[1],
            left + layer.before[2],
            bottom + layer.after[1],
            right + layer.after[2],
        )
        graph = graph.bypass(layer.name, fused=replace(consumers[0], pads=pads))
    return graph

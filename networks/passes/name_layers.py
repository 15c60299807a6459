"""Pass: short readable names in order: conv1, conv2, fc1, maxpool1."""

from collections import Counter
from dataclasses import replace

from networks.graph import LayerGraph
from networks.layers import Input

_NAMES = {"gemm": "fc"}


def name_layers(graph: LayerGraph) -> LayerGraph:
    """Names each layer by its kind and its number among them; `origin` keeps the node's name."""
    count: Counter[str] = Counter()
    names: dict[str, str] = {}
    layers = []
    for layer in graph.layers:
        if isinstance(layer, Input):
            names[layer.name] = "input"
        else:
            kind = _NAMES.get(layer.op, layer.op)
            count[kind] += 1
            names[layer.name] = f"{kind}{count[kind]}"
        inputs = tuple(names[item] for item in layer.inputs)
        origin = layer.origin or layer.name
        layers.append(replace(layer, name=names[layer.name], inputs=inputs, origin=origin))
    return LayerGraph(tuple(layers))

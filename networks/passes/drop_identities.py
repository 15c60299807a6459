"""Pass: layers that copy their input disappear."""

from networks.graph import LayerGraph
from networks.layers import Identity


def drop_identities(graph: LayerGraph) -> LayerGraph:
    """Removes Identity layers; the importer turns Dropout and DequantizeLinear into them, too."""
    for layer in graph.layers:
        if isinstance(layer, Identity):
            graph = graph.bypass(layer.name)
    return graph

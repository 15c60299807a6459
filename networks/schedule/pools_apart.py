"""Max-pooling apart from the layer before it, where both together do not fit the accelerator.

A layer with pooling needs the rows of a whole pooling window on chip; alone it needs those of one
row of results. So pooling that was fused is a layer of its own again where that makes the
difference.
"""

from dataclasses import replace
from functools import lru_cache

from hdl.config import AcceleratorConfig
from networks.graph import LayerGraph
from networks.layers import Compute, Layer, MaxPool
from networks.schedule.schedule import make_schedule


def pools_apart(graph: LayerGraph, accelerator: AcceleratorConfig) -> LayerGraph:
    """The same network for an accelerator; the graph itself if all fits that can be made to fit.

    Raises NetworkError as `make_schedule` does.
    """
    return _pools_apart(
        graph,
        AcceleratorConfig.model_validate(
            {
                "kind": "bitmap" if accelerator.kind == "bitmap" else "dense",
                "bits": accelerator.bits,
                "activation_elements": accelerator.activation_elements,
                "channel_scales": accelerator.channel_scales,
            }
        ),
    )


@lru_cache(maxsize=64)
def _pools_apart(graph: LayerGraph, accelerator: AcceleratorConfig) -> LayerGraph:
    """By what the schedule depends on and nothing else of the accelerator."""
    if not any(_pool_of(layer) for layer in graph.layers):
        return graph
    reasons = make_schedule(graph, accelerator).lowered.host_reasons
    apart = {index for index in reasons if _pool_of(graph.layers[1 + index])}
    if not apart:
        return graph
    layers: list[Layer] = []
    for index, layer in enumerate(graph.layers):
        if index - 1 not in apart or not isinstance(layer, Compute) or layer.pool is None:
            layers.append(layer)
            continue
        before = f"{layer.name} before pooling"
        layers.append(replace(layer, name=before, origin=layer.origin or layer.name, pool=None))
        layers.append(
            MaxPool(name=layer.name, inputs=(before,), origin=layer.origin, pool=layer.pool)
        )
    split = LayerGraph(tuple(layers))
    left = make_schedule(split, accelerator).lowered.host_reasons
    # Where even that does not fit, the host has one layer to do and not two.
    return split if len(left) < len(reasons) else graph


def _pool_of(layer: Layer) -> bool:
    return isinstance(layer, Compute) and layer.pool is not None

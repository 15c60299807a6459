"""The layers of a graph as operations of the accelerator, and those the host must execute."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from hdl.config import AcceleratorConfig
from networks.graph import LayerGraph
from networks.layers import Concat
from networks.schedule.lower_layer import ONE, LayerLowering
from networks.schedule.operation import Operation


@dataclass(frozen=True, eq=False)
class Lowered:
    """Operations of each layer that runs on the accelerator, by index, and the host's reasons.

    A concatenation may have no operation of its own: what it joins is written where it belongs.
    """

    operations: Mapping[int, tuple[Operation, ...]]
    host_reasons: Mapping[int, str]


def lower(
    graph: LayerGraph, accelerator: AcceleratorConfig, too_large: Mapping[int, str]
) -> Lowered:
    """The layers `graph.layers[1:]` for one accelerator; those in `too_large` are the host's.

    Raises NetworkError if sums of a layer with weights could overflow the accumulators.
    """
    operations: dict[int, tuple[Operation, ...]] = {}
    reasons: dict[int, str] = {}
    for index, layer in enumerate(graph.layers[1:]):
        lowered: tuple[Operation, ...] | str
        lowered = too_large.get(index) or LayerLowering(graph, accelerator, index, layer).run()
        if isinstance(lowered, str):
            reasons[index] = lowered
        else:
            operations[index] = lowered
    indices = {layer.name: index for index, layer in enumerate(graph.layers[1:])}
    for index, copies in operations.items():
        if isinstance(graph.layers[1 + index], Concat):
            kept = []
            for copy in copies:
                source = indices.get(copy.sources[0], -1)
                writer = _direct(graph, copy, operations.get(source, ()))
                if writer is None:
                    kept.append(copy)
                else:
                    operations[source] = (writer,)
            operations[index] = tuple(kept)
    return Lowered(operations, reasons)


def _direct(graph: LayerGraph, copy: Operation, writers: tuple[Operation, ...]) -> Operation | None:
    """What makes the source of a copy, writing to the copy's target; None if that cannot be."""
    (source,) = copy.sources
    readers = graph.digraph.out_degree(source)
    if len(writers) != 1 or readers != 1 or copy.layer.inputs.count(source) != 1:
        return None
    (writer,) = writers
    if writer.target != source or copy.factors[0] != ONE or np.any(copy.weights != 1):
        return None
    return replace(
        writer,
        target=copy.target,
        first_channel=copy.first_channel,
        low=min(max(writer.low, copy.low), copy.high),
        high=min(max(writer.high, copy.low), copy.high),
        unsigned_output=copy.unsigned_output,
    )

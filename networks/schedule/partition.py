"""The order of execution: runs of operations for the accelerator, host layers between them."""

from collections.abc import Sequence

from networks.graph import LayerGraph
from networks.schedule.lower import Lowered
from networks.schedule.operation import Operation

Step = int | tuple[Operation, ...]
"""A host layer's index, or operations one after the other."""


def partition(graph: LayerGraph, lowered: Lowered) -> list[Step]:
    """All layers but the input, each behind what it reads.

    Each run of the accelerator, and of the host, goes on until everything left waits for the other.
    """
    layers = graph.layers[1:]
    waiting = list(range(len(layers)))
    done = {graph.input.name}
    steps: list[Step] = []
    on_host = False
    while waiting:
        run: list[int] = []
        for index in list(waiting):
            chosen = (index in lowered.host_reasons) == on_host
            if chosen and done.issuperset(layers[index].inputs):
                run.append(index)
                waiting.remove(index)
                done.add(layers[index].name)
        if on_host:
            steps += run
        else:
            operations = tuple(item for index in run for item in lowered.operations[index])
            steps += [operations] if operations else []
        on_host = not on_host
    return steps


def read_by_others(graph: LayerGraph, run: Sequence[Operation]) -> frozenset[str]:
    """Tensors that anything but the operations of this run reads: layers, or who runs the network.

    A layer without an operation of its own reads nothing.
    """
    own = {(operation.index, name) for operation in run for name in operation.sources}
    indices = {layer.name: index for index, layer in enumerate(graph.layers[1:])}
    read = {
        name
        for layer in graph.layers[1:]
        for name in layer.inputs
        if (indices[layer.name], name) not in own
    }
    return frozenset(read | {graph.output.name})

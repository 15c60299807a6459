"""The compiler: a layer graph becomes a program for one accelerator."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from hdl.config import AcceleratorConfig
from hdl.packets import Destination, Header
from networks.errors import NetworkError
from networks.graph import LayerGraph
from networks.layers import Compute
from networks.program import Buffer, HostStep, LayerInfo, Offload, Program, Transfer
from networks.schedule.activations import plan_chains
from networks.schedule.geometry import unsupported
from networks.schedule.list_weights import ListWeights
from networks.schedule.offload import Traffic, build_offload, send_weights
from networks.schedule.plan import Planned, plan_layers
from networks.schedule.stream import MemoryMap, StreamBuilder
from networks.words import split_words, words_of


def compile_network(
    graph: LayerGraph,
    accelerator: AcceleratorConfig,
    *,
    memory_base_bytes: int,
    balance: bool = True,
    activity: Mapping[str, NDArray[np.float64]] | None = None,
) -> Program:
    """The program for `graph` on `accelerator`, in system memory from `memory_base_bytes` up.

    `balance` assigns filters to units by expected work (never on `dense`, where all are equal).
    `activity`, as `networks.activity.measure_activity` gives it, lets `list` expect that work
    better and share out active inputs evenly among list words; it never changes a result.
    Raises NetworkError, with the layer's name, if the graph is not quantised, sums could overflow
    the accumulators, or a layer does not fit the accelerator's memories or registers.
    """
    if not graph.is_integer:
        raise NetworkError("network must be quantised before it is scheduled")
    if len(graph.layers) < 2:
        raise NetworkError("network must have at least one layer")
    layers = graph.layers[1:]
    reasons = [unsupported(layer, accelerator) for layer in layers]
    offloaded = [index for index, reason in enumerate(reasons) if reason is None]
    planned = plan_layers(graph, offloaded, accelerator, balance=balance, activity=activity)
    memory = MemoryMap(memory_base_bytes)
    setup = _setup(planned, accelerator, memory)
    first = _buffer(memory, graph, graph.input.name)
    buffers = {graph.input.name: first}
    traffic = Traffic()
    done: set[int] = set()
    steps: list[Offload | HostStep] = []
    for index, layer in enumerate(layers):
        if index in done:
            continue
        if index not in planned:
            buffers[layer.name] = _buffer(memory, graph, layer.name)
            source, *others = (buffers[name] for name in layer.inputs)
            steps.append(HostStep(index, source, buffers[layer.name], tuple(others)))
            continue
        run = _run_from(graph, index, planned)
        done.update(run)
        for chain in plan_chains([planned[i].work for i in run], accelerator):
            last = planned[chain.works[-1].index]
            source = buffers[chain.works[0].layer.inputs[0]]
            result = _buffer(memory, graph, last.work.layer.name, last.channel_order)
            buffers[result.name] = result
            steps.append(
                build_offload(chain, planned, source, result, accelerator, memory, traffic)
            )
    return Program(
        layers=tuple(_infos(graph, reasons, planned, traffic)),
        memory=tuple(memory.segments),
        setup=setup,
        input=first,
        steps=tuple(steps),
        output=buffers[graph.output.name],
        memory_bytes=memory.next_address_bytes,
    )


def _run_from(graph: LayerGraph, first: int, planned: Mapping[int, Planned]) -> list[int]:
    """Indices of accelerator layers from `first` on, each the only reader of the one before."""
    indices = {layer.name: index for index, layer in enumerate(graph.layers[1:])}
    run = [first]
    while True:
        consumers = graph.consumers(graph.layers[1 + run[-1]].name)
        if len(consumers) != 1 or indices[consumers[0].name] not in planned:
            return run
        run.append(indices[consumers[0].name])


def _buffer(
    memory: MemoryMap,
    graph: LayerGraph,
    name: str,
    channel_order: tuple[int, ...] | None = None,
) -> Buffer:
    """A place in system memory for the result of a layer."""
    channels, height, width = graph.shapes[name]
    number_format = graph.format_of(name)
    assert number_format is not None
    return memory.place(
        Buffer(
            name,
            0,
            (1, height, width, channels),
            number_format.bits,
            channel_order,
            signed=number_format.signed,
        )
    )


def _setup(
    planned: Mapping[int, Planned], accelerator: AcceleratorConfig, memory: MemoryMap
) -> tuple[Transfer, ...]:
    """Biases of all layers and the weights that stay: sent once."""
    stream = StreamBuilder()
    if planned:
        biases = np.concatenate([layer.biases for layer in planned.values()])
        words = words_of(accelerator.accumulator_bits)
        header = Header(Destination.BIASES, 1)
        stream.packet(header, split_words(biases, words), entry_words=words)
    for layer in planned.values():
        if layer.placement.resident:
            send_weights(stream, layer, layer.placement.tiles[0], accelerator)
    return stream.finish("resident weights and biases", memory)


def _infos(
    graph: LayerGraph,
    reasons: Sequence[str | None],
    planned: Mapping[int, Planned],
    traffic: Traffic,
) -> list[LayerInfo]:
    infos = []
    for index, (layer, reason) in enumerate(zip(graph.layers[1:], reasons, strict=True)):
        on_accelerator = index in planned
        macs = layer.dense_macs(graph.input_shape(layer)) if isinstance(layer, Compute) else 0
        infos.append(
            LayerInfo(
                name=layer.name,
                op=layer.op,
                runs_on="accelerator" if on_accelerator else "host",
                macs_dense=macs,
                bytes_in=traffic.sent_bytes[index],
                bytes_out=traffic.received_bytes[index],
                weights_resident=on_accelerator and planned[index].placement.resident,
                accumulator_bits=planned[index].accumulator_bits if on_accelerator else 0,
                list_lengths_words=_list_lengths(planned[index]) if on_accelerator else (),
                host_reason=reason,
            )
        )
    return infos


def _list_lengths(planned: Planned) -> tuple[int, ...]:
    """Length of each tile's list; nothing on an accelerator without lists."""
    if not isinstance(planned.weights, ListWeights):
        return ()
    return tuple(placement.tile.room.words for placement in planned.placement.tiles)

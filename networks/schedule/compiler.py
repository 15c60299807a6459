"""The compiler: a layer graph becomes a program for one accelerator."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from hdl.config import AcceleratorConfig
from hdl.packets import WORD_BYTES, Destination, Header
from networks.errors import NetworkError
from networks.graph import LayerGraph
from networks.layers import Compute
from networks.program import Buffer, HostStep, LayerInfo, Offload, Program, Segment, Transfer
from networks.schedule.list_weights import ListWeights
from networks.schedule.offload import Traffic, build_offload, send_weights
from networks.schedule.operation import Operation, accumulator_bits
from networks.schedule.plan import Options, Plan, Planned, plan_operations
from networks.schedule.schedule import Schedule, make_schedule
from networks.schedule.stream import MemoryMap, StreamBuilder
from networks.schedule.visit import ImageState


def compile_network(
    graph: LayerGraph,
    accelerator: AcceleratorConfig,
    *,
    memory_base_bytes: int,
    balance: bool = True,
    groups: bool = False,
    positions: bool = True,
    activity: Mapping[str, NDArray[np.float64]] | None = None,
) -> Program:
    """The program for `graph` on `accelerator`, in system memory from `memory_base_bytes` up.

    `balance` assigns filters to units by expected work (never on `dense`, where all are equal).
    `groups` keeps the natural order on `bitmap` and lets units wait for each other behind each of
    their filters, as published. `positions` lets `list` compute several output positions at a
    window where a layer has too few filters (`networks.schedule.division`). `activity`, as
    `networks.activity.measure_activity` gives it, lets `list` expect work better and share out
    active inputs evenly among list words; it never changes a result. Raises NetworkError, with the
    layer's name, if the graph is not quantised, sums could overflow the accumulators, or weights,
    biases or the rows of tensors that are needed together do not fit the accelerator's memories.
    Layers that it cannot do run on the host.
    """
    if not graph.is_integer:
        raise NetworkError("network must be quantised before it is scheduled")
    if len(graph.layers) < 2:
        raise NetworkError("network must have at least one layer")
    schedule = make_schedule(graph, accelerator)
    layouts = schedule.layouts
    options = Options(balance, groups, positions, activity)
    plan = plan_operations(graph, schedule, accelerator, options)
    memory = MemoryMap(memory_base_bytes)
    setup = _setup(plan, accelerator, memory)
    buffers = _buffers(graph, schedule, plan, memory)
    state, traffic = ImageState(schedule.last_stored), Traffic()
    program_steps: list[Offload | HostStep] = []
    for step in schedule.steps:
        if isinstance(step, int):
            layer = graph.layers[1 + step]
            source, *others = (buffers[name] for name in layer.inputs)
            program_steps.append(HostStep(step, source, buffers[layer.name], tuple(others)))
        else:
            visit = build_offload(
                step, plan.planned, layouts, buffers, accelerator, memory, state, traffic
            )
            program_steps.append(visit)
    return Program(
        layers=tuple(_infos(graph, schedule, plan, traffic)),
        memory=tuple(memory.segments),
        setup=setup,
        input=buffers[graph.input.name],
        steps=tuple(program_steps),
        output=buffers[graph.output.name],
        memory_bytes=memory.next_address_bytes,
    )


def _buffers(
    graph: LayerGraph, schedule: Schedule, plan: Plan, memory: MemoryMap
) -> dict[str, Buffer]:
    """A place in system memory for the input and every tensor that is stored or the host makes."""
    names = [graph.input.name]
    for step in schedule.steps:
        if isinstance(step, int):
            names.append(graph.layers[1 + step].name)
        else:
            names += [name for stage in step for name in stage.stores]
    buffers = {
        name: memory.place(_buffer(graph, name, schedule, plan)) for name in dict.fromkeys(names)
    }
    for name, (first_word, end_word) in _stored_words(schedule).items():
        buffer = buffers[name]
        if first_word > 0 or end_word * WORD_BYTES < buffer.length_bytes:
            # rows of the border that no band stores must be zeros beforehand
            memory.segments.append(Segment(name, buffer.address_bytes, bytes(buffer.length_bytes)))
    return buffers


def _stored_words(schedule: Schedule) -> dict[str, tuple[int, int]]:
    """First word and end of what the bands of each tensor store."""
    found: dict[str, tuple[int, int]] = {}
    for step in schedule.steps:
        for stage in step if isinstance(step, tuple) else ():
            for name in stage.stores:
                region = stage.regions[name]
                first, end = region.first_word, region.first_word + region.words
                known_first, known_end = found.get(name, (first, end))
                found[name] = min(first, known_first), max(end, known_end)
    return found


def _buffer(graph: LayerGraph, name: str, schedule: Schedule, plan: Plan) -> Buffer:
    channels, height, width = graph.shapes[name]
    number_format = graph.format_of(name)
    assert number_format is not None
    order = plan.orders[name]
    return Buffer(
        name,
        0,
        (1, height, width, channels),
        number_format.bits,
        None if order == tuple(range(len(order))) else order,
        signed=number_format.signed,
        pads=schedule.layouts[name].pads,
        stack=schedule.input_stack if name == graph.input.name else None,
    )


def _setup(plan: Plan, accelerator: AcceleratorConfig, memory: MemoryMap) -> tuple[Transfer, ...]:
    """Biases of all layers and the weights that stay: sent once."""
    stream = StreamBuilder()
    header = Header(Destination.BIASES, 1)
    stream.packet(header, plan.bias_memory.reshape(-1), entry_words=accelerator.bias_words)
    for planned in plan.planned.values():
        if planned.placement.resident:
            for placement in planned.placement.tiles:
                send_weights(stream, planned, placement, accelerator)
    return stream.finish("resident weights and biases", memory)


def _infos(graph: LayerGraph, schedule: Schedule, plan: Plan, traffic: Traffic) -> list[LayerInfo]:
    lowered = schedule.lowered
    infos = []
    for index, layer in enumerate(graph.layers[1:]):
        on_accelerator = index in lowered.operations
        own = [plan.planned[id(item)] for item in lowered.operations.get(index, ())]
        macs = layer.dense_macs(graph.input_shape(layer)) if isinstance(layer, Compute) else 0
        infos.append(
            LayerInfo(
                name=layer.name,
                op=layer.op,
                runs_on="accelerator" if on_accelerator else "host",
                macs_dense=macs,
                bytes_in=traffic.sent[index],
                bytes_out=traffic.received[index],
                weights_resident=on_accelerator and all(item.placement.resident for item in own),
                accumulator_bits=max((_width(graph, item.operation) for item in own), default=0),
                list_lengths_words=_list_lengths(own),
                positions=max((item.weights.division.positions for item in own), default=1),
                parts=max((item.weights.division.parts for item in own), default=1),
                host_reason=lowered.host_reasons.get(index),
            )
        )
    return infos


def _width(graph: LayerGraph, operation: Operation) -> int:
    ranges = [graph.range_of(name) for name in operation.sources]
    return accumulator_bits(operation, (min(r[0] for r in ranges), max(r[1] for r in ranges)))


def _list_lengths(planned: Sequence[Planned]) -> tuple[int, ...]:
    """Length of the longest unit's list of each tile; nothing on an accelerator without lists."""
    return tuple(
        placement.tile.room.words
        for item in planned
        if isinstance(item.weights, ListWeights)
        for placement in item.placement.tiles
    )

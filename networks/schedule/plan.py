"""Offline decisions about each operation: filter order, weights and their places, biases."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hdl.config import AcceleratorConfig
from networks.activity import window_activity
from networks.compress import compress
from networks.errors import NetworkError
from networks.graph import LayerGraph
from networks.layers import Compute
from networks.schedule.balance import ASSUMED_ACTIVATION_DENSITY, expected_work
from networks.schedule.biases import bias_entries, place_biases
from networks.schedule.choose_divisions import list_costs, plan_divisions
from networks.schedule.division import Division
from networks.schedule.layout import Layout
from networks.schedule.list_weights import ListWeights
from networks.schedule.operation import Operation
from networks.schedule.orders import BalancedOrders, ChannelOrders, Order
from networks.schedule.residency import LayerPlacement, place_weights
from networks.schedule.run_weights import RunWeights
from networks.schedule.schedule import Schedule
from networks.schedule.walk import plan_walk, walked
from networks.schedule.weights import LayerWeights, Room


@dataclass(frozen=True)
class Options:
    """What the caller of the compiler chose."""

    balance: bool
    groups: bool
    positions: bool
    activity: Mapping[str, NDArray[np.float64]] | None


@dataclass(frozen=True, eq=False)
class Planned:
    """One operation with all that is decided about its weights."""

    operation: Operation
    weights: LayerWeights
    placement: LayerPlacement
    bias_base: int


@dataclass(frozen=True, eq=False)
class Plan:
    """All operations by identity, the stored order of every tensor, the bias memory's entries."""

    planned: Mapping[int, Planned]
    orders: ChannelOrders
    bias_memory: NDArray[np.uint32]


def plan_operations(
    graph: LayerGraph, schedule: Schedule, accelerator: AcceleratorConfig, options: Options
) -> Plan:
    """Decisions for all operations.

    Raises NetworkError, with the layer's name, if biases or weights do not fit.
    """
    operations, layouts = schedule.operations, schedule.layouts
    orders = ChannelOrders({name: layout.shape[0] for name, layout in layouts.items()})
    if accelerator.kind == "list":
        weights = _lists(graph, schedule, accelerator, options, orders)
    else:
        weights = _runs(operations, layouts, accelerator, options, orders)
    placements = place_weights(weights, weight_capacity(accelerator))
    entries = [
        stored.division.spread(bias_entries(operation, stored.order, accelerator))
        for operation, stored in zip(operations, weights, strict=True)
    ]
    bases, bias_memory = place_biases(entries)
    for operation, base, own in zip(operations, bases, entries, strict=True):
        if base + len(own) > accelerator.bias_entries:
            raise operation.layer.error(
                f"biases up to this layer must fit {accelerator.bias_entries} entries, "
                f"they need {base + len(own)}"
            )
    planned = {
        id(operation): Planned(operation, stored, placement, base)
        for operation, stored, placement, base in zip(
            operations, weights, placements, bases, strict=True
        )
    }
    return Plan(planned, orders, bias_memory)


def _lists(
    graph: LayerGraph,
    schedule: Schedule,
    accelerator: AcceleratorConfig,
    options: Options,
    orders: ChannelOrders,
) -> list[LayerWeights]:
    distances = schedule.distances(accelerator.lanes)
    actives = [_active(graph, operation, options.activity) for operation in schedule.operations]
    divisions = _divisions(schedule, accelerator, options, actives)
    weights: list[LayerWeights] = []
    for operation, active, division in zip(schedule.operations, actives, divisions, strict=True):
        stored = ListWeights.of(
            operation,
            accelerator,
            schedule.layouts[operation.sources[0]],
            channel_orders=[orders[name] for name in operation.sources],
            distance=distances[id(operation)],
            division=division,
            balance=options.balance,
            active=active,
        )
        orders.write(operation, stored.order)
        weights.append(stored)
    return weights


def _divisions(
    schedule: Schedule,
    accelerator: AcceleratorConfig,
    options: Options,
    actives: Sequence[NDArray[np.float64] | None],
) -> tuple[Division, ...]:
    """How each operation is divided into lists, in order."""

    def costs_of(index: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        operation, active = schedule.operations[index], actives[index]
        held = (operation.weights != 0).reshape(operation.outputs, -1)
        nonzero = held.sum(axis=1)
        density = np.full(len(nonzero), ASSUMED_ACTIVATION_DENSITY)
        if active is not None and operation.groups == 1:
            density = (held @ active.reshape(-1)) / np.maximum(1, nonzero)
        return list_costs(nonzero, density, accelerator.lookahead)

    capacity = weight_capacity(accelerator)
    return plan_divisions(
        schedule,
        accelerator,
        capacity,
        costs_of,
        balance=options.balance,
        positions=options.positions,
    )


def _runs(
    operations: Sequence[Operation],
    layouts: Mapping[str, Layout],
    accelerator: AcceleratorConfig,
    options: Options,
    orders: ChannelOrders,
) -> list[LayerWeights]:
    def work_of(operation: Operation, channel_order: Order) -> NDArray[np.float64]:
        layout = layouts[operation.sources[0]]
        walk = plan_walk(operation, layout, layout.shape[0], accelerator)
        stored = operation.weights[:, list(channel_order)]
        return expected_work(compress(walked(stored, walk)))

    balanced = BalancedOrders(operations, accelerator.units, work_of)
    groups = options.groups and accelerator.kind == "bitmap"
    balance = options.balance and accelerator.kind == "bitmap" and not groups
    weights: list[LayerWeights] = []
    for index, operation in enumerate(operations):
        order = balanced.order(index, orders) if balance else tuple(range(operation.outputs))
        weights.append(
            RunWeights.of(
                operation,
                accelerator,
                layouts[operation.sources[0]],
                channel_order=orders[operation.sources[0]],
                order=order,
                groups=groups,
            )
        )
        orders.write(operation, order)
    return weights


def weight_capacity(accelerator: AcceleratorConfig) -> Room:
    """Each unit's weight memories."""
    if accelerator.kind == "list":
        return Room(accelerator.list_words)
    sections = accelerator.bitmap_words if accelerator.kind == "bitmap" else 0
    return Room(accelerator.weight_words, sections)


def _active(
    graph: LayerGraph,
    operation: Operation,
    activity: Mapping[str, NDArray[np.float64]] | None,
) -> NDArray[np.float64] | None:
    """Activity under each weight of a layer with weights, if it is known."""
    name = operation.sources[0]
    if activity is None or name not in activity or not isinstance(operation.layer, Compute):
        return None
    if activity[name].shape != graph.shapes[name]:
        raise NetworkError(
            f"activity of '{name}' must have shape {graph.shapes[name]}, not {activity[name].shape}"
        )
    return window_activity(operation.layer, activity[name])

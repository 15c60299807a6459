"""Offline decisions about each accelerator layer: filter order, weight places, biases, widths."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hdl.config import AcceleratorConfig
from networks.errors import NetworkError
from networks.graph import LayerGraph
from networks.layers import Compute
from networks.schedule.activations import Work
from networks.schedule.geometry import checked_accumulator_bits, merges_rows
from networks.schedule.list_weights import ListWeights
from networks.schedule.residency import LayerPlacement, place_weights
from networks.schedule.run_weights import RunWeights
from networks.schedule.weights import LayerWeights, Room


@dataclass(frozen=True, eq=False)
class Planned:
    """One accelerator layer with all that is decided before addresses of tensors."""

    work: Work
    weights: LayerWeights
    placement: LayerPlacement
    bias_base: int
    accumulator_bits: int

    @property
    def channel_order(self) -> tuple[int, ...] | None:
        """Stored order of the result's channels, None if natural."""
        order = self.weights.order
        return None if order == tuple(range(len(order))) else order

    @property
    def biases(self) -> NDArray[np.int64]:
        """One value an output in stored order."""
        bias = self.work.layer.bias
        if bias is None:
            return np.zeros(len(self.weights.order), dtype=np.int64)
        return bias[list(self.weights.order)].astype(np.int64)


def plan_layers(
    graph: LayerGraph,
    indices: Sequence[int],
    accelerator: AcceleratorConfig,
    *,
    balance: bool,
    activity: Mapping[str, NDArray[np.float64]] | None = None,
) -> Mapping[int, Planned]:
    """Decisions for the layers at `indices` of `graph.layers[1:]`, by index.

    `activity` is that of results by their layers' names (`networks.activity`). Raises NetworkError,
    with the layer's name, if biases, weights or accumulators do not fit.
    """
    orders: dict[str, tuple[int, ...]] = {}
    works: list[Work] = []
    weights: list[LayerWeights] = []
    bits: list[int] = []
    for index in indices:
        layer = graph.layers[1 + index]
        assert isinstance(layer, Compute)
        shape = graph.input_shape(layer)
        works.append(Work(index, layer, shape, graph.shapes[layer.name]))
        bits.append(checked_accumulator_bits(layer, graph.range_of(layer.inputs[0]), accelerator))
        channel_order = orders.get(layer.inputs[0])
        stored: LayerWeights
        if accelerator.kind == "list":
            stored = ListWeights.of(
                layer,
                accelerator,
                shape,
                channel_order=channel_order,
                balance=balance,
                activity=_activity(graph, layer, activity),
            )
        else:
            stored = RunWeights.of(
                layer,
                accelerator,
                channel_order=channel_order,
                merge_rows=merges_rows(layer, shape),
                balance=balance,
            )
        weights.append(stored)
        orders[layer.name] = stored.order
    placements = place_weights(weights, _capacity(accelerator))
    planned: dict[int, Planned] = {}
    bias_base = 0
    for work, stored, placement, width in zip(works, weights, placements, bits, strict=True):
        planned[work.index] = Planned(work, stored, placement, bias_base, width)
        bias_base += work.layer.outputs
        if bias_base > accelerator.bias_entries:
            raise work.layer.error(
                f"biases up to this layer must fit {accelerator.bias_entries} entries, "
                f"they need {bias_base}"
            )
    return planned


def _capacity(accelerator: AcceleratorConfig) -> Room:
    """Each unit's weight memories."""
    if accelerator.kind == "list":
        return Room(accelerator.list_words)
    sections = accelerator.bitmap_words if accelerator.kind == "bitmap" else 0
    return Room(accelerator.weight_words, sections)


def _activity(
    graph: LayerGraph, layer: Compute, activity: Mapping[str, NDArray[np.float64]] | None
) -> NDArray[np.float64] | None:
    """Activity of the layer's input, if it is known."""
    name = graph.producer(layer).name
    if activity is None or name not in activity:
        return None
    if activity[name].shape != graph.shapes[name]:
        raise NetworkError(
            f"activity of '{name}' must have shape {graph.shapes[name]}, not {activity[name].shape}"
        )
    return activity[name]

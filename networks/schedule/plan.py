"""Offline decisions about each accelerator layer: filter order, weight places, biases, widths."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hdl.config import AcceleratorConfig
from networks.graph import LayerGraph
from networks.layers import Compute
from networks.schedule.activations import Work
from networks.schedule.geometry import checked_accumulator_bits, merges_rows
from networks.schedule.residency import LayerPlacement, place_weights
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
) -> Mapping[int, Planned]:
    """Decisions for the layers at `indices` of `graph.layers[1:]`, by index.

    Raises NetworkError, with the layer's name, if biases, weights or accumulators do not fit.
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
        stored = LayerWeights.of(
            layer,
            accelerator,
            channel_order=orders.get(layer.inputs[0]),
            merge_rows=merges_rows(layer, shape),
            balance=balance,
        )
        weights.append(stored)
        orders[layer.name] = stored.order
    placements = place_weights(
        weights,
        Room(
            accelerator.weight_words,
            accelerator.bitmap_words if accelerator.kind == "bitmap" else 0,
        ),
    )
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

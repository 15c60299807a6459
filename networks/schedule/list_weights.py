"""Weights as lists of non-zero values with window offsets (`list`)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hdl.config import AcceleratorConfig
from hdl.lists import ListLayout
from hdl.packets import Destination
from networks.activity import window_activity
from networks.layers import Compute, Shape
from networks.schedule.balance import ASSUMED_ACTIVATION_DENSITY, assign
from networks.schedule.weights import LayerWeights, Load, Room, Tile
from networks.weight_lists import FilterList, encode_list, list_filter


@dataclass(frozen=True, eq=False)
class ListWeights(LayerWeights):
    """Filters as list words, in stored order; the words of a `Room` are list words.

    A tile's room is the length of its list: all units' lists are padded to the longest.
    """

    layout: ListLayout
    filters: tuple[FilterList, ...]

    @classmethod
    def of(
        cls,
        layer: Compute,
        accelerator: AcceleratorConfig,
        input_shape: Shape,
        *,
        channel_order: tuple[int, ...] | None,
        balance: bool,
        activity: NDArray[np.float64] | None,
    ) -> "ListWeights":
        """Lists of `layer`; `channel_order` is the stored order of its input channels.

        `activity` is that of its input (`networks.activity`), None if it is not known. Raises
        NetworkError if a window does not fit the activation memory.
        """
        layout = ListLayout.of(accelerator)
        offsets = _offsets(layer, input_shape, channel_order)
        span = int(offsets.max()) + 1
        if span > accelerator.activation_elements:
            raise layer.error(
                f"window must span at most {accelerator.activation_elements} elements of "
                f"activation memory, not {span}"
            )
        active = None if activity is None else window_activity(layer, activity)
        filters = []
        for index, weights in enumerate(layer.weights):
            group = index // (layer.outputs // layer.groups)
            own = slice(group * len(weights), (group + 1) * len(weights))
            filters.append(
                list_filter(
                    offsets[own].reshape(-1),
                    weights.reshape(-1).astype(np.int64),
                    layout.lookahead,
                    None if active is None else active[own].reshape(-1),
                )
            )
        order = list(range(layer.outputs))
        if balance:
            order = assign(_work(filters, layer, offsets, active), accelerator.units)
        stored = tuple(filters[index] for index in order)
        return cls(layer, accelerator.units, tuple(order), layout, stored)

    @property
    def lengths(self) -> NDArray[np.int64]:
        """List words of each filter."""
        return np.array([item.words for item in self.filters], dtype=np.int64)

    def loads(self, tile: Tile, start: Room, unit: int) -> list[Load]:
        """The unit's list, padded to the tile's length."""
        filters = self.filters[tile.first + unit : tile.last : self.units]
        words = encode_list(filters, tile.room.words, self.layout)
        return [Load(Destination.LISTS, start.words, words, self.layout.stream_words)]

    def addresses(self, start: Room) -> dict[str, int]:
        """First list word."""
        return {"values": start.words, "bitmaps": 0}


def _offsets(
    layer: Compute, input_shape: Shape, channel_order: tuple[int, ...] | None
) -> NDArray[np.int64]:
    """Elements from a window's first to each weight's, `(channels, kernel height, width)`."""
    channels, _, width = input_shape
    _, _, kernel_rows, kernel_columns = layer.weights.shape
    stored = np.arange(channels)
    if channel_order is not None:
        stored[list(channel_order)] = np.arange(channels)
    rows = np.arange(kernel_rows)[:, None] * layer.dilations[0] * width
    columns = np.arange(kernel_columns) * layer.dilations[1]
    return (rows + columns) * channels + stored[:, None, None]


def _work(
    filters: Sequence[FilterList],
    layer: Compute,
    offsets: NDArray[np.int64],
    active: NDArray[np.float64] | None,
) -> NDArray[np.float64]:
    """Cycles of each filter and window that its fetch and its multiplier take, `(filters, 2)`.

    A list word takes a cycle to fetch, a useful pair one to multiply, the end of a filter at least
    one. With a look-ahead of 1 nothing is dropped, so the two are the same.
    """
    density = np.full(int(offsets.max()) + 1, ASSUMED_ACTIVATION_DENSITY)
    if active is not None:
        density[offsets.reshape(-1)] = active.reshape(-1)
    work = np.empty((len(filters), 2))
    for index, item in enumerate(filters):
        useful = np.where(item.values != 0, density[item.offsets], 0.0)
        idle_end = float(np.prod(1.0 - useful[-1]))
        multiply = float(useful.sum()) + idle_end
        work[index] = item.words, item.words if item.values.shape[1] == 1 else multiply
    return work

"""Weights as lists of non-zero values with window offsets (`list`)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hdl.config import AcceleratorConfig
from hdl.lists import MIN_LIST_WORDS, ListLayout
from hdl.packets import Destination
from networks.schedule.balance import ASSUMED_ACTIVATION_DENSITY
from networks.schedule.division import WHOLE, Division, stored_order
from networks.schedule.layout import Layout
from networks.schedule.operation import Operation
from networks.schedule.weights import LayerWeights, Load, Part, Room, Tile
from networks.weight_lists import FilterList, encode_list, list_filter, split_list


@dataclass(frozen=True, eq=False)
class ListWeights(LayerWeights):
    """Filters as list words, in stored order, as they are divided; a `Room` counts list words.

    With a look-ahead of 1 all units' lists are as long as the longest.
    """

    layout: ListLayout
    filters: tuple[FilterList, ...]

    @classmethod
    def of(
        cls,
        operation: Operation,
        accelerator: AcceleratorConfig,
        layout: Layout,
        *,
        channel_orders: Sequence[Sequence[int]],
        distance: int = 0,
        division: Division = WHOLE,
        balance: bool = True,
        active: NDArray[np.float64] | None = None,
    ) -> "ListWeights":
        """Lists of `operation`.

        `layout` is a source's, `channel_orders` has the stored order of each source's channels,
        `distance` is that from the first source to the second. `active` is the share of windows in
        which the input under each weight is not zero, `(channels, kernel rows, columns)`, None if
        that is not known.
        """
        list_layout = ListLayout.of(accelerator)
        offsets = _offsets(operation, layout, channel_orders, distance)
        offsets %= accelerator.activation_elements
        filters, work = [], []
        for index, weights in enumerate(operation.weights):
            group = index // (operation.outputs // operation.groups)
            own = slice(group * len(weights), (group + 1) * len(weights))
            shares = None if active is None else active[own].reshape(-1)
            item = list_filter(
                offsets[own].reshape(-1), weights.reshape(-1), list_layout.lookahead, shares
            )
            filters.append(item)
            work.append(_work(item, offsets[own].reshape(-1), shares))
        order = stored_order(np.array(work), accelerator.units, division, balance=balance)
        step = operation.strides[1] * operation.pool.strides[1] * layout.pixel_elements
        copies = [
            _moved(part, position * step, accelerator.activation_elements)
            for position in range(division.positions)
            for index in order
            for part in split_list(filters[index], division.parts)
        ]
        return cls(
            operation,
            accelerator.units,
            (Part(0, len(copies)),),
            tuple(order),
            list_layout,
            tuple(copies),
            division=division,
        )

    @property
    def lengths(self) -> NDArray[np.int64]:
        """List words of each filter."""
        return np.array([item.words for item in self.filters], dtype=np.int64)

    @property
    def least_words(self) -> int:
        """Words of the shortest list."""
        return MIN_LIST_WORDS

    def loads(self, tile: Tile, start: Room, unit: int) -> list[Load]:
        """The unit's list; nothing for a unit without filters."""
        filters = self.filters[tile.first + unit : tile.last : self.units]
        if not filters:
            return []
        length = max(MIN_LIST_WORDS, sum(item.words for item in filters))
        if self.layout.lookahead == 1:
            length = tile.room.words
        words = encode_list(filters, length, self.layout)
        return [Load(Destination.LISTS, start.words, words, self.layout.stream_words)]

    def addresses(self, start: Room) -> dict[str, int]:
        """First list word."""
        return {"values": start.words, "bitmaps": 0}


def _moved(item: FilterList, elements: int, activation_elements: int) -> FilterList:
    """The same filter for a window that many elements further."""
    if elements == 0:
        return item
    moved = np.where(item.values != 0, item.offsets + elements, 0)
    return FilterList(moved % activation_elements, item.values)


def _offsets(
    operation: Operation, layout: Layout, channel_orders: Sequence[Sequence[int]], distance: int
) -> NDArray[np.int64]:
    """Elements from a window's first to each weight's, `(channels, kernel rows, columns)`."""
    _, _, rows, columns = operation.weights.shape
    places = [np.argsort(order) for order in channel_orders]
    row_elements = distance if operation.joins else operation.dilations[0] * layout.row_elements
    channels = np.stack(places if operation.joins else places * rows, axis=1)
    column_elements = operation.dilations[1] * layout.pixel_elements
    return (
        channels[:, :, None]
        + np.arange(rows)[:, None] * row_elements
        + np.arange(columns) * column_elements
    )


def _work(
    item: FilterList, offsets: NDArray[np.int64], active: NDArray[np.float64] | None
) -> float:
    """Expected cycles of a filter and window.

    A list word costs a cycle for each of its useful pairs, but at least one; with a look-ahead of 1
    it costs one.
    """
    useful = np.where(item.values != 0, ASSUMED_ACTIVATION_DENSITY, 0.0)
    if active is not None:
        ascending = np.argsort(offsets)
        found = np.searchsorted(offsets[ascending], item.offsets) % len(offsets)
        useful = np.where(item.values != 0, active[ascending[found]], 0.0)
    idle = np.prod(1.0 - useful, axis=1)
    return float((useful.sum(axis=1) + idle).sum())

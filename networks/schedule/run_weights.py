"""Weights as runs of elements: compressed with bitmaps (`bitmap`) or all of them (`dense`)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hdl.config import AcceleratorConfig
from hdl.packets import Destination
from networks.compress import CompressedWeights, compress
from networks.schedule.layout import Layout
from networks.schedule.operation import Operation
from networks.schedule.walk import plan_walk, step_limit, walked
from networks.schedule.weights import LayerWeights, Load, Part, Room, Tile
from networks.words import pack_words


@dataclass(frozen=True, eq=False)
class RunWeights(LayerWeights):
    """Filters as steps of their part's walk; `steps` is `(filters, steps, elements)` of each part,
    in stored order.

    `compressed` has the same for each part; it is empty on `dense`, which keeps all of `steps`.
    """

    bits: int
    steps: tuple[NDArray, ...]
    compressed: tuple[CompressedWeights, ...]

    @classmethod
    def of(
        cls,
        operation: Operation,
        accelerator: AcceleratorConfig,
        layout: Layout,
        *,
        channel_order: tuple[int, ...],
        order: tuple[int, ...],
        groups: bool = False,
    ) -> "RunWeights":
        """Weights of `operation`.

        `layout` is a source's, `channel_order` the stored order of its channels, `order` that of
        the results. With `groups` the units wait for each other behind each of their filters: in
        step if there is one window, else in a job for each group of filters.
        """
        in_step = groups and operation.single_window
        parts, steps = [], []
        for part, weights in _blocks(operation, accelerator, channel_order, order):
            walk = plan_walk(operation, layout, weights.shape[1], accelerator)
            filters = walked(weights, walk)
            size = accelerator.units if groups and not in_step else len(filters)
            for first in range(0, len(filters), size):
                own = filters[first : first + size]
                start = part.first + first
                parts.append(Part(start, start + len(own), part.first_channel, walk))
                steps.append(own)
        bitmaps = accelerator.kind == "bitmap"
        compressed = tuple(compress(item) for item in steps if bitmaps)
        return cls(
            operation,
            accelerator.units,
            tuple(parts),
            order,
            accelerator.bits,
            tuple(steps),
            compressed,
            in_step=in_step,
        )

    @property
    def word_values(self) -> int:
        """Values in a 32-bit word."""
        return 32 // self.bits

    def sections(self, part: Part) -> int:
        """Bitmap sections of each filter of a part; 0 on `dense`."""
        return part.walk.positions if self.compressed and part.walk else 0

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Values kept of each filter."""
        if self.compressed:
            return np.concatenate([item.counts for item in self.compressed])
        counts = [np.full(len(item), item[0].size, dtype=np.int64) for item in self.steps]
        return np.concatenate(counts)

    def loads(self, tile: Tile, start: Room, unit: int) -> list[Load]:
        """Bitmaps, then values."""
        values = pack_words(self.unit_values(tile, unit), self.bits)
        return [
            Load(Destination.BITMAPS, start.sections, self.unit_bitmaps(tile, unit)),
            Load(Destination.VALUES, start.words, values),
        ]

    def addresses(self, start: Room) -> dict[str, int]:
        """First value and first section."""
        return {"values": start.words * self.word_values, "bitmaps": start.sections}

    def unit_values(self, tile: Tile, unit: int) -> NDArray:
        """Values that `unit` holds of a tile, filter after filter."""
        index, filters = self._held(tile, unit)
        if not self.compressed:
            return self.steps[index][filters].reshape(-1)
        compressed = self.compressed[index]
        parts = [compressed.filter_values(item) for item in filters]
        return np.concatenate(parts) if parts else compressed.values[:0]

    def unit_bitmaps(self, tile: Tile, unit: int) -> NDArray[np.uint32]:
        """Bitmap sections that `unit` holds of a tile, filter after filter; none on `dense`."""
        index, filters = self._held(tile, unit)
        if not self.compressed:
            return np.zeros(0, dtype=np.uint32)
        return self.compressed[index].bitmaps[filters].reshape(-1)

    def _held(self, tile: Tile, unit: int) -> tuple[int, list[int]]:
        """The tile's part, and the filters of it that the unit holds."""
        for index, part in enumerate(self.parts):
            if part.first <= tile.first < part.last:
                held = range(tile.first - part.first + unit, tile.last - part.first, self.units)
                return index, list(held)
        raise AssertionError("a tile must lie in a part")


def _blocks(
    operation: Operation,
    accelerator: AcceleratorConfig,
    channel_order: tuple[int, ...],
    order: tuple[int, ...],
) -> list[tuple[Part, NDArray]]:
    """Parts with weights `(filters, channels, rows, columns)`, filters and channels as stored.

    Groups have a part each, or a few neighbours one together: then a filter has zero weights for
    the channels of the others.
    """
    weights = operation.weights[list(order)]
    if operation.groups == 1:
        return [(Part(0, len(weights)), weights[:, list(channel_order)])]
    channels = weights.shape[1]
    filters = len(weights) // operation.groups
    size = joined_groups(operation, accelerator)
    blocks = []
    for first in range(0, operation.groups, size):
        groups = min(size, operation.groups - first)
        own = weights[first * filters : (first + groups) * filters]
        block = np.zeros((len(own), groups * channels, *own.shape[2:]), dtype=weights.dtype)
        for group in range(groups):
            rows = slice(group * filters, (group + 1) * filters)
            block[rows, group * channels : (group + 1) * channels] = own[rows]
        part = Part(first * filters, first * filters + len(own), first * channels)
        blocks.append((part, block))
    return blocks


def joined_groups(operation: Operation, accelerator: AcceleratorConfig) -> int:
    """Neighbouring groups that one job computes together."""
    _, channels, _, columns = operation.weights.shape
    most = max(1, step_limit(accelerator) // channels)
    if accelerator.kind == "dense" and channels * columns == 1:
        most = max(1, accelerator.units // (operation.outputs // operation.groups))
    return -(-operation.groups // -(-operation.groups // most))

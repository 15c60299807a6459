"""Weights in stored order: what each unit holds, and tiles of filters that fit its memories."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hdl.config import AcceleratorConfig
from networks.compress import CompressedWeights, compress, weight_runs
from networks.layers import Compute
from networks.schedule.balance import assign, expected_work


@dataclass(frozen=True)
class Room:
    """Space in each unit's weight memories: words of values, sections of bitmaps."""

    words: int
    sections: int

    def __add__(self, other: "Room") -> "Room":
        return Room(self.words + other.words, self.sections + other.sections)

    def __sub__(self, other: "Room") -> "Room":
        return Room(self.words - other.words, self.sections - other.sections)

    def holds(self, other: "Room") -> bool:
        """Whether `other` fits."""
        return other.words <= self.words and other.sections <= self.sections

    def __str__(self) -> str:
        return f"{self.words} value words and {self.sections} bitmap sections"


@dataclass(frozen=True)
class Tile:
    """Stored positions `first` to `last` (exclusive); `room` is what the fullest unit needs."""

    first: int
    last: int
    room: Room


@dataclass(frozen=True, eq=False)
class LayerWeights:
    """One layer's weights, filters and input channels in stored order.

    Unit `u` of `units` holds filters `u`, `u + units`, ... `order[stored]` is the true filter at a
    stored position. `runs` is `(filters, rows, elements)`; `compressed` is None on `dense`, which
    keeps all of `runs`. `sections` counts the bitmap sections of a filter.
    """

    layer: Compute
    units: int
    lanes: int
    order: tuple[int, ...]
    runs: NDArray
    compressed: CompressedWeights | None

    @classmethod
    def of(
        cls,
        layer: Compute,
        accelerator: AcceleratorConfig,
        *,
        channel_order: tuple[int, ...] | None,
        merge_rows: bool,
        balance: bool,
    ) -> "LayerWeights":
        """Weights of `layer`; `channel_order` is the stored order of its input channels."""
        weights = layer.weights
        if channel_order is not None:
            weights = weights[:, list(channel_order)]
        runs = weight_runs(weights, merge_rows=merge_rows)
        units, lanes = accelerator.units, accelerator.lanes
        order = list(range(layer.outputs))
        if accelerator.kind == "dense":
            return cls(layer, units, lanes, tuple(order), runs, None)
        if balance:
            order = assign(expected_work(compress(runs)), units)
            runs = runs[order]
        return cls(layer, units, lanes, tuple(order), runs, compress(runs))

    @property
    def sections(self) -> int:
        """Bitmap sections of a filter; 0 on `dense`."""
        return 0 if self.compressed is None else self.compressed.bitmaps.shape[1]

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Values kept of each filter."""
        if self.compressed is not None:
            return self.compressed.counts
        return np.full(len(self.runs), self.runs[0].size, dtype=np.int64)

    @property
    def largest_filter(self) -> Room:
        """Space that the longest single filter needs."""
        return Room(-(-int(self.lengths.max()) // self.lanes), self.sections)

    def tiles(self, room: Room | None = None) -> tuple[Tile, ...] | None:
        """The fewest tiles of at most `room` each; one tile without `room`.

        None if already one filter a unit is too much. All but the last hold a multiple of `units`
        filters.
        """
        count = len(self.order)
        ranks = -(-count // self.units)
        lengths = np.zeros(ranks * self.units, dtype=np.int64)
        lengths[:count] = self.lengths
        ends = np.zeros((self.units, ranks + 1), dtype=np.int64)
        np.cumsum(lengths.reshape(ranks, self.units).T, axis=1, out=ends[:, 1:])
        tiles: list[Tile] = []
        rank = 0
        while rank < ranks:
            last = ranks if room is None else self._last_rank(ends, rank, room)
            if last == rank:
                return None
            values = int((ends[:, last] - ends[:, rank]).max())
            needed = Room(-(-values // self.lanes), (last - rank) * self.sections)
            tiles.append(Tile(rank * self.units, min(last * self.units, count), needed))
            rank = last
        return tuple(tiles)

    def _last_rank(self, ends: NDArray[np.int64], rank: int, room: Room) -> int:
        """The rank a tile from `rank` can reach; `ends[unit, rank]` sums the values before it."""
        limits = ends[:, rank] + room.words * self.lanes
        last = min(
            int(np.searchsorted(unit_ends, limit, side="right")) - 1
            for unit_ends, limit in zip(ends, limits, strict=True)
        )
        return min(last, rank + room.sections // self.sections) if self.sections else last

    def unit_values(self, tile: Tile, unit: int) -> NDArray:
        """Values that `unit` holds of a tile, filter after filter."""
        filters = range(tile.first + unit, tile.last, self.units)
        if self.compressed is None:
            return self.runs[list(filters)].reshape(-1)
        parts = [self.compressed.filter_values(index) for index in filters]
        return np.concatenate(parts) if parts else self.compressed.values[:0]

    def unit_bitmaps(self, tile: Tile, unit: int) -> NDArray[np.uint32]:
        """Bitmap sections that `unit` holds of a tile, filter after filter; none on `dense`."""
        if self.compressed is None:
            return np.zeros(0, dtype=np.uint32)
        return self.compressed.bitmaps[tile.first + unit : tile.last : self.units].reshape(-1)

"""Weights in stored order: what each unit holds, and tiles of filters that fit its memories."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hdl.packets import Destination
from networks.layers import Compute


@dataclass(frozen=True)
class Room:
    """Space in each unit's weight memories: words of values (or list words), bitmap sections."""

    words: int
    sections: int = 0

    def __add__(self, other: "Room") -> "Room":
        return Room(self.words + other.words, self.sections + other.sections)

    def __sub__(self, other: "Room") -> "Room":
        return Room(self.words - other.words, self.sections - other.sections)

    def holds(self, other: "Room") -> bool:
        """Whether `other` fits."""
        return other.words <= self.words and other.sections <= self.sections

    def __str__(self) -> str:
        return f"{self.words} words" + (f" and {self.sections} sections" if self.sections else "")


@dataclass(frozen=True)
class Tile:
    """Stored positions `first` to `last` (exclusive); `room` is what the fullest unit needs."""

    first: int
    last: int
    room: Room


@dataclass(frozen=True)
class Load:
    """Words for one memory of a unit: stream words, `entry_words` of them an entry of it."""

    destination: Destination
    address: int
    payload: NDArray[np.uint32]
    entry_words: int = 1


@dataclass(frozen=True, eq=False)
class LayerWeights(ABC):
    """One layer's weights, filters and input channels in stored order.

    Unit `u` of `units` holds filters `u`, `u + units`, ... `order[stored]` is the true filter at a
    stored position.
    """

    layer: Compute
    units: int
    order: tuple[int, ...]

    @property
    @abstractmethod
    def lengths(self) -> NDArray[np.int64]:
        """Values, or list words, that each filter takes."""

    @property
    def word_values(self) -> int:
        """Of what `lengths` counts, how many fill a word of `Room.words`."""
        return 1

    @property
    def sections(self) -> int:
        """Bitmap sections of a filter; 0 without bitmaps."""
        return 0

    @abstractmethod
    def loads(self, tile: Tile, start: Room, unit: int) -> list[Load]:
        """What `unit` is sent of a tile that is placed at `start`."""

    @abstractmethod
    def addresses(self, start: Room) -> dict[str, int]:
        """Fields of JOB_WEIGHTS for a tile placed at `start`."""

    @property
    def largest_filter(self) -> Room:
        """Space that the longest single filter needs."""
        return Room(-(-int(self.lengths.max()) // self.word_values), self.sections)

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
            needed = Room(-(-values // self.word_values), (last - rank) * self.sections)
            tiles.append(Tile(rank * self.units, min(last * self.units, count), needed))
            rank = last
        return tuple(tiles)

    def _last_rank(self, ends: NDArray[np.int64], rank: int, room: Room) -> int:
        """The rank a tile from `rank` can reach; `ends[unit, rank]` sums the values before it."""
        limits = ends[:, rank] + room.words * self.word_values
        last = min(
            int(np.searchsorted(unit_ends, limit, side="right")) - 1
            for unit_ends, limit in zip(ends, limits, strict=True)
        )
        return min(last, rank + room.sections // self.sections) if self.sections else last

"""Weights in stored order: what each unit holds, and tiles of filters that fit its memories."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hdl.packets import Destination
from networks.schedule.division import WHOLE, Division
from networks.schedule.operation import Operation
from networks.schedule.walk import Walk


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
class Part:
    """Stored positions `first` to `last` (exclusive) of filters that one job can compute.

    They read the stored channels from `first_channel` on, as `walk` says (None: a list does).
    """

    first: int
    last: int
    first_channel: int = 0
    walk: Walk | None = None


@dataclass(frozen=True)
class Tile(Part):
    """The filters of one job; `room` is what the fullest unit needs."""

    room: Room = Room(0)


@dataclass(frozen=True)
class Load:
    """Words for one memory of a unit: stream words, `entry_words` of them an entry of it."""

    destination: Destination
    address: int
    payload: NDArray[np.uint32]
    entry_words: int = 1


@dataclass(frozen=True, eq=False)
class StoredFilters(ABC):
    """What one operation's filters take in the weight memories, in stored order.

    Unit `u` of `units` holds filters `u`, `u + units`, ... of a tile. Where lists are copies of
    filters, or parts of them (`division`, `networks.schedule.division`), what is said of filters
    holds for lists, and `parts` and tiles count them.
    """

    operation: Operation
    units: int
    parts: tuple[Part, ...]
    division: Division = field(default=WHOLE, kw_only=True)

    @property
    @abstractmethod
    def lengths(self) -> NDArray[np.int64]:
        """Values, or list words, that each filter takes, copies included."""

    @property
    def word_values(self) -> int:
        """Of what `lengths` counts, how many fill a word of `Room.words`."""
        return 1

    def sections(self, part: Part) -> int:
        """Bitmap sections of each filter of a part; 0 without bitmaps."""
        return 0

    @property
    def least_words(self) -> int:
        """Words that a unit takes at least, whatever its filters."""
        return 0

    @property
    def largest_filter(self) -> Room:
        """Space that the longest single filter needs."""
        words = -(-int(self.lengths.max()) // self.word_values)
        return Room(max(self.least_words, words), max(self.sections(part) for part in self.parts))

    def tiles(self, room: Room | None = None) -> tuple[Tile, ...] | None:
        """The fewest tiles of at most `room` each; one tile a part without `room`.

        None if already one filter a unit is too much. All of a part but its last hold a multiple of
        `units` filters.
        """
        tiles: list[Tile] = []
        for part in self.parts:
            cut = self._cut(part, room)
            if cut is None:
                return None
            tiles += cut
        return tuple(tiles)

    def _cut(self, part: Part, room: Room | None) -> list[Tile] | None:
        count = part.last - part.first
        ranks = -(-count // self.units)
        lengths = np.zeros(ranks * self.units, dtype=np.int64)
        lengths[:count] = self.lengths[part.first : part.last]
        ends = np.zeros((self.units, ranks + 1), dtype=np.int64)
        np.cumsum(lengths.reshape(ranks, self.units).T, axis=1, out=ends[:, 1:])
        sections = self.sections(part)
        tiles: list[Tile] = []
        rank = 0
        while rank < ranks:
            last = ranks if room is None else self._last_rank(ends, rank, sections, room)
            if last == rank:
                return None
            values = int((ends[:, last] - ends[:, rank]).max())
            words = max(self.least_words, -(-values // self.word_values))
            tiles.append(
                Tile(
                    part.first + rank * self.units,
                    min(part.first + last * self.units, part.last),
                    part.first_channel,
                    part.walk,
                    Room(words, (last - rank) * sections),
                )
            )
            rank = last
        return tiles

    def _last_rank(self, ends: NDArray[np.int64], rank: int, sections: int, room: Room) -> int:
        """The rank a tile from `rank` can reach; `ends[unit, rank]` sums the values before it."""
        if room.words < self.least_words:
            return rank
        limits = ends[:, rank] + room.words * self.word_values
        last = min(
            int(np.searchsorted(unit_ends, limit, side="right")) - 1
            for unit_ends, limit in zip(ends, limits, strict=True)
        )
        return min(last, rank + room.sections // sections) if sections else last


@dataclass(frozen=True, eq=False)
class LayerWeights(StoredFilters):
    """One operation's weights, filters and input channels in stored order.

    `order[stored]` is the true filter at a stored position. With `in_step` units begin their next
    filters together.
    """

    order: tuple[int, ...]
    in_step: bool = field(default=False, kw_only=True)

    @abstractmethod
    def loads(self, tile: Tile, start: Room, unit: int) -> list[Load]:
        """What `unit` is sent of a tile that is placed at `start`."""

    @abstractmethod
    def addresses(self, start: Room) -> dict[str, int]:
        """Fields of JOB_WEIGHTS for a tile placed at `start`."""


def total_room(tiles: Sequence[Tile]) -> Room:
    """What tiles take side by side."""
    return sum((tile.room for tile in tiles), Room(0))

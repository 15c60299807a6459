"""Bus transactions: responses, bursts, and how a long transfer is cut into legal bursts."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, NamedTuple, overload

import numpy as np
from numpy.typing import NDArray

NONE = np.zeros(0, dtype=np.int64)

BOUNDARY_BYTES = 4096
"""No burst crosses a multiple of this (AMBA AXI specification, IHI 0022, A3.4.1)."""


class Response(IntEnum):
    """AXI response codes (IHI 0022, A3.4.4)."""

    OKAY = 0
    SLVERR = 2
    DECERR = 3


class Burst(NamedTuple):
    """A contiguous read or write of `length_bytes` from `address_bytes`."""

    address_bytes: int
    length_bytes: int


class Bursts(Sequence[Burst]):
    """Many bursts, as arrays of int64."""

    def __init__(
        self, address_bytes: NDArray[np.int64] = NONE, length_bytes: NDArray[np.int64] = NONE
    ) -> None:
        self.address_bytes = address_bytes
        self.length_bytes = length_bytes

    @classmethod
    def joined(cls, few: Sequence[Burst], many: "Bursts") -> "Bursts":
        """The few, then the many."""
        return cls(
            np.append([burst.address_bytes for burst in few], many.address_bytes).astype(np.int64),
            np.append([burst.length_bytes for burst in few], many.length_bytes).astype(np.int64),
        )

    def __len__(self) -> int:
        return len(self.address_bytes)

    @overload
    def __getitem__(self, place: int) -> Burst: ...

    @overload
    def __getitem__(self, place: slice) -> "Bursts": ...

    def __getitem__(self, place: int | slice) -> "Burst | Bursts":
        if isinstance(place, slice):
            return Bursts(self.address_bytes[place], self.length_bytes[place])
        return Burst(int(self.address_bytes[place]), int(self.length_bytes[place]))


@dataclass(frozen=True)
class ReadDelivery:
    """The data of a read burst and when its beats are on the bus.

    Beat `i` is valid from `first_ps + i * beat_ps`; the bus is free again at `end_ps`.
    """

    data: bytes
    response: Response
    first_ps: int
    beat_ps: int
    end_ps: int


def burst_room_bytes(address_bytes: int, beat_bytes: int, max_beats: int) -> int:
    """Most bytes of one burst from `address_bytes`, which may not cross a 4 KiB boundary."""
    room_bytes = max_beats * beat_bytes - address_bytes % beat_bytes
    return min(room_bytes, BOUNDARY_BYTES - address_bytes % BOUNDARY_BYTES)


def split_bursts(
    address_bytes: int, length_bytes: int, *, beat_bytes: int, max_beats: int
) -> Bursts:
    """Cuts a transfer into bursts of at most `max_beats` beats, none across a 4 KiB boundary."""
    end_bytes = address_bytes + length_bytes
    first_bytes = address_bytes + burst_room_bytes(address_bytes, beat_bytes, max_beats)
    step_bytes = min(max_beats * beat_bytes, BOUNDARY_BYTES)
    page_bytes = -(-first_bytes // BOUNDARY_BYTES) * BOUNDARY_BYTES
    pages = np.arange(page_bytes, end_bytes, BOUNDARY_BYTES, dtype=np.int64)
    starts = np.concatenate(
        (
            [address_bytes],
            np.arange(first_bytes, min(page_bytes, end_bytes), step_bytes),
            np.add.outer(pages, np.arange(0, BOUNDARY_BYTES, step_bytes)).reshape(-1),
        )
    )
    starts = starts[starts < end_bytes]
    return Bursts(starts, np.diff(starts, append=end_bytes))


def beats_of(burst: Burst | Bursts, beat_bytes: int) -> Any:
    """Data beats the burst takes on a bus of `beat_bytes` a beat; of many, an array."""
    first_beat = burst.address_bytes // beat_bytes
    last_beat = (burst.address_bytes + burst.length_bytes - 1) // beat_bytes
    return last_beat - first_beat + 1

"""Bus transactions: responses, bursts, and how a long transfer is cut into legal bursts."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

BOUNDARY_BYTES = 4096
"""No burst crosses a multiple of this (AMBA AXI specification, IHI 0022, A3.4.1)."""


class Response(IntEnum):
    """AXI response codes (IHI 0022, A3.4.4)."""

    OKAY = 0
    SLVERR = 2
    DECERR = 3


@dataclass(frozen=True)
class Burst:
    """A contiguous read or write of `length_bytes` from `address_bytes`."""

    address_bytes: int
    length_bytes: int


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
) -> Iterator[Burst]:
    """Cuts a transfer into bursts of at most `max_beats` beats, none across a 4 KiB boundary."""
    while length_bytes > 0:
        size_bytes = min(length_bytes, burst_room_bytes(address_bytes, beat_bytes, max_beats))
        yield Burst(address_bytes, size_bytes)
        address_bytes += size_bytes
        length_bytes -= size_bytes


def beats_of(burst: Burst, beat_bytes: int) -> int:
    """Data beats the burst takes on a bus of `beat_bytes` a beat."""
    first_beat = burst.address_bytes // beat_bytes
    last_beat = (burst.address_bytes + burst.length_bytes - 1) // beat_bytes
    return last_beat - first_beat + 1

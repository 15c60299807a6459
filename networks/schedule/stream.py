"""System memory as the compiler fills it, and the streams of packets it builds there."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from hdl.packets import MAX_PAYLOAD_WORDS, Header
from networks.program import Buffer, Segment, Transfer

ALIGNMENT_BYTES = 64
"""Segments and buffers start at multiples of this, so that no two share a cache line."""


@dataclass
class MemoryMap:
    """Allocates system memory upwards from `next_address_bytes`."""

    next_address_bytes: int
    segments: list[Segment] = field(default_factory=list)

    def allocate(self, length_bytes: int) -> int:
        """Address of `length_bytes` fresh bytes."""
        address = -(-self.next_address_bytes // ALIGNMENT_BYTES) * ALIGNMENT_BYTES
        self.next_address_bytes = address + length_bytes
        return address

    def place(self, buffer: Buffer) -> Buffer:
        """The buffer at an address of its own."""
        return replace(buffer, address_bytes=self.allocate(buffer.length_bytes))

    def constant(self, name: str, data: bytes) -> int:
        """Address of constant content; nothing is placed if there is none."""
        address = self.allocate(len(data))
        if data:
            self.segments.append(Segment(name, address, data))
        return address


class StreamBuilder:
    """Collects packets; constants become one segment, buffers are sent from their place."""

    def __init__(self) -> None:
        self._constants: list[bytes] = []
        self._pieces: list[tuple[int | None, int]] = []
        self.length_bytes = 0

    def packet(
        self, header: Header, payload: Sequence[int] | NDArray, *, entry_words: int = 1
    ) -> None:
        """Constant words for entries from `header.address` on, `entry_words` stream words each.

        As many packets as they need (none without words); `header.count` is set for each.
        """
        words = np.asarray(payload, dtype=np.int64) & 0xFFFFFFFF
        most = MAX_PAYLOAD_WORDS // entry_words * entry_words
        for first in range(0, len(words), most):
            part = words[first : first + most]
            address = header.address + first // entry_words
            self._constant([*replace(header, count=len(part), address=address).words()])
            self._constant(part)

    def repeat(self, header: Header, word: int) -> None:
        """A packet of one word that is written `header.count` times."""
        self._constant([*header.words(), word & 0xFFFFFFFF])

    def buffer(self, header: Header, transfer: Transfer) -> None:
        """A packet whose payload is read from system memory when it is sent."""
        self._constant([*replace(header, count=transfer.length_bytes // 4).words()])
        self._pieces.append((transfer.address_bytes, transfer.length_bytes))
        self.length_bytes += transfer.length_bytes

    def _constant(self, words: Sequence[int] | NDArray) -> None:
        data = np.asarray(words, dtype="<u4").tobytes()
        self._constants.append(data)
        self._pieces.append((None, len(data)))
        self.length_bytes += len(data)

    def finish(self, name: str, memory: MemoryMap) -> tuple[Transfer, ...]:
        """Places the constants as one segment and returns the chain, neighbours merged."""
        position = memory.constant(name, b"".join(self._constants))
        transfers: list[Transfer] = []
        joins = False
        for address, length in self._pieces:
            if address is None and joins:
                last = transfers.pop()
                transfers.append(Transfer(last.address_bytes, last.length_bytes + length))
            else:
                transfers.append(Transfer(position if address is None else address, length))
            joins = address is None
            position += length if address is None else 0
        return tuple(transfers)

"""System memory of a compiled program, for benches without a system around the accelerator."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from networks.program import Program, Transfer


class ProgramMemory:
    """The bytes of a program's memory, its constants in place."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._bytes = np.zeros(program.memory_bytes, dtype=np.uint8)
        for segment in program.memory:
            self.write(segment.address_bytes, segment.data)

    def write_image(self, image: NDArray) -> None:
        """Puts an image `(channels, height, width)` where the program expects it."""
        buffer = self.program.input
        self.write(buffer.address_bytes, buffer.encode(image))

    def words(self, chain: Iterable[Transfer]) -> list[int]:
        """The words that a DMA chain sends."""
        parts = [self.read(part.address_bytes, part.length_bytes) for part in chain]
        return [int(word) for word in np.frombuffer(b"".join(parts), dtype="<u4")]

    def receive(self, transfer: Transfer, words: Iterable[int]) -> None:
        """Puts result words where they belong; they must fill the transfer exactly."""
        data = np.array(list(words), dtype="<u4").tobytes()
        assert len(data) == transfer.length_bytes
        self.write(transfer.address_bytes, data)

    def result(self) -> NDArray[np.int64]:
        """The network's result `(channels, height, width)`."""
        buffer = self.program.output
        return buffer.decode(self.read(buffer.address_bytes, buffer.length_bytes))

    def read(self, address_bytes: int, length_bytes: int) -> bytes:
        """Bytes from an address."""
        return self._bytes[address_bytes : address_bytes + length_bytes].tobytes()

    def write(self, address_bytes: int, data: bytes) -> None:
        """Puts bytes at an address."""
        self._bytes[address_bytes : address_bytes + len(data)] = np.frombuffer(data, np.uint8)

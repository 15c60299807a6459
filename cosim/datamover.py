"""What both directions of the DMA's data mover share.

Words are 32 bits, little-endian; buffers start and end on word boundaries. Each direction keeps an
internal FIFO of `fifo_words` between bus and stream, so that the one may wait for the other.
"""

from collections.abc import Generator
from typing import Any

from simpy import Environment, Event

from cosim.beats import WORD_BYTES
from cosim.dma_channel import Command
from cosim.trace import Trace


class Credits:
    """Free words of a FIFO; `take` is a process that waits until enough are free."""

    def __init__(self, env: Environment, words: int) -> None:
        self.env = env
        self.free_words = words
        self._changed = env.event()

    def take(self, words: int) -> Generator[Event, Any, None]:
        """Process: waits for `words` free words and takes them."""
        while self.free_words < words:
            self._changed = self.env.event()
            yield self._changed
        self.free_words -= words

    def give(self, words: int) -> None:
        """Frees words."""
        self.free_words += words
        if not self._changed.triggered:
            self._changed.succeed()


def is_legal(command: Command) -> bool:
    """Says whether the buffer is one or more whole 32-bit words."""
    descriptor = command.descriptor
    whole_words = (descriptor.buffer_bytes | descriptor.length_bytes) % WORD_BYTES == 0
    return whole_words and descriptor.length_bytes > 0


def trace_buffer(
    trace: Trace | None, track: str, command: Command, moved_bytes: int, start_ps: int, end_ps: int
) -> None:
    """Adds the span of a buffer that has been moved."""
    if trace is not None:
        address = f"0x{command.descriptor.buffer_bytes:08x}"
        trace.span(track, f"{moved_bytes} bytes", start_ps, end_ps, address=address)

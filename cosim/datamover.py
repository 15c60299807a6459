"""What both directions of the DMA's data mover share.

Words are 32 bits, little-endian; buffers start and end on word boundaries. Each direction keeps an
internal FIFO of `fifo_words` between bus and stream, so that the one may wait for the other.
"""

from cosim.beats import WORD_BYTES
from cosim.dma_channel import Command
from cosim.trace import Trace


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

"""Scatter-gather descriptors and registers of the AXI DMA, as PG021 v7.1 lays them out.

A descriptor takes 64 bytes of memory, 64-byte aligned. Its first eight words are used (32 bits,
little-endian):

    0x00 NXTDESC   0x08 BUFFER_ADDRESS   0x18 CONTROL   0x1C STATUS   (others reserved, zero)

    CONTROL  27 start of frame, 26 end of frame, 25..0 buffer length in bytes
    STATUS   31 complete, 30 decode error, 29 slave error, 28 internal error,
             27 start of frame, 26 end of frame (both S2MM only), 25..0 bytes transferred
"""

import struct
from dataclasses import dataclass

DESCRIPTOR_BYTES = 64
DESCRIPTOR_USED_BYTES = 32
STATUS_OFFSET_BYTES = 0x1C
MAX_LENGTH_BYTES = (1 << 26) - 1

START_OF_FRAME = 1 << 27
END_OF_FRAME = 1 << 26
LENGTH_MASK = MAX_LENGTH_BYTES

COMPLETE = 1 << 31
DECODE_ERROR = 1 << 30
SLAVE_ERROR = 1 << 29
INTERNAL_ERROR = 1 << 28

# Registers of a channel; S2MM's start at S2MM_BASE.
DMACR = 0x00
DMASR = 0x04
CURDESC = 0x08
TAILDESC = 0x10
S2MM_BASE = 0x30
REGISTER_SPACE_BYTES = 0x1000

CONTROL_RUN = 1 << 0
CONTROL_RESET = 1 << 2
CONTROL_IOC_ENABLE = 1 << 12
CONTROL_ERROR_ENABLE = 1 << 14
CONTROL_THRESHOLD_LOW = 16
CONTROL_THRESHOLD_MAX = 255

STATUS_HALTED = 1 << 0
STATUS_IDLE = 1 << 1
STATUS_SG_INCLUDED = 1 << 3
STATUS_DMA_INTERNAL_ERROR = 1 << 4
STATUS_DMA_SLAVE_ERROR = 1 << 5
STATUS_DMA_DECODE_ERROR = 1 << 6
STATUS_SG_INTERNAL_ERROR = 1 << 8
STATUS_SG_SLAVE_ERROR = 1 << 9
STATUS_SG_DECODE_ERROR = 1 << 10
STATUS_IOC = 1 << 12
STATUS_ERROR = 1 << 14

ERROR_NAMES = {
    STATUS_DMA_INTERNAL_ERROR: "internal error",
    STATUS_DMA_SLAVE_ERROR: "slave error on data",
    STATUS_DMA_DECODE_ERROR: "decode error on data",
    STATUS_SG_INTERNAL_ERROR: "descriptor already complete",
    STATUS_SG_SLAVE_ERROR: "slave error on a descriptor",
    STATUS_SG_DECODE_ERROR: "decode error on a descriptor",
}

_WORDS = struct.Struct("<8I")


@dataclass(frozen=True)
class Descriptor:
    """One descriptor; `next_bytes` is the address of the following one."""

    next_bytes: int
    buffer_bytes: int
    control: int
    status: int = 0

    @property
    def length_bytes(self) -> int:
        """Size of the buffer."""
        return self.control & LENGTH_MASK

    def pack(self) -> bytes:
        """The 32 bytes in use; raises ValueError on a value that does not fit."""
        if self.next_bytes % DESCRIPTOR_BYTES:
            raise ValueError(
                f"next descriptor must be {DESCRIPTOR_BYTES}-byte aligned, "
                f"not 0x{self.next_bytes:08x}"
            )
        return _WORDS.pack(
            self.next_bytes, 0, self.buffer_bytes, 0, 0, 0, self.control, self.status
        )

    @classmethod
    def unpack(cls, data: bytes) -> "Descriptor":
        """Reads the 32 bytes in use."""
        words = _WORDS.unpack(data)
        return cls(words[0], words[2], words[6], words[7])


def error_text(status: int) -> str:
    """Names of the errors in a DMASR value."""
    return ", ".join(name for bit, name in ERROR_NAMES.items() if status & bit) or "no error"

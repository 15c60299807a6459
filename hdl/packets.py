"""Packets of the input stream: one description for the RTL, the compiler and the documents.

Everything the accelerator is given crosses its AXI4-Stream input as packets of 32-bit words, in
order, back to back: two header words, then `count` payload words.

    word 0   31        28 27  26   25     24   23       16 15                    0
            +------------+-------+------+-------+------------+-----------------------+
            | destination|   0   |repeat| fence |    unit    |           0           |
            +------------+-------+------+-------+------------+-----------------------+
    word 1   31                                       16 15                       0
            +--------------------------------------------+--------------------------+
            |             count (words) - 1              |     address (entries)    |
            +--------------------------------------------+--------------------------+

`fence` holds the packet until no job is running; `REGISTERS` packets are always held. With `repeat`
(`ACTIVATIONS` only) a single payload word follows, which is written `count` times. Elements in
a word are packed from the least significant end: with 8 bits, element `4 i + k` of a packet is in
bits `8 k + 7 .. 8 k` of payload word `i`. TLAST may be set on the last word of a packet only.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

HEADER_WORDS = 2
WORD_BYTES = 4
MAX_PAYLOAD_WORDS = 1 << 16

DESTINATION_LOW, DESTINATION_WIDTH = 28, 4
FENCE_LOW = 24
REPEAT_LOW = 25
UNIT_LOW, UNIT_WIDTH = 16, 8
COUNT_LOW, COUNT_WIDTH = 16, 16
ADDRESS_LOW, ADDRESS_WIDTH = 0, 16


class Destination(IntEnum):
    """Where payload words go; `address` counts entries of that place."""

    REGISTERS = 1
    """Job registers; address = register offset / 4."""
    ACTIVATIONS = 2
    """Activation memory, NHWC elements; address = word (element address / lanes)."""
    VALUES = 3
    """Weight values of one unit; address = 32-bit word."""
    BITMAPS = 4
    """Weight bitmap sections of one unit; address = section (`bitmap` only). One packet holds all
    sections of a job's filters in the unit, as it counts the values before each section."""
    BIASES = 5
    """Entries of as many words as the accumulator needs, a channel each; address = entry. The bias,
    least significant word first; with channel scales a word more: multiplier in bits 15 to 0, shift
    in bits 22 to 16."""
    LISTS = 6
    """Weight list of one unit; address = list word, count a multiple of its stream words (`list`
    only)."""


MULTIPLIER_LOW, MULTIPLIER_WIDTH = 0, 16
CHANNEL_SHIFT_LOW, CHANNEL_SHIFT_WIDTH = 16, 7
"""Fields of the word of channel scales, unsigned: a sum counts `multiplier / 2^shift` times."""


@dataclass(frozen=True)
class Header:
    """The two header words of a packet for `count` words."""

    destination: Destination
    count: int
    address: int = 0
    unit: int = 0
    fence: bool = False
    repeat: bool = False

    def words(self) -> tuple[int, int]:
        """Encodes the header; raises ValueError on a value that does not fit its field."""
        if not 1 <= self.count <= MAX_PAYLOAD_WORDS:
            raise ValueError(
                f"packet count must be 1 to {MAX_PAYLOAD_WORDS} words, not {self.count}"
            )
        if not 0 <= self.address < 1 << ADDRESS_WIDTH:
            raise ValueError(f"packet address must fit {ADDRESS_WIDTH} bits, not {self.address}")
        if not 0 <= self.unit < 1 << UNIT_WIDTH:
            raise ValueError(f"packet unit must fit {UNIT_WIDTH} bits, not {self.unit}")
        first = (
            (self.destination << DESTINATION_LOW)
            | (int(self.fence) << FENCE_LOW)
            | (int(self.repeat) << REPEAT_LOW)
            | (self.unit << UNIT_LOW)
        )
        return first, ((self.count - 1) << COUNT_LOW) | (self.address << ADDRESS_LOW)


def packet(header: Header, payload: Sequence[int]) -> list[int]:
    """The words of a whole packet; raises ValueError if payload and header disagree."""
    count = 1 if header.repeat else header.count
    if len(payload) != count:
        raise ValueError(f"payload must have {count} words, not {len(payload)}")
    return [*header.words(), *(word & 0xFFFFFFFF for word in payload)]

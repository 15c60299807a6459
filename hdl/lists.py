"""The word of a weight list: one description for the RTL, the compiler and the documents.

Weights are known offline, so each unit of the `list` accelerator walks a list of its non-zero
weights, `lookahead` (K) of them a word, in any order within a filter:

     msb                                                                          lsb
    +------+------+----------------+-----+----------------+-----------+-----+-----------+
    | turn | last | offset K-1     | ... | offset 0       | value K-1 | ... | value 0   |
    +------+------+----------------+-----+----------------+-----------+-----+-----------+
       1      1     element address bits each                   operand bits each

An offset is the distance in elements from the window's first element to the weight's activation. A
value of zero fills a place that is not used. `last` ends a filter. `turn` announces that the next
word but one is the list's last, early enough for the unit to go on with the list's first word
without a pause; so a list has three words at least. With a look-ahead of 1 all units walk words of
the same index in the same cycle, so their lists are padded to equal length with words of zeros;
otherwise each walks its own at its own pace.
On the stream a word is sent as whole 32-bit words, least significant first.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from hdl.config import STREAM_BITS, AcceleratorConfig

MIN_LIST_WORDS = 3
"""Words of the shortest list: its first one announces the last."""


@dataclass(frozen=True)
class ListLayout:
    """Bit positions in a list word, for one configuration."""

    lookahead: int
    value_bits: int
    offset_bits: int

    @classmethod
    def of(cls, config: AcceleratorConfig) -> "ListLayout":
        """The layout of that accelerator's lists."""
        return cls(config.lookahead, config.bits, config.element_address_bits)

    def value_low(self, slot: int) -> int:
        """Lowest bit of the value in `slot`."""
        return slot * self.value_bits

    def offset_low(self, slot: int) -> int:
        """Lowest bit of the offset in `slot`."""
        return self.lookahead * self.value_bits + slot * self.offset_bits

    @property
    def last_bit(self) -> int:
        """The bit that ends a filter."""
        return self.lookahead * (self.value_bits + self.offset_bits)

    @property
    def turn_bit(self) -> int:
        """The bit that announces the list's last word, `MIN_LIST_WORDS - 1` words ahead."""
        return self.last_bit + 1

    @property
    def width(self) -> int:
        """Bits of a list word."""
        return self.turn_bit + 1

    @property
    def marked(self) -> bool:
        """Whether hardware chooses among the weights of a word, and so marks those not zero."""
        return self.lookahead > 1

    @property
    def stored_width(self) -> int:
        """Bits of a list word in its memory: with a mark a slot above it, if there are marks."""
        return self.width + (self.lookahead if self.marked else 0)

    @property
    def stream_words(self) -> int:
        """32-bit words a list word takes on the stream."""
        return -(-self.width // STREAM_BITS)

    def encode(
        self, weights: Sequence[tuple[int, int]], *, last: bool = False, turn: bool = False
    ) -> list[int]:
        """Stream words of up to `lookahead` pairs (offset, value); raises ValueError on more."""
        if len(weights) > self.lookahead:
            limit = self.lookahead
            raise ValueError(f"list word must hold up to {limit} weights, not {len(weights)}")
        word = (last << self.last_bit) | (turn << self.turn_bit)
        for slot, (offset, value) in enumerate(weights):
            if not 0 <= offset < 1 << self.offset_bits:
                raise ValueError(f"offset must fit {self.offset_bits} bits, not {offset}")
            word |= (value & ((1 << self.value_bits) - 1)) << self.value_low(slot)
            word |= offset << self.offset_low(slot)
        return [(word >> (STREAM_BITS * i)) & 0xFFFFFFFF for i in range(self.stream_words)]

"""Which large memories an accelerator has, and how many block RAMs they take.

Block RAMs follow from the shapes of the memories and nothing else, so they are computed; synthesis
reports are what the tests hold this against (`cosim/areas`).
"""

from collections.abc import Iterable
from dataclasses import dataclass

from hdl.area import Target
from hdl.config import SECTION_BITS, STREAM_BITS, AcceleratorConfig
from hdl.lists import ListLayout

BLOCK_RAM_WORDS = {1: 16384, 2: 8192, 4: 4096, 9: 2048, 18: 1024, 36: 512}
"""Words of an 18 Kbit block RAM by their width (ECP5 and 7-series, one read and one write port)."""

DISTRIBUTED_BITS: dict[Target, int] = {"ecp5": 512, "xilinx": 2048, "ice40": 0}
"""Memories up to this size are made of look-up tables (Yosys)."""


@dataclass(frozen=True)
class MemoryShape:
    """`count` memories of `words` words of `bits` bits."""

    name: str
    words: int
    bits: int
    count: int

    def block_rams(self, target: Target) -> int:
        """18 Kbit block RAMs of all of them, each laid out in the way that takes fewest."""
        if self.words * self.bits <= DISTRIBUTED_BITS[target]:
            return 0
        each = min(
            -(-self.bits // width) * -(-self.words // depth)
            for width, depth in BLOCK_RAM_WORDS.items()
        )
        return self.count * each


def memory_shapes(config: AcceleratorConfig) -> list[MemoryShape]:
    """The memories that grow with the depths of `config`; the others are registers or small."""
    units, bits = config.units, config.bits
    word_copies = {"dense": 1, "bitmap": units, "list": units * config.lookahead}[config.kind]
    # The bits of a bias above the accumulator's are never read.
    bias_bits = config.accumulator_bits + STREAM_BITS * config.channel_scales
    layout = ListLayout.of(config)
    marked = config.kind == "list" and layout.marked
    marks_apart = marked and config.lanes == 1
    word_bits = STREAM_BITS + (config.lanes if marked and not marks_apart else 0)
    shapes = [
        MemoryShape(
            "activations", config.activation_elements // config.lanes, word_bits, word_copies
        ),
        MemoryShape("biases", config.bias_entries, bias_bits, 1),
        MemoryShape("pool", config.bias_entries, bits, 1),
    ]
    if config.kind == "list":
        if marks_apart:
            shapes.append(MemoryShape("marks", config.activation_elements, 1, word_copies))
        shapes.append(MemoryShape("lists", config.list_words, layout.stored_width, units))
        return shapes
    shapes.append(MemoryShape("weights", config.weight_words, STREAM_BITS, units))
    if config.kind == "bitmap":
        sections = config.activation_elements // SECTION_BITS
        base_bits = (config.weight_elements - 1).bit_length()
        shapes += [
            MemoryShape("bitmaps", config.bitmap_words, SECTION_BITS + base_bits, units),
            MemoryShape("activation bitmaps", sections // 2, SECTION_BITS, 2 * units),
            MemoryShape("bitmaps being made", sections, SECTION_BITS, 1),
        ]
    return shapes


def block_rams(shapes: Iterable[MemoryShape], target: Target) -> int:
    """18 Kbit block RAMs of all of them."""
    return sum(shape.block_rams(target) for shape in shapes)

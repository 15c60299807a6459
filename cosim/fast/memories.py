"""What the accelerator's memories hold, as arrays."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hdl.config import SECTION_BITS, AcceleratorConfig
from hdl.lists import ListLayout


class Memories:
    """All memories of an accelerator, zero at power-up; unsigned patterns, by unit where it has its
    own.

    `words` are the activations, `elements` a view of them one by one, `nonzero` the bitmaps kept
    beside them (`bitmap`), an entry an element. `bases` count the values before each section of
    its packet. Entries of `lists` and `biases` are rows of stream words. `kept` is what jobs have
    made of lists, and is empty after a list has changed.
    """

    def __init__(self, config: AcceleratorConfig) -> None:
        units, layout = config.units, ListLayout.of(config)
        bitmaps = config.bitmap_words if config.kind == "bitmap" else 0
        lists = config.list_words if config.kind == "list" else 0
        values = config.weight_words if config.kind != "list" else 0
        self.config = config
        self.words = np.zeros(config.activation_elements // config.lanes, dtype="<u4")
        self.elements: NDArray = self.words.view(f"<u{config.bits // 8}")
        self.nonzero = np.zeros(config.activation_elements, dtype=np.uint8)
        self.values = np.zeros((units, values), dtype="<u4")
        self.bitmaps = np.zeros((units, bitmaps), dtype=np.uint32)
        self.bases = np.zeros((units, bitmaps), dtype=np.int64)
        self.kept: dict[tuple[int, int], Any] = {}
        self.lists = np.zeros((units, lists, layout.stream_words), dtype=np.uint32)
        self.biases = np.zeros((config.bias_entries, config.bias_words), dtype=np.uint32)

    def load_activations(self, word: int, data: NDArray[np.uint32]) -> None:
        """Writes words of activations from word address `word` on, modulo the memory's size."""
        for start, part in _parts(word, data, len(self.words)):
            self.words[start : start + len(part)] = part
            lanes = self.config.lanes
            elements = slice(start * lanes, (start + len(part)) * lanes)
            self.nonzero[elements] = self.elements[elements] != 0

    def load_word(self, word: int, data: int, *, marked: bool = True) -> None:
        """Writes one word of activations; not `marked`: the bitmaps miss it."""
        lanes, bits = self.config.lanes, self.config.bits
        self.words[word] = data
        if marked:
            for lane in range(lanes):
                flag = (data >> (lane * bits)) & ((1 << bits) - 1) != 0
                self.nonzero[word * lanes + lane] = flag

    def store_result(self, address: int, value: int, *, marked: bool = True) -> None:
        """Writes one element; not `marked`: the bitmaps miss it."""
        self.elements[address] = value
        if marked:
            self.nonzero[address] = value != 0

    def store_results(self, addresses: NDArray[np.int64], values: NDArray[np.int64]) -> None:
        """Writes elements in order."""
        self.elements[addresses] = values
        self.nonzero[addresses] = values != 0

    def load_values(self, unit: int, word: int, data: NDArray[np.uint32]) -> None:
        """Writes words of a unit's weight values."""
        if self.values.size:
            for start, part in _parts(word, data, self.values.shape[1]):
                self.values[unit, start : start + len(part)] = part

    def load_bitmaps(self, unit: int, section: int, data: NDArray[np.uint32], base: int) -> int:
        """Writes sections, `base` values after the packet's first; returns what comes after."""
        counts = np.bitwise_count(data).astype(np.int64)
        after = np.cumsum(counts) + base
        if self.bitmaps.size:
            bases = after - counts
            for (start, part), (_, own) in zip(
                _parts(section, data, self.bitmaps.shape[1]),
                _parts(section, bases, self.bitmaps.shape[1]),
                strict=True,
            ):
                self.bitmaps[unit, start : start + len(part)] = part
                self.bases[unit, start : start + len(part)] = own
        return int(after[-1]) % self.config.weight_elements

    def load_lists(self, unit: int, entry: int, data: NDArray[np.uint32]) -> None:
        """Writes whole list words `(entries, stream words)`."""
        self.kept.clear()
        if self.lists.size:
            for start, part in _parts(entry, data, self.lists.shape[1]):
                self.lists[unit, start : start + len(part)] = part

    def load_biases(self, entry: int, data: NDArray[np.uint32]) -> None:
        """Writes whole entries `(entries, stream words)`."""
        for start, part in _parts(entry, data, len(self.biases)):
            self.biases[start : start + len(part)] = part

    def section_words(self) -> NDArray[np.uint32]:
        """The activation bitmaps, 32 elements a word."""
        return np.packbits(self.nonzero, bitorder="little").view("<u4")


def _parts(start: int, data: NDArray, size: int) -> list[tuple[int, NDArray]]:
    """Pieces of `data` between the ends of a memory of `size` entries, addressed modulo that."""
    pieces = []
    position = 0
    while position < len(data):
        place = (start + position) % size
        piece = data[position : position + size - place]
        pieces.append((place, piece))
        position += len(piece)
    return pieces


assert SECTION_BITS == 32, "section_words must give whole sections"

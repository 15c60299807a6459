r"""Compression of weights: bitmaps of 32-element sections and packed non-zero values.

A filter is read as runs of contiguous elements, a run being `kernel width x channels` elements with
the channel innermost. Each run is cut into as few sections of at most 32 elements as it needs, all
of one size but the last, which may be shorter:

    run (75 elements)  e0 e1 ...... e24 | e25 ..... e49 | e50 .. e74
                       \__ section 0 __/ \_ section 1 _/ \_ section 2

    section bitmap      31  ..  25   24            1   0
                       +---+---+---+---+-- ... --+---+---+
                       | 0 |   | 0 |e24|         |e1 |e0 |     bit i = 1: element i is not zero;
                       +---+---+---+---+-- ... --+---+---+     bits beyond the section are 0

Bitmaps are stored a word a section: the sections of a run, then the next run, then the next filter.
The non-zero elements themselves are stored in the same order, without gaps between sections, runs
or filters, in 32-bit words filled from the least significant end:

    8 bits     31      24 23      16 15       8 7        0
              +----------+----------+----------+----------+
    word 0    | value 3  | value 2  | value 1  | value 0  |     two's complement
              +----------+----------+----------+----------+
    word 1    | value 7  | ...                            |

The idea of bitmap sections is that of Alcolea et al., IEEE TVLSI 28(9), 2020.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SECTION_ELEMENTS = 32


@dataclass(frozen=True, eq=False)
class CompressedWeights:
    """Filters of one layer, compressed.

    `bitmaps` is `(filters, sections a filter)`; the values of filter `f` are
    `values[offsets[f]:offsets[f + 1]]`.
    """

    bitmaps: NDArray[np.uint32]
    values: NDArray
    offsets: NDArray[np.int64]

    def filter_values(self, index: int) -> NDArray:
        """The packed non-zero values of one filter."""
        return self.values[self.offsets[index] : self.offsets[index + 1]]

    @property
    def section_counts(self) -> NDArray[np.int64]:
        """Non-zero weights of each section, `(filters, sections a filter)`."""
        as_bytes = np.ascontiguousarray(self.bitmaps).view(np.uint8)
        bits = np.unpackbits(as_bytes, axis=1)
        return bits.reshape(*self.bitmaps.shape, SECTION_ELEMENTS).sum(axis=2, dtype=np.int64)

    @property
    def counts(self) -> NDArray[np.int64]:
        """Non-zero weights of each filter."""
        return np.diff(self.offsets)


def cut(runs: NDArray) -> NDArray:
    """Runs `(filters, rows, elements)` as sections `(filters, sections, elements of one)`."""
    filters, rows, elements = runs.shape
    sections = -(-elements // SECTION_ELEMENTS)
    size = -(-elements // sections)
    padded = np.pad(runs, ((0, 0), (0, 0), (0, sections * size - elements)))
    return padded.reshape(filters, rows * sections, size)


def compress(sections: NDArray) -> CompressedWeights:
    """Compresses sections `(filters, sections, elements)` of integers, at most 32 elements each."""
    filters, count, size = sections.shape
    mask = np.zeros((filters, count, SECTION_ELEMENTS), dtype=bool)
    np.not_equal(sections, 0, out=mask[:, :, :size])
    bitmaps = np.packbits(mask, axis=2, bitorder="little").view("<u4")
    counts = np.count_nonzero(mask.reshape(filters, -1), axis=1)
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    return CompressedWeights(
        bitmaps[:, :, 0].astype(np.uint32), sections[mask[:, :, :size]], offsets
    )


def decompress(compressed: CompressedWeights) -> NDArray:
    """The sections `(filters, sections, 32)`, filled up with zeros: the inverse of `compress`."""
    filters, count = compressed.bitmaps.shape
    as_bytes = np.ascontiguousarray(compressed.bitmaps.astype("<u4")).view(np.uint8)
    mask = np.unpackbits(as_bytes, axis=1, bitorder="little").astype(bool)
    sections = np.zeros((filters, count, SECTION_ELEMENTS), dtype=compressed.values.dtype)
    sections[mask.reshape(sections.shape)] = compressed.values
    return sections

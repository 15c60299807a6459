r"""Compression of weights: bitmaps of 32-element sections and packed non-zero values.

A filter is read as `rows` runs of contiguous elements, a run being `kernel width x channels`
elements with the channel innermost. Each run is cut into sections of 32 elements, the last one
possibly short:

    run                e0 e1 ...... e31 | e32 ..... e63 | e64 .. e74
                       \__ section 0 __/ \_ section 1 _/ \_ section 2 (short)

    section bitmap      31                    2   1   0
                       +---+---- ... ----+---+---+---+
                       |e31|             |e2 |e1 |e0 |     bit i = 1: element i is not zero;
                       +---+---- ... ----+---+---+---+     bits beyond the run are 0

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


def weight_runs(weights: NDArray, *, merge_rows: bool = False) -> NDArray:
    """Weights `(filters, channels, height, width)` as runs `(filters, rows, elements)`.

    Channels are innermost. `merge_rows` makes one run of all kernel rows, for a kernel as wide as
    its input, whose rows are contiguous in memory.
    """
    filters, channels, height, width = weights.shape
    rows = 1 if merge_rows else height
    return np.ascontiguousarray(weights.transpose(0, 2, 3, 1)).reshape(
        filters, rows, height * width * channels // rows
    )


def compress(runs: NDArray) -> CompressedWeights:
    """Compresses runs `(filters, rows, elements)` of integers."""
    filters, rows, elements = runs.shape
    sections = -(-elements // SECTION_ELEMENTS)
    mask = np.zeros((filters, rows, sections * SECTION_ELEMENTS), dtype=bool)
    np.not_equal(runs, 0, out=mask[:, :, :elements])
    bitmaps = np.packbits(mask, axis=2, bitorder="little").view("<u4")
    counts = np.count_nonzero(mask.reshape(filters, -1), axis=1)
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    return CompressedWeights(
        bitmaps.reshape(filters, rows * sections).astype(np.uint32), runs[runs != 0], offsets
    )


def decompress(compressed: CompressedWeights, rows: int, elements: int) -> NDArray:
    """The runs `(filters, rows, elements)`: exact inverse of `compress`."""
    filters = len(compressed.bitmaps)
    as_bytes = np.ascontiguousarray(compressed.bitmaps.astype("<u4")).view(np.uint8)
    mask = np.unpackbits(as_bytes.reshape(filters * rows, -1), axis=1, bitorder="little")
    mask = mask[:, :elements].reshape(filters, rows, elements).astype(bool)
    runs = np.zeros(mask.shape, dtype=compressed.values.dtype)
    runs[mask] = compressed.values
    return runs

"""Weight lists: the non-zero weights of each filter with their offsets, a few to a list word.

`hdl.lists` describes the bits of a word. A filter takes as many words as its non-zero weights fill,
at least one, and its last word says so. Which weights share a word is free: hardware fetches a word
a cycle but multiplies one pair of non-zero operands a cycle, so a good word has as many active
inputs as the others. A list is filled up with words of zeros in front of its last word.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hdl.config import STREAM_BITS
from hdl.lists import MIN_LIST_WORDS, ListLayout

WORD_MASK = (1 << STREAM_BITS) - 1


@dataclass(frozen=True, eq=False)
class FilterList:
    """List words of one filter, `(words, lookahead)` each.

    A place that is not used has value 0 and offset 0.
    """

    offsets: NDArray[np.int64]
    values: NDArray[np.int64]

    @property
    def words(self) -> int:
        """List words of the filter."""
        return len(self.values)


def list_words(nonzero: ArrayLike, lookahead: int) -> NDArray:
    """List words of filters with so many non-zero weights."""
    return np.maximum(1, -(-np.asarray(nonzero) // lookahead))


def list_filter(
    offsets: NDArray[np.int64],
    values: NDArray[np.int64],
    lookahead: int,
    activity: NDArray[np.float64] | None = None,
) -> FilterList:
    """Packs the non-zero `values` of one filter, and their window offsets, into list words.

    `activity` is the share of windows in which each value's input is not zero; without it weights
    are packed by ascending offset. Zero values are left out.
    """
    order = np.flatnonzero(values)
    order = order[np.argsort(offsets[order], kind="stable")]
    words = int(list_words(len(order), lookahead))
    if activity is None:
        places = np.arange(words * lookahead).reshape(words, lookahead)
    else:
        order = order[np.argsort(activity[order], kind="stable")]
        expected = np.zeros(words * lookahead)
        expected[words * lookahead - len(order) :] = activity[order]
        places = even_groups(expected, lookahead) - (words * lookahead - len(order))
    used = (places >= 0) & (places < len(order))
    filled = np.zeros((2, words, lookahead), dtype=np.int64)
    chosen = order[places[used]]
    filled[0][used] = offsets[chosen]
    filled[1][used] = values[chosen]
    return FilterList(filled[0], filled[1])


def split_list(item: FilterList, parts: int) -> list[FilterList]:
    """A filter's words dealt out to so many lists, a word at least each."""
    if item.words < parts:
        empty = np.zeros((parts - item.words, item.values.shape[1]), dtype=np.int64)
        item = FilterList(
            np.concatenate([item.offsets, empty]), np.concatenate([item.values, empty])
        )
    return [
        FilterList(item.offsets[part::parts], item.values[part::parts]) for part in range(parts)
    ]


def even_groups(expected: NDArray[np.float64], size: int) -> NDArray[np.int64]:
    """Indices `(groups, size)` of `expected`, a multiple of `size`, in groups of even sums.

    Folds the sorted numbers, smallest with largest, then the sums of those pairs, and so on; `size`
    is a power of two. One fold gives the least possible largest sum.
    """
    groups = np.arange(len(expected)).reshape(-1, 1)
    sums = expected
    for _ in range(size.bit_length() - 1):
        order = np.argsort(sums, kind="stable")
        half = len(order) // 2
        low, high = order[:half], order[half:][::-1]
        groups = np.concatenate([groups[low], groups[high]], axis=1)
        sums = sums[low] + sums[high]
    return groups


def encode_list(
    filters: Sequence[FilterList], length: int, layout: ListLayout
) -> NDArray[np.uint32]:
    """Stream words of one unit's list of `length` words: its filters in order, at least one.

    Words of zeros in front of the last one make up for what the filters lack. Raises ValueError if
    the filters are longer, the list is shorter than `MIN_LIST_WORDS`, or an offset does not fit its
    field.
    """
    words = sum(item.words for item in filters)
    if words > length:
        raise ValueError(f"filters must fit {length} list words, not {words}")
    if length < MIN_LIST_WORDS:
        raise ValueError(f"list must have {MIN_LIST_WORDS} words at least, not {length}")
    offsets = np.concatenate([item.offsets for item in filters])
    values = np.concatenate([item.values for item in filters])
    if offsets.min() < 0 or int(offsets.max()) >> layout.offset_bits:
        peak = int(offsets.max())
        raise ValueError(f"offset must fit {layout.offset_bits} bits, not {peak}")
    rows = np.zeros((words, layout.stream_words), dtype=np.int64)
    for slot in range(layout.lookahead):
        _put(rows, layout.value_low(slot), layout.value_bits, values[:, slot])
        _put(rows, layout.offset_low(slot), layout.offset_bits, offsets[:, slot])
    last = np.zeros(words, dtype=np.int64)
    last[np.cumsum([item.words for item in filters]) - 1] = 1
    _put(rows, layout.last_bit, 1, last)
    filling = np.zeros((length - words, layout.stream_words), dtype=np.int64)
    rows = np.concatenate([rows[:-1], filling, rows[-1:]])
    _put(rows[-MIN_LIST_WORDS:][:1], layout.turn_bit, 1, np.ones(1, dtype=np.int64))
    return rows.reshape(-1).astype(np.uint32)


def _put(rows: NDArray[np.int64], low: int, width: int, numbers: NDArray[np.int64]) -> None:
    """Puts numbers into a field, all zeros so far, of at most 32 bits, of rows of stream words."""
    place, shift = divmod(low, STREAM_BITS)
    field = (numbers & ((1 << width) - 1)) << shift
    rows[:, place] |= field & WORD_MASK
    if shift + width > STREAM_BITS:
        rows[:, place + 1] |= field >> STREAM_BITS & WORD_MASK


@dataclass(frozen=True, eq=False)
class DecodedList:
    """Fields of a unit's list words: `(words, lookahead)` numbers and `(words,)` end marks."""

    offsets: NDArray[np.int64]
    values: NDArray[np.int64]
    last: NDArray[np.bool_]
    turn: NDArray[np.bool_]

    def filters(self) -> list[FilterList]:
        """The filters of the list that starts at the first word, as hardware walks it.

        The next word but one behind the first with `turn` is the list's last. Raises ValueError
        unless it exists, and ends a filter.
        """
        turns = np.flatnonzero(self.turn)
        length = int(turns[0]) + MIN_LIST_WORDS if len(turns) else len(self.last) + 1
        if length > len(self.last):
            raise ValueError(
                f"turn must be set {MIN_LIST_WORDS - 1} words before a list's last word"
            )
        ends = np.flatnonzero(self.last[:length])
        if len(ends) == 0 or ends[-1] != length - 1:
            raise ValueError("a list's last word must end a filter")
        starts = [0, *(ends[:-1] + 1).tolist()]
        return [
            FilterList(self.offsets[start : end + 1], self.values[start : end + 1])
            for start, end in zip(starts, ends.tolist(), strict=False)
        ]


def decode_list(words: NDArray[np.uint32], layout: ListLayout) -> DecodedList:
    """Fields of whole list words in stream words."""
    rows = np.ascontiguousarray(words.astype("<u4")).reshape(-1, layout.stream_words)
    bits = np.unpackbits(rows.view(np.uint8), axis=1, bitorder="little")

    def field(low: int, width: int) -> NDArray[np.int64]:
        weights = np.int64(1) << np.arange(width)
        return bits[:, low : low + width].astype(np.int64) @ weights

    slots = range(layout.lookahead)
    values = np.stack([field(layout.value_low(s), layout.value_bits) for s in slots], axis=1)
    sign = 1 << (layout.value_bits - 1)
    return DecodedList(
        np.stack([field(layout.offset_low(s), layout.offset_bits) for s in slots], axis=1),
        (values ^ sign) - sign,
        bits[:, layout.last_bit].astype(bool),
        bits[:, layout.turn_bit].astype(bool),
    )

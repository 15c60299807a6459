"""Elements in 32-bit words, the unit of the stream and of the weight memories."""

import numpy as np
from numpy.typing import NDArray

from hdl.config import STREAM_BITS


def words_of(bits: int) -> int:
    """32-bit words that a number of `bits` bits takes on the stream."""
    return -(-bits // STREAM_BITS)


def pack_words(values: NDArray, bits: int) -> NDArray[np.uint32]:
    """Integers of 8, 16 or 32 bits packed into 32-bit words, the last padded with zeros.

    They may be signed (two's complement) or unsigned.
    """
    per_word = STREAM_BITS // bits
    padded = np.zeros(-(-len(values) // per_word) * per_word, dtype=f"<u{bits // 8}")
    padded[: len(values)] = as_unsigned(values, bits)
    return padded.view("<u4").astype(np.uint32)


def unpack_words(words: NDArray[np.uint32], bits: int) -> NDArray[np.int64]:
    """All elements of 32-bit words, sign-extended; inverse of `pack_words` but for its padding."""
    return words.astype("<u4").view(f"<i{bits // 8}").astype(np.int64)


def as_unsigned(values: NDArray, bits: int) -> NDArray[np.int64]:
    """The unsigned integers that share their `bits` bits with signed ones."""
    return values.astype(np.int64) & ((1 << bits) - 1)


def split_words(values: NDArray[np.int64], words: int) -> NDArray[np.uint32]:
    """Signed integers as `words` 32-bit words each, least significant first, one after another."""
    shifts = np.minimum(STREAM_BITS * np.arange(words), 63)
    return ((values[:, None] >> shifts) & 0xFFFFFFFF).astype(np.uint32).reshape(-1)


def join_words(entries: NDArray[np.uint32], bits: int) -> NDArray:
    """Signed integers of `bits` bits in rows of words, least significant first; inverse of
    `split_words`.

    The result is int64, or Python integers if the numbers have more than 64 bits. Bits above `bits`
    are ignored, as hardware does.
    """
    shifts = STREAM_BITS * np.arange(entries.shape[1]).astype(object)
    joined = (entries.astype(object) << shifts).sum(axis=1)
    sign = 1 << (bits - 1)
    signed: NDArray = ((joined & ((1 << bits) - 1)) ^ sign) - sign
    return signed if bits > 64 else signed.astype(np.int64)

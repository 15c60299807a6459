"""The weights of a job as the units' memories hold them: the functional model's way back."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hdl.config import SECTION_BITS, AcceleratorConfig
from hdl.lists import ListLayout
from hdl.packets import Destination
from networks.job_walk import JobFields
from networks.weight_lists import FilterList, decode_list
from networks.words import unpack_words

Memories = Mapping[Destination, NDArray[np.uint32]]
"""Weight memories `(units, entries, ...)` in stream words."""


@dataclass(frozen=True, eq=False)
class UnitWeights:
    """Weights `(filters, offsets)`; offsets count elements from a window's first one.

    None of the offsets has zero weights only.
    """

    offsets: NDArray[np.int64]
    values: NDArray[np.int64]

    @classmethod
    def of(cls, offsets: NDArray[np.int64], values: NDArray[np.int64]) -> "UnitWeights":
        """Leaves out offsets that no filter uses."""
        used = np.any(values != 0, axis=0)
        return cls(offsets[used], values[:, used])


def stored_weights(
    job: JobFields,
    accelerator: AcceleratorConfig,
    memories: Memories,
    walk: NDArray[np.int64],
) -> UnitWeights:
    """The filters of a job; `walk` are the offsets of its steps.

    Raises ValueError if a unit's list does not end all its filters, or lists of a look-ahead of 1
    differ in length.
    """
    if accelerator.kind == "list":
        return _of_lists(job, accelerator, memories[Destination.LISTS])
    filters = job["JOB_FILTERS"]["last"] + 1
    bitmaps = accelerator.kind == "bitmap"
    offsets = (walk[:, None] + np.arange(SECTION_BITS)).reshape(-1) if bitmaps else walk
    weights = np.zeros((filters, len(offsets)), dtype=np.int64)
    start = job["JOB_WEIGHTS"]["values"]
    for unit in range(min(accelerator.units, filters)):
        own = weights[unit :: accelerator.units]
        values = unpack_words(memories[Destination.VALUES][unit], accelerator.bits)
        mask = np.ones(own.shape, dtype=bool)
        if bitmaps:
            first = job["JOB_WEIGHTS"]["bitmaps"]
            words = memories[Destination.BITMAPS][unit, first : first + len(own) * len(walk)]
            bits = np.unpackbits(words.astype("<u4").view(np.uint8), bitorder="little")
            mask = bits.astype(bool).reshape(own.shape)
        own[mask] = values[start : start + np.count_nonzero(mask)]
    return UnitWeights.of(offsets, weights)


def _of_lists(
    job: JobFields, accelerator: AcceleratorConfig, words: NDArray[np.uint32]
) -> UnitWeights:
    filters = job["JOB_FILTERS"]["last"] + 1
    first, units = job["JOB_WEIGHTS"]["values"], accelerator.units
    layout = ListLayout.of(accelerator)
    found: list[FilterList | None] = [None] * filters
    lengths = set()
    for unit in range(min(units, filters)):
        own = decode_list(words[unit, first:].reshape(-1), layout).filters()
        expected = len(range(unit, filters, units))
        if len(own) != expected:
            raise ValueError(f"list of unit {unit} must end {expected} filters, not {len(own)}")
        found[unit::units] = own
        lengths.add(sum(item.words for item in own))
    if layout.lookahead == 1 and len(lengths) > 1:
        raise ValueError(f"lists of all units must have one length, not {sorted(lengths)}")
    lists = [item for item in found if item is not None]
    offsets = np.unique(np.concatenate([item.offsets.reshape(-1) for item in lists]))
    weights = np.zeros((filters, len(offsets)), dtype=np.int64)
    for index, item in enumerate(lists):
        places = np.searchsorted(offsets, item.offsets.reshape(-1))
        np.add.at(weights[index], places, item.values.reshape(-1))
    return UnitWeights.of(offsets, weights)

"""The bias memory: a bias, and with channel scales a multiplier and a shift, for each output."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hdl.config import AcceleratorConfig
from hdl.packets import CHANNEL_SHIFT_LOW, MULTIPLIER_LOW
from networks.schedule.operation import Operation
from networks.words import split_words, words_of


def bias_entries(
    operation: Operation, order: Sequence[int], accelerator: AcceleratorConfig
) -> NDArray[np.uint32]:
    """Stream words `(outputs, words of an entry)` of an operation, outputs in stored order."""
    words = words_of(accelerator.accumulator_bits)
    bias = operation.bias[list(order)].astype(np.int64)
    entries = split_words(bias, words).reshape(-1, words)
    if not accelerator.channel_scales:
        return entries
    scales = [
        (factor.multiplier << MULTIPLIER_LOW) | (factor.shift << CHANNEL_SHIFT_LOW)
        for factor in operation.factors
    ]
    return np.column_stack([entries, np.array(scales, dtype=np.uint32)[list(order)]])


def place_biases(entries: Sequence[NDArray[np.uint32]]) -> tuple[list[int], NDArray[np.uint32]]:
    """The first entry of each operation, and the memory.

    Operations whose entries are all the same, as those that move numbers, share the longest's.
    """
    longest: dict[bytes, int] = {}
    for own in entries:
        if _is_uniform(own):
            key = own[0].tobytes()
            longest[key] = max(longest.get(key, 0), len(own))
    bases: list[int] = []
    shared: dict[bytes, int] = {}
    memory: list[NDArray[np.uint32]] = []
    end = 0
    for own in entries:
        key = own[0].tobytes() if _is_uniform(own) else None
        if key in shared:
            bases.append(shared[key])
            continue
        placed = own
        if key is not None:
            shared[key] = end
            placed = np.repeat(own[:1], longest[key], axis=0)
        bases.append(end)
        memory.append(placed)
        end += len(placed)
    return bases, np.concatenate(memory) if memory else np.zeros((0, 1), dtype=np.uint32)


def _is_uniform(entries: NDArray[np.uint32]) -> bool:
    return bool(np.all(entries == entries[0]))

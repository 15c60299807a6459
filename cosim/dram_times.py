"""When the DRAM serves the next burst: `MemoryController.reserve`, for compiled recurrences."""

from numba import njit
from numpy.typing import NDArray


@njit(cache=True)
def reserve(
    at_ps: int,
    free_ps: int,
    address_bytes: int,
    length_bytes: int,
    durations_ps: NDArray,
    turned: int,
    rows: NDArray,
    row_bytes: int,
) -> tuple[int, int]:
    """Start and duration of a burst that comes at `at_ps`, when the bus is free from `free_ps` on.

    `rows`: the open row of each bank, -1 for none; changed. Durations by pattern and turn, as in
    `cosim.train.Shapes`.
    """
    banks = len(rows)
    row, last_row = address_bytes // row_bytes, (address_bytes + length_bytes - 1) // row_bytes
    sequential = 1 if rows[row % banks] == row else 0
    rows[last_row % banks] = last_row
    return max(at_ps, free_ps), durations_ps[sequential, turned]

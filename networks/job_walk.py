"""The addresses of a job, from its loop registers: windows, steps inside one, results."""

import numpy as np
from numpy.typing import NDArray

from hdl.config import AcceleratorConfig
from hdl.registers import BY_NAME, WALK_LOOPS, WINDOW_LOOPS

JobFields = dict[str, dict[str, int]]
"""Fields of each register, by its name."""


def window_addresses(job: JobFields) -> NDArray[np.int64]:
    """Address of the first element of every window, in order."""
    return job["JOB_ADDRESS"]["input"] + _walk(job, WINDOW_LOOPS)


def walk_addresses(job: JobFields) -> NDArray[np.int64]:
    """Address of every step of a filter in order, from its window's first element on."""
    return _walk(job, WALK_LOOPS)


def output_places(job: JobFields) -> NDArray[np.int64]:
    """Element address of channel 0 of every result, in order."""
    columns, rows = (job[f"LOOP_{level}"]["last"] + 1 for level in "XY")
    pitch, line = job["JOB_OUTPUT"]["pitch"], job["JOB_OUTPUT"]["line"]
    in_row = pitch * np.arange(columns)
    row_starts = (int(in_row[-1]) + line) * np.arange(rows)
    return job["JOB_ADDRESS"]["output"] + (row_starts[:, None] + in_row).reshape(-1)


def takes_parts(job: JobFields, accelerator: AcceleratorConfig) -> bool:
    """Whether filters `2i` and `2i + 1` are parts of one, whose sums make output channel `i`."""
    return accelerator.partial_sums and bool(job["JOB_COMMAND"]["partial_sums"])


def _walk(job: JobFields, levels: tuple[str, ...]) -> NDArray[np.int64]:
    """Sums of the jumps of nested loops, innermost level first."""
    loops = [(f"LOOP_{level.upper()}", job[f"LOOP_{level.upper()}"]) for level in levels]
    counts = [fields["last"] + 1 for _, fields in loops]
    increments = np.zeros(int(np.prod(counts)), dtype=np.int64)
    period = 1
    for (name, fields), count in zip(loops, counts, strict=True):
        sign = 1 << (BY_NAME[name].field("jump").width - 1)
        if count > 1:
            increments[period::period] = (fields["jump"] ^ sign) - sign
        period *= count
    return np.cumsum(increments)

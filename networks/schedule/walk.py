"""How `dense` and `bitmap` read a window: steps of a contiguous run, runs of kernel rows.

A job reads channels that are neighbours in memory. If its kernel row is one run of elements, all of
them are read; otherwise either the columns one by one, if one step holds a column's channels, or
the run with what lies between, with zero weights for that.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hdl.config import AcceleratorConfig
from networks.compress import SECTION_ELEMENTS
from networks.schedule.layout import Layout
from networks.schedule.operation import Operation
from networks.schedule.registers import Loop


@dataclass(frozen=True)
class Walk:
    """`rows` runs of `steps` steps of `elements` elements, `jump` from one step to the next.

    Kernel columns are `column_elements` apart in a run; `merged` runs hold all kernel rows.
    """

    rows: int
    steps: int
    elements: int
    jump: int
    column_elements: int
    merged: bool

    @property
    def positions(self) -> int:
        """Steps of a window."""
        return self.rows * self.steps


def step_limit(accelerator: AcceleratorConfig) -> int:
    """Elements that a step can hold."""
    return SECTION_ELEMENTS if accelerator.kind == "bitmap" else 1


def plan_walk(
    operation: Operation, layout: Layout, channels: int, accelerator: AcceleratorConfig
) -> Walk:
    """The walk with the fewest steps over `channels` channels of a source."""
    limit = step_limit(accelerator)
    _, _, rows, columns = operation.weights.shape
    column = operation.dilations[1] * layout.pixel_elements
    run = (columns - 1) * column + channels
    merged = not operation.joins and operation.dilations[0] == 1 and run == layout.row_elements
    if merged:
        run, rows = run * rows, 1
    steps = -(-run // limit)
    elements = -(-run // steps)
    if not merged and 1 < columns < steps and channels <= limit:
        return Walk(rows, columns, channels, column, channels, merged=False)
    return Walk(rows, steps, elements, elements, column, merged)


def walk_loops(operation: Operation, walk: Walk, layout: Layout, distance: int) -> dict[str, Loop]:
    """The loops, by name, inside a window; with several sources `distance` lies between them."""
    row = distance if operation.joins else operation.dilations[0] * layout.row_elements
    return {"step": Loop(walk.steps, walk.jump), "row": Loop(walk.rows, row)}


def walked(weights: NDArray, walk: Walk) -> NDArray:
    """Weights `(filters, channels, rows, columns)` as `(filters, steps, elements)` of a walk.

    Elements beyond a run, and between the columns of one, are zero.
    """
    filters, channels, rows, columns = weights.shape
    run = np.zeros(
        (filters, rows, (columns - 1) * walk.column_elements + channels), dtype=weights.dtype
    )
    for column in range(columns):
        first = column * walk.column_elements
        run[:, :, first : first + channels] = weights[:, :, :, column].transpose(0, 2, 1)
    run = run.reshape(filters, walk.rows, -1)
    room = walk.steps * walk.elements - run.shape[2]
    run = np.pad(run, ((0, 0), (0, 0), (0, room)))
    return run.reshape(filters, walk.positions, walk.elements)

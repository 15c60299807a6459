"""Row bands: an operation whose tensors do not fit is computed a few output rows at a time.

The rows that a band reads go to one of two regions in turn, so that the next band's are received
while a band is computed.
"""

from collections.abc import Mapping
from itertools import pairwise
from math import gcd

from hdl.config import AcceleratorConfig
from networks.errors import NetworkError
from networks.schedule.layout import Layout
from networks.schedule.operation import Operation
from networks.schedule.stage import Region, Stage


class RoomError(NetworkError):
    """Not even the smallest row bands of layer `index` fit the activation memory."""

    def __init__(self, index: int, message: str) -> None:
        super().__init__(message)
        self.index = index


def plan_bands(
    operation: Operation,
    layouts: Mapping[str, Layout],
    accelerator: AcceleratorConfig,
    *,
    reload_target: bool,
) -> tuple[Stage, ...]:
    """The bands of one operation, as few as possible; with `reload_target` they join a tensor of
    which other channels are in system memory already.

    Raises RoomError if not even the smallest bands fit.
    """
    target = layouts[operation.target]
    multiple = accelerator.lanes // gcd(target.row_elements, accelerator.lanes)
    most = -(-target.rows // multiple)
    # Rows of the border above and below stay in system memory, as zeros, where they need room and
    # begin and end with a word.
    inside = target.pads[0], target.pads[0] + operation.output_shape[1]
    aligned = all(row * target.row_elements % accelerator.lanes == 0 for row in inside)
    ways = ((2, True), (2, False), (1, True), (1, False))
    for inputs, bordered in (way for way in ways if way[1] or aligned):
        for size in range(most, 0, -1):
            starts = _starts(operation, target, size * multiple)
            found = _place(operation, layouts, starts, inputs, accelerator, bordered=bordered)
            if found is not None:
                return tuple(
                    Stage(
                        operation,
                        first,
                        end - first,
                        regions,
                        loads=(*dict.fromkeys(operation.sources), operation.target)[
                            : None if reload_target else -1
                        ],
                        clear=not reload_target,
                        stores=(operation.target,),
                    )
                    for (first, end), regions in found
                )
    rows = min(multiple, operation.output_shape[1])
    raise RoomError(
        operation.index,
        f"input and output of {rows} output row{'s' if rows > 1 else ''} must fit "
        f"{accelerator.activation_elements} elements of activation memory",
    )


_Placed = list[tuple[tuple[int, int], dict[str, Region]]]


def _starts(operation: Operation, target: Layout, size: int) -> list[tuple[int, int]]:
    """First and end row of each band; all but the first start at a multiple of `size` rows of the
    tensor with its border, which is at a whole word."""
    rows = operation.output_shape[1]
    cuts = range(size - target.pads[0] % size, rows, size)
    edges = [0, *(cut for cut in cuts if cut > 0), rows]
    return list(pairwise(edges))


def _place(
    operation: Operation,
    layouts: Mapping[str, Layout],
    starts: list[tuple[int, int]],
    inputs: int,
    accelerator: AcceleratorConfig,
    *,
    bordered: bool,
) -> _Placed | None:
    """The regions of each band, with `inputs` regions for sources in turn; None without room.

    `bordered`: the first and the last band have the rows of the target's border too.
    """
    lanes = accelerator.lanes
    target = layouts[operation.target]
    sources = tuple(dict.fromkeys(operation.sources))
    source = layouts[sources[0]]
    spans = [_words(source, *operation.input_rows(a, b - a), accelerator) for a, b in starts]
    size = max(words for _, words in spans) * lanes
    results = []
    for first, end in starts:
        above = 0 if bordered and first == 0 else target.pads[0] + first
        last = bordered and end == operation.output_shape[1]
        below = target.rows if last else target.pads[0] + end
        first_word = above * target.row_elements // lanes
        results.append((first_word, -(-below * target.row_elements // lanes) - first_word))
    output = inputs * len(sources) * size
    if output + max(words for _, words in results) * lanes > accelerator.activation_elements:
        return None
    placed: _Placed = []
    for index, start in enumerate(starts):
        first = index % inputs * len(sources) * size
        regions = {
            name: Region(first + position * size, *spans[index])
            for position, name in enumerate(sources)
        }
        regions[operation.target] = Region(output, *results[index])
        placed.append((start, regions))
    return placed


def _words(
    layout: Layout, first_row: int, rows: int, accelerator: AcceleratorConfig
) -> tuple[int, int]:
    """First word, and words, of whole rows with their border; rows count from inside it."""
    start = (layout.pads[0] + first_row) * layout.row_elements
    first = start // accelerator.lanes
    return first, -(-(start + rows * layout.row_elements) // accelerator.lanes) - first

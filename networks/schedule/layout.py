"""How a tensor lies in memory, on chip as in the system: NHWC with a border of zeros."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from networks.layers import NO_PADS, Pads, Shape
from networks.schedule.operation import Operation


@dataclass(frozen=True)
class Layout:
    """Rows, columns and channels of a tensor, `pads` more rows and columns around them."""

    shape: Shape
    pads: Pads = NO_PADS

    @property
    def rows(self) -> int:
        """Rows, border included."""
        return self.pads[0] + self.shape[1] + self.pads[2]

    @property
    def pixel_elements(self) -> int:
        """Elements from one column to the next."""
        return self.shape[0]

    @property
    def row_elements(self) -> int:
        """Elements from one row to the next."""
        return (self.pads[1] + self.shape[2] + self.pads[3]) * self.shape[0]

    @property
    def elements(self) -> int:
        """All elements, border included."""
        return self.rows * self.row_elements

    def at(self, row: int, column: int, channel: int = 0) -> int:
        """Elements before the one at (row, column), which count from inside the border."""
        whole_rows = (self.pads[0] + row) * self.row_elements
        return whole_rows + (self.pads[1] + column) * self.pixel_elements + channel

    def border(self, first_row: int, rows: int) -> list[tuple[int, int]]:
        """Elements of the border, as (first, end), in `rows` rows from `first_row`, in order.

        Rows count from the border's first; elements from the first of `first_row`.
        """
        top, left, _, right = self.pads
        row, pixel = self.row_elements, self.pixel_elements
        spans: list[tuple[int, int]] = []
        for index in range(rows):
            start = index * row
            if top <= first_row + index < top + self.shape[1]:
                found = [(start, start + left * pixel), (start + row - right * pixel, start + row)]
            else:
                found = [(start, start + row)]
            for first, end in found:
                if first < end and spans and spans[-1][1] == first:
                    spans[-1] = (spans[-1][0], end)
                elif first < end:
                    spans.append((first, end))
        return spans


def plan_layouts(operations: Iterable[Operation], shapes: Mapping[str, Shape]) -> dict[str, Layout]:
    """Layouts of all tensors: the border is the widest that any operation reads.

    Tensors that are read at the same place by one operation have the same border.
    """
    operations = tuple(operations)
    pads = dict.fromkeys(shapes, NO_PADS)
    wanted: dict[str, Pads] = {}
    while wanted != pads:
        wanted = dict(pads)
        for operation in operations:
            widest = operation.pads
            for name in operation.sources:
                widest = _widest(widest, pads[name])
            for name in operation.sources:
                pads[name] = widest if operation.joins else _widest(pads[name], operation.pads)
    return {name: Layout(shape, pads[name]) for name, shape in shapes.items()}


def _widest(one: Pads, other: Pads) -> Pads:
    top, left, bottom, right = (max(pair) for pair in zip(one, other, strict=True))
    return top, left, bottom, right

"""What all layers have: shapes, windows, formats; no knowledge of the graph they stand in.

Shapes are those of one image, `(channels, height, width)`; a vector of `n` is `(n, 1, 1)`. All
tensors are described in channel-first order; the order in memory is the scheduler's subject.
"""

from dataclasses import dataclass
from typing import ClassVar, Self

from networks.errors import NetworkError
from networks.formats import Format

Shape = tuple[int, int, int]
Pair = tuple[int, int]
Pads = tuple[int, int, int, int]
"""Elements added at the top, left, bottom and right."""

NO_PADS: Pads = (0, 0, 0, 0)
_COUNTS = {0: "no layer", 1: "one layer", 2: "two layers"}


def elements(shape: Shape) -> int:
    """Number of elements of a tensor."""
    return shape[0] * shape[1] * shape[2]


def window_positions(size: int, pads: int, extent: int, stride: int) -> int:
    """Positions of a window of `extent` elements along an axis, incomplete ones left out."""
    return (size + pads - extent) // stride + 1


@dataclass(frozen=True)
class Pool:
    """A pooling window: kernel and strides as (height, width)."""

    kernel: Pair
    strides: Pair
    pads: Pads = NO_PADS

    def output_size(self, height: int, width: int) -> Pair:
        """Rows and columns of windows that lie completely on the (padded) map."""
        top, left, bottom, right = self.pads
        return (
            window_positions(height, top + bottom, self.kernel[0], self.strides[0]),
            window_positions(width, left + right, self.kernel[1], self.strides[1]),
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class Layer:
    """What all layers have: a name, the names of the layers it reads, its node in the file."""

    op: ClassVar[str] = "layer"
    reads: ClassVar[int | None] = 1
    """Layers it reads; None for any number from one up."""
    keeps_numbers: ClassVar[bool] = True
    """Whether each result is one of the inputs or a constant, so that it commutes with rounding."""

    name: str
    inputs: tuple[str, ...] = ()
    origin: str = ""

    def output_shape(self, *shapes: Shape) -> Shape:
        """Shape of the result for inputs of `shapes`; raises NetworkError if they do not fit."""
        return shapes[0]

    @property
    def is_integer(self) -> bool:
        """Whether all number formats it needs are known."""
        return True

    @property
    def source_formats(self) -> tuple[Format, ...] | None:
        """Formats it expects of its inputs, None if any will do or they are not known."""
        return None

    def with_formats(self, sources: tuple[Format, ...], target: Format | None) -> Self:
        """The layer in integers, for inputs of formats `sources` and a result of format `target`.

        `target` is None, and not used, where the layer keeps numbers.
        """
        return self

    def check_inputs(self) -> None:
        """Raises NetworkError unless it reads as many layers as it must."""
        count = len(self.inputs)
        if self.reads is None:
            if count == 0:
                raise self.error("must read one layer at least, not 0")
        elif count != self.reads:
            raise self.error(f"must read {_COUNTS[self.reads]}, not {count}")

    def error(self, message: str) -> NetworkError:
        """A NetworkError that names this layer and, if it has another name, its node."""
        node = f" (node '{self.origin}')" if self.origin not in ("", self.name) else ""
        return NetworkError(f"layer '{self.name}'{node}: {message}")


def positive(layer: Layer, size: Pair) -> Pair:
    """Rows and columns of a result; raises NetworkError if there are none."""
    if min(size) < 1:
        raise layer.error(f"window must fit its input map, which gives {size[0]}x{size[1]} outputs")
    return size

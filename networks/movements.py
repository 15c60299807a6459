"""Layers that move, choose or limit elements: every result is an input or a constant.

They commute with rounding to a format, so they need no format of their own but for constants.
"""

from dataclasses import dataclass, replace
from math import inf
from typing import ClassVar, Self

from networks.formats import Format
from networks.layer import Layer, Pool, Shape, elements, positive


@dataclass(frozen=True, eq=False, kw_only=True)
class Input(Layer):
    """The network's input; `format` is None while it is a real number."""

    op: ClassVar[str] = "input"
    reads: ClassVar[int | None] = 0
    shape: Shape
    format: Format | None = None

    def output_shape(self, *shapes: Shape) -> Shape:
        """The input's own shape."""
        return self.shape


@dataclass(frozen=True, eq=False, kw_only=True)
class Identity(Layer):
    """A copy."""

    op: ClassVar[str] = "identity"


@dataclass(frozen=True, eq=False, kw_only=True)
class Quantise(Layer):
    """Real numbers rounded to `format` (a QuantizeLinear and DequantizeLinear pair)."""

    op: ClassVar[str] = "quantise"
    keeps_numbers: ClassVar[bool] = False
    format: Format


@dataclass(frozen=True, eq=False, kw_only=True)
class Relu(Layer):
    """Negative elements become zero."""

    op: ClassVar[str] = "relu"


@dataclass(frozen=True, eq=False, kw_only=True)
class Clip(Layer):
    """Elements limited to the real numbers `low` to `high`.

    In integers of `format`, to `format.quantise(low)` to `format.quantise(high)`: limits are
    rounded and saturated as elements are.
    """

    op: ClassVar[str] = "clip"
    low: float = -inf
    high: float = inf
    format: Format | None = None

    @property
    def is_integer(self) -> bool:
        """Whether the limits have a format."""
        return self.format is not None

    @property
    def source_formats(self) -> tuple[Format, ...] | None:
        """That of the limits."""
        return None if self.format is None else (self.format,)

    @property
    def limits(self) -> tuple[int, int]:
        """Smallest and largest stored integer; raises NetworkError on a float layer."""
        if self.format is None:
            raise self.error("must be quantised first")
        return int(self.format.quantise(self.low)), int(self.format.quantise(self.high))

    def with_formats(self, sources: tuple[Format, ...], target: Format | None) -> Self:
        """Limits in the format of the input."""
        return replace(self, format=sources[0])


@dataclass(frozen=True, eq=False, kw_only=True)
class Reshape(Layer):
    """The same elements, in channel-first order, as `shape` (also Flatten)."""

    op: ClassVar[str] = "reshape"
    shape: Shape

    def output_shape(self, *shapes: Shape) -> Shape:
        """The target shape; it must have as many elements."""
        if elements(shapes[0]) != elements(self.shape):
            raise self.error(
                f"new shape must have {elements(shapes[0])} elements, not {self.shape}"
            )
        return self.shape


@dataclass(frozen=True, eq=False, kw_only=True)
class Transpose(Layer):
    """Axis `i` of the result is axis `axes[i]` of the input, of (channels, height, width)."""

    op: ClassVar[str] = "transpose"
    axes: tuple[int, int, int]

    def __post_init__(self) -> None:
        if sorted(self.axes) != [0, 1, 2]:
            raise self.error(f"axes must be an order of 0, 1, 2, not {self.axes}")

    def output_shape(self, *shapes: Shape) -> Shape:
        """The sizes in their new order."""
        first, second, third = (shapes[0][axis] for axis in self.axes)
        return first, second, third


@dataclass(frozen=True, eq=False, kw_only=True)
class Pad(Layer):
    """`before` and `after` more elements along (channels, height, width), all of them `value`.

    In integers of `format`, `format.quantise(value)`.
    """

    op: ClassVar[str] = "pad"
    before: Shape
    after: Shape
    value: float = 0.0
    format: Format | None = None

    def __post_init__(self) -> None:
        if min(*self.before, *self.after) < 0:
            raise self.error(f"pads must be 0 or more, not {self.before} and {self.after}")

    @property
    def is_integer(self) -> bool:
        """Whether the constant has a format."""
        return self.format is not None

    @property
    def source_formats(self) -> tuple[Format, ...] | None:
        """That of the constant."""
        return None if self.format is None else (self.format,)

    @property
    def stored_value(self) -> int:
        """The constant as stored; raises NetworkError on a float layer."""
        if self.format is None:
            raise self.error("must be quantised first")
        return int(self.format.quantise(self.value))

    def output_shape(self, *shapes: Shape) -> Shape:
        """Each size and what is added."""
        channels, height, width = (
            before + size + after
            for before, size, after in zip(self.before, shapes[0], self.after, strict=True)
        )
        return channels, height, width

    def with_formats(self, sources: tuple[Format, ...], target: Format | None) -> Self:
        """The constant in the format of the input."""
        return replace(self, format=sources[0])


@dataclass(frozen=True, eq=False, kw_only=True)
class MaxPool(Layer):
    """Largest element of each window and channel; padding never wins."""

    op: ClassVar[str] = "maxpool"
    pool: Pool

    def output_shape(self, *shapes: Shape) -> Shape:
        """Windows that fit the map."""
        channels, height, width = shapes[0]
        return (channels, *positive(self, self.pool.output_size(height, width)))

"""Layers that make new numbers and round them to a format, once, at the end.

In integers each sums products of stored integers exactly, then rounds as `networks.rescale` says,
then saturates to the result's format, then limits (ReLU and an upper limit).
"""

from dataclasses import dataclass, replace
from typing import ClassVar, Self

from networks.formats import Format
from networks.layer import Layer, Pool, Shape, positive
from networks.rescale import Factor


@dataclass(frozen=True, eq=False, kw_only=True)
class Rounded(Layer):
    """A layer whose result is rounded to `output_format`, None while it is a real number.

    `relu` makes negative results zero, `limit` is the largest real result (6 for ReLU6): in
    integers `output_format.quantise(limit)`.
    """

    keeps_numbers: ClassVar[bool] = False
    relu: bool = False
    limit: float | None = None
    output_format: Format | None = None

    @property
    def is_integer(self) -> bool:
        """Whether all number formats are known: the layer computes in integers."""
        return self.source_formats is not None and self.output_format is not None

    @property
    def bounds(self) -> tuple[int, int]:
        """Smallest and largest stored result; raises NetworkError on a float layer."""
        target = self.known_output_format
        high = target.max if self.limit is None else int(target.quantise(self.limit))
        return (0 if self.relu else target.min), high

    @property
    def known_output_format(self) -> Format:
        """The result's format; raises NetworkError on a float layer."""
        if self.output_format is None:
            raise self.error("must be quantised first")
        return self.output_format

    def input_factors(self) -> tuple[Factor, ...]:
        """How each input's stored integers count in the result; raises NetworkError if float."""
        if self.source_formats is None:
            raise self.error("must be quantised first")
        scale = self.known_output_format.scale
        return tuple(Factor.of(source.scale / scale) for source in self.source_formats)


@dataclass(frozen=True, eq=False, kw_only=True)
class Joined(Rounded):
    """A layer that reads several tensors, each in a format of its own."""

    reads: ClassVar[int | None] = None
    input_formats: tuple[Format, ...] = ()

    @property
    def source_formats(self) -> tuple[Format, ...] | None:
        """Those of the inputs, in order."""
        return self.input_formats or None

    def with_formats(self, sources: tuple[Format, ...], target: Format | None) -> Self:
        """The layer between those formats."""
        return replace(self, input_formats=sources, output_format=target)


@dataclass(frozen=True, eq=False, kw_only=True)
class Add(Joined):
    """Sum of two tensors of one shape, element by element.

    In integers `saturate(round(sum(x_i * factor_i)))`, rounded once: the factors are brought to
    their largest shift, which is exact.
    """

    op: ClassVar[str] = "add"
    reads: ClassVar[int | None] = 2

    def output_shape(self, *shapes: Shape) -> Shape:
        """The common shape."""
        if shapes[0] != shapes[1]:
            raise self.error(f"inputs must have one shape, not {shapes[0]} and {shapes[1]}")
        return shapes[0]


@dataclass(frozen=True, eq=False, kw_only=True)
class Concat(Joined):
    """Tensors one after another along the channels.

    In integers `saturate(round(x_i * factor_i))`: a copy where the formats are the same.
    """

    op: ClassVar[str] = "concat"

    def output_shape(self, *shapes: Shape) -> Shape:
        """All channels; the maps must have one size."""
        sizes = {shape[1:] for shape in shapes}
        if len(sizes) > 1:
            raise self.error(f"inputs must have maps of one size, not {sorted(sizes)}")
        return (sum(shape[0] for shape in shapes), *shapes[0][1:])


@dataclass(frozen=True, eq=False, kw_only=True)
class AveragePool(Rounded):
    """Mean of each window and channel; padding counts as zeros if `counts_pads`, else not at all.

    In integers `saturate(round(sum(x) * factor / elements))` with the exact quotient.
    """

    op: ClassVar[str] = "avgpool"
    pool: Pool
    counts_pads: bool = False
    input_format: Format | None = None

    @property
    def source_formats(self) -> tuple[Format, ...] | None:
        """That of the input."""
        return None if self.input_format is None else (self.input_format,)

    def output_shape(self, *shapes: Shape) -> Shape:
        """Windows that fit the map."""
        channels, height, width = shapes[0]
        return (channels, *positive(self, self.pool.output_size(height, width)))

    def with_formats(self, sources: tuple[Format, ...], target: Format | None) -> Self:
        """The layer between those formats."""
        return replace(self, input_format=sources[0], output_format=target)

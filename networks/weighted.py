"""Layers with weights: convolutions and fully connected layers, and constants that join them."""

from dataclasses import dataclass, field, replace
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from networks.arithmetic import Rounded
from networks.formats import Format
from networks.layer import (
    NO_PADS,
    Layer,
    Pads,
    Pair,
    Pool,
    Shape,
    elements,
    positive,
    window_positions,
)
from networks.rescale import Factor


@dataclass(frozen=True, eq=False, kw_only=True)
class Compute(Rounded):
    """A layer of multiply-accumulates, with the ReLU and max-pooling that follow it.

    `weights` is `(outputs, inputs of a group, kernel height, kernel width)`, `bias` one value an
    output or None. Both are real numbers while `weight_format` is None, and stored integers
    otherwise; a bias has the scale of a product. `channel_scales`, one an output, multiply the
    scale of `weight_format`, `bias_scales` that of `bias_format`; None stands for ones. The result
    is `maxpool(limit(saturate(round((sum(w * x) + b) * factor))))`; with power-of-two scales the
    factor is `2^-shift`.
    """

    weights: NDArray
    bias: NDArray | None = None
    strides: Pair = (1, 1)
    pads: Pads = NO_PADS
    dilations: Pair = (1, 1)
    groups: int = 1
    pool: Pool | None = None
    input_format: Format | None = None
    weight_format: Format | None = None
    bias_format: Format | None = None
    channel_scales: NDArray[np.float64] | None = None
    bias_scales: NDArray[np.float64] | None = None
    outputs: int = field(init=False)

    def __post_init__(self) -> None:
        if self.weights.ndim != 4:
            raise self.error(f"weights must have 4 dimensions, not {self.weights.ndim}")
        object.__setattr__(self, "outputs", self.weights.shape[0])
        for name in ("bias", "channel_scales", "bias_scales"):
            array = getattr(self, name)
            if array is not None and array.shape != (self.outputs,):
                raise self.error(f"{name} must have shape ({self.outputs},), not {array.shape}")
        if self.groups < 1 or self.outputs % self.groups:
            raise self.error(f"groups must divide {self.outputs} outputs, not {self.groups}")
        self._freeze("weights", self.weights, self.weight_format)
        if self.bias is not None:
            self._freeze("bias", self.bias, self.bias_format)

    def _freeze(self, name: str, array: NDArray, number_format: Format | None) -> None:
        if number_format is not None and array.size:
            if not np.issubdtype(array.dtype, np.integer):
                raise self.error(f"{name} must be integers, not {array.dtype}")
            low, high = int(array.min()), int(array.max())
            if low < number_format.min or high > number_format.max:
                raise self.error(f"{name} must fit {number_format}, not {low} to {high}")
        frozen = array.view()
        frozen.setflags(write=False)
        object.__setattr__(self, name, frozen)

    @property
    def is_integer(self) -> bool:
        """Whether all number formats are known: the layer computes in integers."""
        return None not in (self.input_format, self.weight_format, self.output_format)

    @property
    def source_formats(self) -> tuple[Format, ...] | None:
        """That of the input."""
        return None if self.input_format is None else (self.input_format,)

    @property
    def product_scales(self) -> NDArray[np.float64]:
        """Scale of a product for each output; raises NetworkError on a float layer."""
        if self.input_format is None or self.weight_format is None:
            raise self.error("must be quantised first")
        ones = np.ones(self.outputs)
        scales = ones if self.channel_scales is None else self.channel_scales
        return scales * self.input_format.scale * self.weight_format.scale

    @property
    def factors(self) -> tuple[Factor, ...]:
        """How each output's sum counts in the result; raises NetworkError on a float layer."""
        ratios = self.product_scales / self.known_output_format.scale
        known = {float(ratio): Factor.of(float(ratio)) for ratio in np.unique(ratios)}
        return tuple(known[float(ratio)] for ratio in ratios)

    @property
    def shift(self) -> int:
        """Right shift from sum to result, if that is all there is to rounding.

        Raises NetworkError on a float layer, or if the factor is not one power of two.
        """
        factors = set(self.factors)
        factor = next(iter(factors))
        if len(factors) > 1 or factor.multiplier != 1:
            raise self.error("scales must be powers of two, the same for all channels")
        return factor.shift

    def with_formats(self, sources: tuple[Format, ...], target: Format | None) -> Self:
        """The layer between those formats; weights and bias must be integers already."""
        return replace(self, input_format=sources[0], output_format=target)

    @property
    def kernel_extent(self) -> Pair:
        """Rows and columns of the input that one window spans, dilation included."""
        return (
            (self.weights.shape[2] - 1) * self.dilations[0] + 1,
            (self.weights.shape[3] - 1) * self.dilations[1] + 1,
        )

    def accumulated_shape(self, shape: Shape) -> Shape:
        """Shape before max-pooling; raises NetworkError if the weights do not fit the input."""
        channels = self.weights.shape[1] * self.groups
        if shape[0] != channels:
            raise self.error(f"input must have {channels} channels, not {shape[0]}")
        top, left, bottom, right = self.pads
        extent = self.kernel_extent
        rows = window_positions(shape[1], top + bottom, extent[0], self.strides[0])
        columns = window_positions(shape[2], left + right, extent[1], self.strides[1])
        return (self.outputs, *positive(self, (rows, columns)))

    def output_shape(self, *shapes: Shape) -> Shape:
        """Shape of the result, after max-pooling."""
        channels, rows, columns = self.accumulated_shape(shapes[0])
        if self.pool is not None:
            rows, columns = positive(self, self.pool.output_size(rows, columns))
        return channels, rows, columns

    def dense_macs(self, shape: Shape) -> int:
        """Multiply-accumulates of one image, zeros included."""
        return elements(self.accumulated_shape(shape)) * int(np.prod(self.weights.shape[1:]))


@dataclass(frozen=True, eq=False, kw_only=True)
class Conv(Compute):
    """A two-dimensional convolution."""

    op: ClassVar[str] = "conv"


@dataclass(frozen=True, eq=False, kw_only=True)
class Gemm(Compute):
    """A fully connected layer: its kernel covers the whole input map."""

    op: ClassVar[str] = "gemm"

    def accumulated_shape(self, shape: Shape) -> Shape:
        """One element an output."""
        if shape != self.weights.shape[1:]:
            raise self.error(f"input must have shape {self.weights.shape[1:]}, not {shape}")
        return (self.outputs, 1, 1)


@dataclass(frozen=True, eq=False, kw_only=True)
class BiasAdd(Layer):
    """A constant added to each channel; a pass moves it into the layer in front."""

    op: ClassVar[str] = "add"
    keeps_numbers: ClassVar[bool] = False
    bias: NDArray
    bias_format: Format | None = None
    bias_scales: NDArray[np.float64] | None = None


@dataclass(frozen=True, eq=False, kw_only=True)
class BatchNorm(Layer):
    """`x * gain + offset`, real numbers, one of each a channel; a pass makes it a convolution."""

    op: ClassVar[str] = "batchnorm"
    keeps_numbers: ClassVar[bool] = False
    gain: NDArray
    offset: NDArray

    def output_shape(self, *shapes: Shape) -> Shape:
        """That of the input."""
        if self.gain.shape != (shapes[0][0],) or self.offset.shape != (shapes[0][0],):
            raise self.error(
                f"gain and offset must have shape ({shapes[0][0]},), "
                f"not {self.gain.shape} and {self.offset.shape}"
            )
        return shapes[0]

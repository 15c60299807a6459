"""Layer descriptions: frozen, without knowledge of the graph they stand in.

Shapes are those of one image, `(channels, height, width)`; a vector of `n` is `(n, 1, 1)`. All
tensors are described in channel-first order; the order in memory is the scheduler's subject.
"""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from networks.errors import NetworkError
from networks.formats import Format

Shape = tuple[int, int, int]
Pair = tuple[int, int]
Pads = tuple[int, int, int, int]
"""Elements added at the top, left, bottom and right."""

NO_PADS: Pads = (0, 0, 0, 0)


def elements(shape: Shape) -> int:
    """Number of elements of a tensor."""
    return shape[0] * shape[1] * shape[2]


def window_positions(size: int, pads: int, extent: int, stride: int) -> int:
    """Positions of a window of `extent` elements along an axis, incomplete ones left out."""
    return (size + pads - extent) // stride + 1


@dataclass(frozen=True)
class Pool:
    """A max-pooling window: kernel and strides as (height, width)."""

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
    name: str
    inputs: tuple[str, ...] = ()
    origin: str = ""

    def output_shape(self, shape: Shape) -> Shape:
        """Shape of the result for an input of `shape`; raises NetworkError if it does not fit."""
        return shape

    def error(self, message: str) -> NetworkError:
        """A NetworkError that names this layer and, if it has another name, its node."""
        node = f" (node '{self.origin}')" if self.origin not in ("", self.name) else ""
        return NetworkError(f"layer '{self.name}'{node}: {message}")


@dataclass(frozen=True, eq=False, kw_only=True)
class Input(Layer):
    """The network's input; `format` is None while it is a real number."""

    op: ClassVar[str] = "input"
    shape: Shape
    format: Format | None = None

    def output_shape(self, shape: Shape) -> Shape:
        """The input's own shape."""
        return self.shape


@dataclass(frozen=True, eq=False, kw_only=True)
class Relu(Layer):
    """Negative elements become zero."""

    op: ClassVar[str] = "relu"


@dataclass(frozen=True, eq=False, kw_only=True)
class Identity(Layer):
    """A copy."""

    op: ClassVar[str] = "identity"


@dataclass(frozen=True, eq=False, kw_only=True)
class Quantise(Layer):
    """Real numbers rounded to `format` (a QuantizeLinear and DequantizeLinear pair)."""

    op: ClassVar[str] = "quantise"
    format: Format


@dataclass(frozen=True, eq=False, kw_only=True)
class BiasAdd(Layer):
    """A constant added to each channel."""

    op: ClassVar[str] = "add"
    bias: NDArray
    bias_format: Format | None = None


@dataclass(frozen=True, eq=False, kw_only=True)
class Reshape(Layer):
    """The same elements, in channel-first order, as `shape` (also Flatten)."""

    op: ClassVar[str] = "reshape"
    shape: Shape

    def output_shape(self, shape: Shape) -> Shape:
        """The target shape; it must have as many elements."""
        if elements(shape) != elements(self.shape):
            raise self.error(f"new shape must have {elements(shape)} elements, not {self.shape}")
        return self.shape


@dataclass(frozen=True, eq=False, kw_only=True)
class MaxPool(Layer):
    """Largest element of each window and channel; padding never wins."""

    op: ClassVar[str] = "maxpool"
    pool: Pool

    def output_shape(self, shape: Shape) -> Shape:
        """Windows that fit the map."""
        return (shape[0], *_positive(self, self.pool.output_size(*shape[1:])))


@dataclass(frozen=True, eq=False, kw_only=True)
class Compute(Layer):
    """A layer of multiply-accumulates, with the ReLU and max-pooling that follow it.

    `weights` is `(outputs, inputs of a group, kernel height, kernel width)`, `bias` one value an
    output or None. Both are real numbers while `weight_format` is None, and stored integers
    otherwise; `bias_format` has the fraction bits of a product. The result is
    `maxpool(relu(saturate(round_half_even((sum(w * x) + b) / 2^shift))))`.
    """

    weights: NDArray
    bias: NDArray | None = None
    strides: Pair = (1, 1)
    pads: Pads = NO_PADS
    dilations: Pair = (1, 1)
    groups: int = 1
    relu: bool = False
    pool: Pool | None = None
    input_format: Format | None = None
    weight_format: Format | None = None
    bias_format: Format | None = None
    output_format: Format | None = None
    outputs: int = field(init=False)

    def __post_init__(self) -> None:
        if self.weights.ndim != 4:
            raise self.error(f"weights must have 4 dimensions, not {self.weights.ndim}")
        object.__setattr__(self, "outputs", self.weights.shape[0])
        if self.bias is not None and self.bias.shape != (self.outputs,):
            raise self.error(f"bias must have shape ({self.outputs},), not {self.bias.shape}")
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
    def shift(self) -> int:
        """Right shift from accumulator to result; raises NetworkError on a float layer."""
        if not (self.input_format and self.weight_format and self.output_format):
            raise self.error("must be quantised first")
        return (
            self.input_format.frac_bits
            + self.weight_format.frac_bits
            - self.output_format.frac_bits
        )

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
        return (self.outputs, *_positive(self, (rows, columns)))

    def output_shape(self, shape: Shape) -> Shape:
        """Shape of the result, after max-pooling."""
        channels, rows, columns = self.accumulated_shape(shape)
        if self.pool is not None:
            rows, columns = _positive(self, self.pool.output_size(rows, columns))
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


def _positive(layer: Layer, size: Pair) -> Pair:
    if min(size) < 1:
        raise layer.error(f"window must fit its input map, which gives {size[0]}x{size[1]} outputs")
    return size

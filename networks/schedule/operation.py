"""What the accelerator computes, before places are known: one operation is one or more jobs."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from networks.exact import signed_sums
from networks.layers import Layer, Pads, Pair, Pool, Shape
from networks.rescale import Factor

NO_POOL = Pool((1, 1), (1, 1))


@dataclass(frozen=True, eq=False, kw_only=True)
class Operation:
    """Weighted sums over windows of tensors, rounded, limited and max-pooled.

    Output `n` of position (y, x) is the largest, over a pooling window, of
    `clip(round_half_even((sum(w * x) + bias[n]) * factors[n]), low, high)`. `weights` is `(outputs,
    inputs of a group, kernel rows, kernel columns)`. Windows start inside a border of zeros, `pads`
    wide. With several `sources` kernel row `i` reads `sources[i]`, all at the same place. Results
    are channels `first_channel` and on of the tensor `target`. `index` is that of `layer` in the
    program; `input_shape` is a source's shape, `output_shape` that of the results.
    """

    layer: Layer
    index: int
    sources: tuple[str, ...]
    target: str
    first_channel: int = 0
    weights: NDArray
    bias: NDArray
    factors: tuple[Factor, ...]
    low: int
    high: int
    unsigned_input: bool
    unsigned_output: bool
    input_shape: Shape
    output_shape: Shape
    strides: Pair = (1, 1)
    pads: Pads = (0, 0, 0, 0)
    dilations: Pair = (1, 1)
    groups: int = 1
    pool: Pool = NO_POOL

    @property
    def outputs(self) -> int:
        """Output channels."""
        return int(self.weights.shape[0])

    @property
    def joins(self) -> bool:
        """Whether it reads several tensors."""
        return len(self.sources) > 1

    @property
    def row_extent(self) -> int:
        """Rows of a source that one window spans, dilation included."""
        return 1 if self.joins else (self.weights.shape[2] - 1) * self.dilations[0] + 1

    @property
    def per_channel(self) -> bool:
        """Whether every group is one channel."""
        return self.groups > 1 and self.weights.shape[1] == 1

    @property
    def single_window(self) -> bool:
        """Whether every output channel is one sum, as in fully connected layers."""
        return self.output_shape[1:] == (1, 1) and self.pool.kernel == (1, 1)

    def accumulated_rows(self, rows: int) -> int:
        """Rows of windows under `rows` output rows, before max-pooling."""
        return (rows - 1) * self.pool.strides[0] + self.pool.kernel[0]

    def input_rows(self, first_row: int, rows: int) -> tuple[int, int]:
        """First row and number of rows of a source under `rows` output rows from `first_row`.

        Rows count from the first inside the source's border; the first may be negative.
        """
        first = first_row * self.pool.strides[0] * self.strides[0] - self.pads[0]
        return first, (self.accumulated_rows(rows) - 1) * self.strides[0] + self.row_extent


def accumulator_bits(operation: Operation, input_range: tuple[int, int]) -> int:
    """Width, sign included, that holds every partial sum of every output in any order.

    Bounds each product by the range of the inputs.
    """
    lowest, highest = max(0, -input_range[0]), max(0, input_range[1])
    positive, negative = (sums.astype(object) for sums in signed_sums(operation.weights))
    up = positive * highest + negative * lowest + np.maximum(operation.bias, 0).astype(object)
    down = positive * lowest + negative * highest + np.maximum(-operation.bias, 0).astype(object)
    return 1 + max(int(up.max()).bit_length(), max(int(down.max()) - 1, 0).bit_length())

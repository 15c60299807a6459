"""State of an ONNX import, and the reading of constants and attributes."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from networks.errors import NetworkError
from networks.formats import Format
from networks.layers import Layer, Pair, Reshape, Shape

Dims = tuple[int, ...]
"""Sizes of an ONNX tensor but for the batch."""


@dataclass(frozen=True, eq=False)
class Constant:
    """A tensor known at import: stored integers if it has a format, else what the file holds.

    `scales`, one for each index of `axis`, multiply the scale of the format; None stands for ones.
    """

    array: NDArray
    format: Format | None = None
    scales: NDArray[np.float64] | None = None
    axis: int = 0

    def transposed(self) -> "Constant":
        """A matrix with rows and columns exchanged."""
        return Constant(self.array.T, self.format, self.scales, 1 - self.axis)

    @property
    def output_scales(self) -> NDArray[np.float64] | None:
        """Scales of the first axis; raises NetworkError if they are those of another."""
        if self.scales is not None and self.axis != 0:
            raise NetworkError(f"scales must be one an output channel, not along axis {self.axis}")
        return self.scales


@dataclass
class Reader:
    """State of one import: known constants, layers so far, and which layer makes which tensor."""

    constants: dict[str, Constant]
    outputs: frozenset[str] = frozenset()
    layers: list[Layer] = field(default_factory=list)
    made_by: dict[str, Layer] = field(default_factory=dict)
    shapes: dict[str, Shape] = field(default_factory=dict)
    dims: dict[str, Dims] = field(default_factory=dict)

    def append(self, layer: Layer, tensor: str, dims: Dims | None = None) -> None:
        """Adds a layer whose result is `tensor`; `dims` of as many sizes as its (first) input's.

        A reshape is added behind it if `dims` are given and are not its shape.
        """
        shape = layer.output_shape(*(self.shapes[name] for name in layer.inputs))
        self.shapes[layer.name] = shape
        self.layers.append(layer)
        if dims is not None and shape_of(dims) != shape:
            name = f"{layer.name} reshaped"
            self.append(Reshape(name=name, inputs=(layer.name,), shape=shape_of(dims)), tensor)
        else:
            self.made_by[tensor] = layer
        if dims is None:
            dims = shape[: self._rank(layer)]
        self.dims[tensor] = dims

    def _rank(self, layer: Layer) -> int:
        known = [len(self.dims[t]) for t, made in self.made_by.items() if made.name in layer.inputs]
        return known[0] if known else 3

    def source(self, tensor: str) -> tuple[str, Shape]:
        """Name and result shape of the layer that makes `tensor`."""
        layer = self.made_by.get(tensor)
        if layer is None:
            what = "a constant" if tensor in self.constants else "unknown"
            raise NetworkError(f"input '{tensor}' must be the result of a layer, not {what}")
        return layer.name, self.shapes[layer.name]

    def map(self, tensor: str) -> tuple[str, Shape]:
        """As `source`; raises NetworkError unless it is (batch, channels, height, width)."""
        source = self.source(tensor)
        if len(self.dims[tensor]) != 3:
            raise NetworkError(
                f"input '{tensor}' must be (batch, channels, height, width), "
                f"not (batch, {', '.join(map(str, self.dims[tensor]))})"
            )
        return source

    def constant(self, tensor: str) -> Constant:
        """The constant called `tensor`; raises NetworkError if it is computed at run time."""
        if tensor not in self.constants:
            raise NetworkError(f"input '{tensor}' must be a constant")
        return self.constants[tensor]

    def optional(self, node: onnx.NodeProto, index: int) -> Constant | None:
        """The constant at an input that may be left out."""
        if index >= len(node.input) or not node.input[index]:
            return None
        return self.constant(node.input[index])

    def integers(
        self, node: onnx.NodeProto, name: str, index: int, default: list[int] | None = None
    ) -> list[int]:
        """Integers from attribute `name` or, in newer operator sets, from input `index`."""
        values = attributes_of(node).get(name)
        constant = self.optional(node, index)
        if constant is not None:
            values = constant.array.reshape(-1).tolist()
        if values is None:
            values = default
        if values is None:
            raise NetworkError(f"{name} must be given")
        return [int(value) for value in values]


def shape_of(dims: Dims) -> Shape:
    """The shape (channels, height, width) of a tensor of one to three sizes but for the batch."""
    if not 1 <= len(dims) <= 3:
        raise NetworkError(f"tensors must have 1 to 3 sizes behind the batch, not {list(dims)}")
    channels, height, width = (*dims, 1, 1)[:3]
    return channels, height, width


def attributes_of(node: onnx.NodeProto) -> dict[str, Any]:
    """Values of a node's attributes, by name."""
    return {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}


def require(attributes: dict[str, Any], **allowed: Any) -> None:
    """Raises NetworkError unless each attribute has the given value (its default) or is absent."""
    for name, value in allowed.items():
        given = attributes.get(name, value)
        if given != value:
            raise NetworkError(f"attribute {name} must be {value}, not {given}")


def pair_of(attributes: dict[str, Any], name: str) -> Pair:
    """Two values, height and width, 1 if absent."""
    values = attributes.get(name, [1, 1])
    if len(values) != 2:
        raise NetworkError(f"attribute {name} must have 2 values (two dimensions), not {values}")
    return values[0], values[1]

"""State of an ONNX import, and the reading of constants, attributes and scales."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from networks.errors import NetworkError
from networks.formats import Format
from networks.layers import NO_PADS, Layer, Pads, Pair, Shape

_FORMATS: dict[str, tuple[int, bool]] = {
    "int8": (8, True),
    "uint8": (8, False),
    "int16": (16, True),
    "uint16": (16, False),
    "int32": (32, True),
}


@dataclass(frozen=True)
class Constant:
    """A tensor known at import: stored integers if it has a format, else what the file holds."""

    array: NDArray
    format: Format | None = None


@dataclass
class Reader:
    """State of one import: known constants, layers so far, and which layer makes which tensor."""

    constants: dict[str, Constant]
    layers: list[Layer] = field(default_factory=list)
    made_by: dict[str, Layer] = field(default_factory=dict)
    shapes: dict[str, Shape] = field(default_factory=dict)

    def append(self, layer: Layer, tensor: str) -> None:
        """Adds a layer whose result is `tensor`."""
        source = self.shapes[layer.inputs[0]] if layer.inputs else (0, 0, 0)
        self.shapes[layer.name] = layer.output_shape(source)
        self.layers.append(layer)
        self.made_by[tensor] = layer

    def source(self, tensor: str) -> tuple[str, Shape]:
        """Name and result shape of the layer that makes `tensor`."""
        layer = self.made_by.get(tensor)
        if layer is None:
            what = "a constant" if tensor in self.constants else "unknown"
            raise NetworkError(f"input '{tensor}' must be the result of a layer, not {what}")
        return layer.name, self.shapes[layer.name]

    def constant(self, tensor: str) -> Constant:
        """The constant called `tensor`; raises NetworkError if it is computed at run time."""
        if tensor not in self.constants:
            raise NetworkError(f"input '{tensor}' must be a constant")
        return self.constants[tensor]


def attributes_of(node: onnx.NodeProto) -> dict[str, Any]:
    """Values of a node's attributes, by name."""
    return {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}


def require(attributes: dict[str, Any], **allowed: Any) -> None:
    """Raises NetworkError unless each attribute has the given value (its default) or is absent."""
    for name, value in allowed.items():
        given = attributes.get(name, value)
        if given != value:
            raise NetworkError(f"attribute {name} must be {value}, not {given}")


def pads_of(attributes: dict[str, Any]) -> Pads:
    """Explicit pads; ONNX orders them top, left, bottom, right as we do."""
    padding = attributes.get("auto_pad", b"NOTSET")
    if padding not in (b"NOTSET", b"VALID"):
        raise NetworkError(f"attribute auto_pad must be NOTSET or VALID, not {padding.decode()}")
    pads = attributes.get("pads", list(NO_PADS))
    if len(pads) != 4:
        raise NetworkError(f"attribute pads must have 4 values (two dimensions), not {pads}")
    top, left, bottom, right = pads
    return NO_PADS if padding == b"VALID" else (top, left, bottom, right)


def pair_of(attributes: dict[str, Any], name: str) -> Pair:
    """Two values, height and width, 1 if absent."""
    values = attributes.get(name, [1, 1])
    if len(values) != 2:
        raise NetworkError(f"attribute {name} must have 2 values (two dimensions), not {values}")
    return values[0], values[1]


def read_format(reader: Reader, scale_name: str, number_type: str) -> Format:
    """The format of a scale and a stored type; the scale must be one power of two."""
    if number_type not in _FORMATS:
        raise NetworkError(f"quantised type must be one of {list(_FORMATS)}, not {number_type}")
    scale = reader.constant(scale_name).array
    if scale.size != 1:
        raise NetworkError(f"scale '{scale_name}' must be one value a tensor, not {scale.size}")
    mantissa, exponent = np.frexp(float(scale.reshape(())))
    if mantissa != 0.5:
        raise NetworkError(
            f"scale '{scale_name}' must be a power of two, not {float(scale.reshape(())):.6g}"
        )
    bits, signed = _FORMATS[number_type]
    return Format(bits, 1 - int(exponent), signed)


def zero_point_type(reader: Reader, node: onnx.NodeProto, default: str) -> str:
    """Stored type of a node's zero point, which must be 0; `default` if it has none."""
    if len(node.input) < 3 or not node.input[2]:
        return default
    zero_point = reader.constant(node.input[2]).array
    if np.any(zero_point):
        raise NetworkError(f"zero point '{node.input[2]}' must be 0 (symmetric)")
    return str(zero_point.dtype)

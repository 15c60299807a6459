"""ONNX operators of quantisation: scales, zero points, and constants in integers."""

import numpy as np
import onnx
from numpy.typing import NDArray

from networks.errors import NetworkError
from networks.formats import Format
from networks.layers import Identity, Quantise
from networks.onnx_reader import Constant, Reader, attributes_of

_FORMATS: dict[str, tuple[int, bool]] = {
    "int8": (8, True),
    "uint8": (8, False),
    "int16": (16, True),
    "uint16": (16, False),
    "int32": (32, True),
}


def quantize_linear(reader: Reader, node: onnx.NodeProto, name: str) -> None:
    """Constants become integers at once, others a layer."""
    number_type = _zero_point_type(reader, node, "uint8")
    if node.input[0] in reader.constants:
        real = reader.constant(node.input[0]).array
        target = _described(reader, node, real, number_type)
        assert target.format is not None
        unscaled = real / _along(target, real.ndim)
        stored = Constant(
            target.format.quantise(unscaled), target.format, target.scales, target.axis
        )
        reader.constants[node.output[0]] = stored
        return
    source, _ = reader.source(node.input[0])
    number_format = _tensor_format(reader, node, number_type)
    layer = Quantise(name=name, inputs=(source,), format=number_format)
    reader.append(layer, node.output[0])


def dequantize_linear(reader: Reader, node: onnx.NodeProto, name: str) -> None:
    """The format of a constant, or of the Quantise layer in front, which it must agree with."""
    if node.input[0] in reader.constants:
        known = reader.constant(node.input[0])
        _zero_point_type(reader, node, "int32")
        number_type = str(known.array.dtype) if known.format is None else known.format.type_name
        target = _described(reader, node, known.array, number_type)
        if known.format is not None and not _same(known, target):
            raise NetworkError(f"format must be {known.format} as quantised, not {target.format}")
        reader.constants[node.output[0]] = target
        return
    source, _ = reader.source(node.input[0])
    quantise = reader.made_by[node.input[0]]
    if not isinstance(quantise, Quantise):
        raise NetworkError(f"input must be the result of a QuantizeLinear, not {quantise.op}")
    number_type = _zero_point_type(reader, node, quantise.format.type_name)
    given = _tensor_format(reader, node, number_type)
    if given != quantise.format:
        raise NetworkError(f"format must be {quantise.format} as quantised, not {given}")
    reader.append(Identity(name=name, inputs=(source,)), node.output[0])


def _scales(
    reader: Reader, node: onnx.NodeProto, number_type: str
) -> tuple[NDArray[np.float64], int, bool]:
    """All scales of a node, and bits and sign of its stored type."""
    if number_type not in _FORMATS:
        raise NetworkError(f"quantised type must be one of {list(_FORMATS)}, not {number_type}")
    scales = reader.constant(node.input[1]).array.astype(np.float64).reshape(-1)
    if not np.all((scales > 0) & np.isfinite(scales)):
        raise NetworkError(f"scale '{node.input[1]}' must be positive, not {scales.min():.6g}")
    return scales, *_FORMATS[number_type]


def _tensor_format(reader: Reader, node: onnx.NodeProto, number_type: str) -> Format:
    """The format of a tensor that is computed."""
    scales, bits, signed = _scales(reader, node, number_type)
    if len(scales) != 1:
        raise NetworkError(f"scale '{node.input[1]}' must be one value a tensor, not {len(scales)}")
    return Format.of_scale(bits, float(scales[0]), signed=signed)


def _described(reader: Reader, node: onnx.NodeProto, array: NDArray, number_type: str) -> Constant:
    """The constant `array` with the format, and scales if there are several, of a node."""
    scales, bits, signed = _scales(reader, node, number_type)
    if len(scales) == 1:
        return Constant(array, Format.of_scale(bits, float(scales[0]), signed=signed))
    axis = attributes_of(node).get("axis", 1)
    axis += array.ndim if axis < 0 else 0
    if not 0 <= axis < array.ndim or array.shape[axis] != len(scales):
        raise NetworkError(
            f"scale '{node.input[1]}' must have one value an index of axis {axis} "
            f"of {array.shape}, not {len(scales)}"
        )
    return Constant(array, Format(bits, 0, signed), scales, axis)


def _along(constant: Constant, dimensions: int) -> NDArray[np.float64]:
    """The scales of a constant, shaped to go with its array."""
    if constant.scales is None:
        return np.ones(())
    shape = [1] * dimensions
    shape[constant.axis] = -1
    return constant.scales.reshape(shape)


def _same(one: Constant, other: Constant) -> bool:
    if one.format != other.format or (one.scales is None) != (other.scales is None):
        return False
    if one.scales is None or other.scales is None:
        return True
    return one.axis == other.axis and np.array_equal(one.scales, other.scales)


def _zero_point_type(reader: Reader, node: onnx.NodeProto, default: str) -> str:
    """Stored type of a node's zero point, which must be 0; `default` if it has none."""
    zero_point = reader.optional(node, 2)
    if zero_point is None:
        return default
    if np.any(zero_point.array):
        raise NetworkError(f"zero point '{node.input[2]}' must be 0 (symmetric)")
    return str(zero_point.array.dtype)

"""ONNX operators to layers: one small function an operator."""

from collections.abc import Callable

import numpy as np
import onnx

from networks.errors import NetworkError
from networks.layers import (
    BiasAdd,
    Conv,
    Gemm,
    Identity,
    MaxPool,
    Pool,
    Quantise,
    Relu,
    Reshape,
    elements,
)
from networks.onnx_reader import (
    Constant,
    Reader,
    attributes_of,
    pads_of,
    pair_of,
    read_format,
    require,
    zero_point_type,
)


def _quantize_linear(reader: Reader, node: onnx.NodeProto, name: str) -> None:
    target = read_format(reader, node.input[1], zero_point_type(reader, node, "uint8"))
    if node.input[0] in reader.constants:
        real = reader.constant(node.input[0]).array
        reader.constants[node.output[0]] = Constant(target.quantise(real), target)
        return
    source, _ = reader.source(node.input[0])
    reader.append(Quantise(name=name, inputs=(source,), format=target), node.output[0])


def _dequantize_linear(reader: Reader, node: onnx.NodeProto, name: str) -> None:
    if node.input[0] in reader.constants:
        stored = reader.constant(node.input[0]).array
        zero_point_type(reader, node, "int32")
        known = reader.constant(node.input[0]).format
        number_type = str(stored.dtype) if known is None else known.type_name
        target = read_format(reader, node.input[1], number_type)
        if known not in (None, target):
            raise NetworkError(f"format must be {known} as quantised, not {target}")
        reader.constants[node.output[0]] = Constant(stored, target)
        return
    source, _ = reader.source(node.input[0])
    quantise = reader.made_by[node.input[0]]
    if not isinstance(quantise, Quantise):
        raise NetworkError(f"input must be the result of a QuantizeLinear, not {quantise.op}")
    number_type = zero_point_type(reader, node, quantise.format.type_name)
    given = read_format(reader, node.input[1], number_type)
    if given != quantise.format:
        raise NetworkError(f"format must be {quantise.format} as quantised, not {given}")
    reader.append(Identity(name=name, inputs=(source,)), node.output[0])


def _conv(reader: Reader, node: onnx.NodeProto, name: str) -> None:
    attributes = attributes_of(node)
    source, _ = reader.source(node.input[0])
    weights = reader.constant(node.input[1])
    if weights.array.ndim != 4:
        raise NetworkError(f"weights must have 4 dimensions, not {weights.array.ndim}")
    kernel = list(weights.array.shape[2:])
    require(attributes, kernel_shape=kernel)
    bias = reader.constant(node.input[2]) if len(node.input) > 2 and node.input[2] else None
    layer = Conv(
        name=name,
        inputs=(source,),
        weights=weights.array,
        weight_format=weights.format,
        bias=None if bias is None else bias.array,
        bias_format=None if bias is None else bias.format,
        strides=pair_of(attributes, "strides"),
        dilations=pair_of(attributes, "dilations"),
        pads=pads_of(attributes),
        groups=attributes.get("group", 1),
    )
    reader.append(layer, node.output[0])


def _fully_connected(
    reader: Reader, node: onnx.NodeProto, name: str, weights: Constant, bias: Constant | None
) -> None:
    source, shape = reader.source(node.input[0])
    if weights.array.ndim != 2:
        raise NetworkError(f"weights must have 2 dimensions, not {weights.array.ndim}")
    if shape != (weights.array.shape[1], 1, 1):
        raise NetworkError(f"input must be a vector of {weights.array.shape[1]}, not {shape}")
    layer = Gemm(
        name=name,
        inputs=(source,),
        weights=weights.array[:, :, None, None],
        weight_format=weights.format,
        bias=None if bias is None else np.broadcast_to(bias.array.reshape(-1), len(weights.array)),
        bias_format=None if bias is None else bias.format,
    )
    reader.append(layer, node.output[0])


def _gemm(reader: Reader, node: onnx.NodeProto, name: str) -> None:
    attributes = attributes_of(node)
    require(attributes, alpha=1.0, beta=1.0, transA=0)
    weights = reader.constant(node.input[1])
    if not attributes.get("transB", 0):
        weights = Constant(weights.array.T, weights.format)
    bias = reader.constant(node.input[2]) if len(node.input) > 2 and node.input[2] else None
    if bias is not None and bias.array.size not in (1, len(weights.array)):
        raise NetworkError(f"bias must have {len(weights.array)} values, not {bias.array.size}")
    _fully_connected(reader, node, name, weights, bias)


def _matmul(reader: Reader, node: onnx.NodeProto, name: str) -> None:
    weights = reader.constant(node.input[1])
    _fully_connected(reader, node, name, Constant(weights.array.T, weights.format), None)


def _add(reader: Reader, node: onnx.NodeProto, name: str) -> None:
    constant, tensor = node.input if node.input[0] in reader.constants else node.input[::-1]
    if constant not in reader.constants:
        raise NetworkError("one input must be a constant (a bias)")
    source, shape = reader.source(tensor)
    bias = reader.constant(constant)
    is_map = shape[1:] != (1, 1) or isinstance(reader.made_by[tensor], Conv)
    allowed = [(shape[0], 1, 1), (1, shape[0], 1, 1)] if is_map else [(shape[0],), (1, shape[0])]
    if bias.array.size != 1 and bias.array.shape not in allowed:
        raise NetworkError(f"bias must have shape {allowed[0]}, not {bias.array.shape}")
    values = np.broadcast_to(bias.array.reshape(-1), shape[0])
    layer = BiasAdd(name=name, inputs=(source,), bias=values, bias_format=bias.format)
    reader.append(layer, node.output[0])


def _max_pool(reader: Reader, node: onnx.NodeProto, name: str) -> None:
    attributes = attributes_of(node)
    require(attributes, ceil_mode=0, storage_order=0, dilations=[1, 1])
    if len(node.output) > 1 and node.output[1]:
        raise NetworkError("must have one output (no indices)")
    pool = Pool(
        pair_of(attributes, "kernel_shape"), pair_of(attributes, "strides"), pads_of(attributes)
    )
    source, _ = reader.source(node.input[0])
    reader.append(MaxPool(name=name, inputs=(source,), pool=pool), node.output[0])


def _flatten(reader: Reader, node: onnx.NodeProto, name: str) -> None:
    require(attributes_of(node), axis=1)
    source, shape = reader.source(node.input[0])
    target = (elements(shape), 1, 1)
    reader.append(Reshape(name=name, inputs=(source,), shape=target), node.output[0])


def _reshape(reader: Reader, node: onnx.NodeProto, name: str) -> None:
    source, shape = reader.source(node.input[0])
    target = [int(size) for size in reader.constant(node.input[1]).array]
    allowed = "batch first, then one or three sizes"
    if len(target) not in (2, 4) or target[0] not in (-1, 0, 1):
        raise NetworkError(f"shape must be {allowed}, not {target}")
    sizes = [shape[i] if size == 0 else size for i, size in enumerate(target[1:])]
    if sizes.count(-1) == 1:
        known = int(np.prod([size for size in sizes if size != -1]))
        sizes[sizes.index(-1)] = elements(shape) // known
    if min(sizes) < 1:
        raise NetworkError(f"shape must be {allowed}, not {target}")
    channels, height, width = sizes if len(sizes) == 3 else (*sizes, 1, 1)
    reshape = Reshape(name=name, inputs=(source,), shape=(channels, height, width))
    reader.append(reshape, node.output[0])


def _relu(reader: Reader, node: onnx.NodeProto, name: str) -> None:
    source, _ = reader.source(node.input[0])
    reader.append(Relu(name=name, inputs=(source,)), node.output[0])


def _identity(reader: Reader, node: onnx.NodeProto, name: str) -> None:
    if node.input[0] in reader.constants:
        reader.constants[node.output[0]] = reader.constants[node.input[0]]
        return
    source, _ = reader.source(node.input[0])
    reader.append(Identity(name=name, inputs=(source,)), node.output[0])


def _constant(reader: Reader, node: onnx.NodeProto, name: str) -> None:
    value = attributes_of(node).get("value")
    if value is None:
        raise NetworkError("attribute value must be given (a tensor)")
    reader.constants[node.output[0]] = Constant(onnx.numpy_helper.to_array(value))


def read_node(reader: Reader, node: onnx.NodeProto) -> None:
    """Appends the layer of one node to `reader`; raises NetworkError that names the node."""
    name = node.name or node.output[0]
    try:
        convert = CONVERTERS.get(node.op_type)
        if convert is None or node.domain not in ("", "ai.onnx"):
            known = ", ".join(sorted(CONVERTERS))
            raise NetworkError(f"operator must be one of {known}, not {node.op_type}")
        convert(reader, node, name)
    except NetworkError as error:
        reason = str(error).removeprefix(f"layer '{name}': ")
        raise NetworkError(f"node '{name}' ({node.op_type}): {reason}") from error


CONVERTERS: dict[str, Callable[[Reader, onnx.NodeProto, str], None]] = {
    "Add": _add,
    "Constant": _constant,
    "Conv": _conv,
    "DequantizeLinear": _dequantize_linear,
    "Dropout": _identity,
    "Flatten": _flatten,
    "Gemm": _gemm,
    "Identity": _identity,
    "MatMul": _matmul,
    "MaxPool": _max_pool,
    "QuantizeLinear": _quantize_linear,
    "Relu": _relu,
    "Reshape": _reshape,
}
"""Every supported operator; Dropout does nothing at inference."""

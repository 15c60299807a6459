"""ONNX operators to layers: the table of all that are supported."""

from collections.abc import Callable
from math import inf

import onnx

from networks import onnx_pooling as pooling
from networks import onnx_quantisation as quantisation
from networks import onnx_shapes as shapes
from networks import onnx_weights as weights
from networks.errors import NetworkError
from networks.layers import Clip, Relu
from networks.onnx_reader import Reader, attributes_of

Converter = Callable[[Reader, onnx.NodeProto, str], None]


def _relu(reader: Reader, node: onnx.NodeProto, name: str) -> None:
    source, _ = reader.source(node.input[0])
    reader.append(Relu(name=name, inputs=(source,)), node.output[0])


def _clip(reader: Reader, node: onnx.NodeProto, name: str) -> None:
    """Limits are attributes or, in newer operator sets, inputs."""
    source, _ = reader.source(node.input[0])
    limits = []
    for index, (key, unlimited) in enumerate((("min", -inf), ("max", inf)), start=1):
        constant = reader.optional(node, index)
        limit = attributes_of(node).get(key, unlimited)
        limits.append(limit if constant is None else float(constant.array.reshape(())))
    low, high = limits
    if low > high:
        raise NetworkError(f"min must be max ({high:g}) at most, not {low:g}")
    reader.append(Clip(name=name, inputs=(source,), low=low, high=high), node.output[0])


CONVERTERS: dict[str, Converter] = {
    "Add": weights.add,
    "AveragePool": pooling.average_pool,
    "BatchNormalization": weights.batch_normalization,
    "Clip": _clip,
    "Concat": shapes.concat,
    "Constant": shapes.constant,
    "Conv": weights.conv,
    "DequantizeLinear": quantisation.dequantize_linear,
    "Dropout": shapes.identity,
    "Flatten": shapes.flatten,
    "Gemm": weights.gemm,
    "GlobalAveragePool": pooling.global_average_pool,
    "GlobalMaxPool": pooling.global_max_pool,
    "Identity": shapes.identity,
    "MatMul": weights.matmul,
    "MaxPool": pooling.max_pool,
    "Pad": shapes.pad,
    "QuantizeLinear": quantisation.quantize_linear,
    "ReduceMean": pooling.reduce_mean,
    "Relu": _relu,
    "Reshape": shapes.reshape,
    "Softmax": shapes.softmax,
    "Squeeze": shapes.squeeze,
    "Transpose": shapes.transpose,
    "Unsqueeze": shapes.unsqueeze,
}
"""Every supported operator."""


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

"""ONNX operators with weights: convolutions, fully connected layers, batch normalisation."""

import numpy as np
import onnx

from networks.errors import NetworkError
from networks.layers import Add, BatchNorm, BiasAdd, Conv, Gemm
from networks.onnx_reader import Constant, Reader, attributes_of, pair_of, require
from networks.onnx_windows import pads_of


def conv(reader: Reader, node: onnx.NodeProto, name: str) -> None:
    """Two-dimensional, with any strides, pads, dilations and groups."""
    attributes = attributes_of(node)
    source, shape = reader.map(node.input[0])
    weights = reader.constant(node.input[1])
    if weights.array.ndim != 4:
        raise NetworkError(f"weights must have 4 dimensions, not {weights.array.ndim}")
    rows, columns = weights.array.shape[2:]
    require(attributes, kernel_shape=[rows, columns])
    bias = reader.optional(node, 2)
    strides, dilations = pair_of(attributes, "strides"), pair_of(attributes, "dilations")
    extent = (rows - 1) * dilations[0] + 1, (columns - 1) * dilations[1] + 1
    layer = Conv(
        name=name,
        inputs=(source,),
        weights=weights.array,
        weight_format=weights.format,
        channel_scales=weights.output_scales,
        bias=None if bias is None else bias.array,
        bias_format=None if bias is None else bias.format,
        bias_scales=None if bias is None else bias.output_scales,
        strides=strides,
        dilations=dilations,
        pads=pads_of(attributes, shape, extent, strides),
        groups=attributes.get("group", 1),
    )
    reader.append(layer, node.output[0])


def gemm(reader: Reader, node: onnx.NodeProto, name: str) -> None:
    """A fully connected layer, weights as (outputs, inputs) or transposed."""
    attributes = attributes_of(node)
    require(attributes, alpha=1.0, beta=1.0, transA=0)
    weights = reader.constant(node.input[1])
    if not attributes.get("transB", 0):
        weights = weights.transposed()
    bias = reader.optional(node, 2)
    if bias is not None and bias.array.size not in (1, len(weights.array)):
        raise NetworkError(f"bias must have {len(weights.array)} values, not {bias.array.size}")
    _fully_connected(reader, node, name, weights, bias)


def matmul(reader: Reader, node: onnx.NodeProto, name: str) -> None:
    """A fully connected layer without bias."""
    weights = reader.constant(node.input[1])
    if weights.array.ndim != 2:
        raise NetworkError(f"weights must have 2 dimensions, not {weights.array.ndim}")
    _fully_connected(reader, node, name, weights.transposed(), None)


def _fully_connected(
    reader: Reader, node: onnx.NodeProto, name: str, weights: Constant, bias: Constant | None
) -> None:
    source, _ = reader.source(node.input[0])
    if weights.array.ndim != 2:
        raise NetworkError(f"weights must have 2 dimensions, not {weights.array.ndim}")
    if reader.dims[node.input[0]] != (weights.array.shape[1],):
        raise NetworkError(
            f"input must be a vector of {weights.array.shape[1]}, not {reader.dims[node.input[0]]}"
        )
    layer = Gemm(
        name=name,
        inputs=(source,),
        weights=weights.array[:, :, None, None],
        weight_format=weights.format,
        channel_scales=weights.output_scales,
        bias=None if bias is None else np.broadcast_to(bias.array.reshape(-1), len(weights.array)),
        bias_format=None if bias is None else bias.format,
        bias_scales=None if bias is None else bias.output_scales,
    )
    reader.append(layer, node.output[0])


def add(reader: Reader, node: onnx.NodeProto, name: str) -> None:
    """Two tensors of one shape, or a tensor and a constant a channel (a bias)."""
    constants = [tensor for tensor in node.input if tensor in reader.constants]
    if not constants:
        inputs = tuple(reader.source(tensor)[0] for tensor in node.input)
        if reader.dims[node.input[0]] != reader.dims[node.input[1]]:
            first, second = (reader.dims[tensor] for tensor in node.input)
            raise NetworkError(f"inputs must have one shape, not {first} and {second}")
        reader.append(Add(name=name, inputs=inputs), node.output[0])
        return
    (tensor,) = (item for item in node.input if item != constants[0])
    source, shape = reader.source(tensor)
    bias = reader.constant(constants[0])
    rank = len(reader.dims[tensor])
    channel = (shape[0], *[1] * (rank - 1))
    if bias.array.size != 1 and bias.array.shape not in (channel, (1, *channel)):
        raise NetworkError(f"bias must have shape {channel}, not {bias.array.shape}")
    scales = None
    if bias.scales is not None:
        scales = Constant(bias.array, bias.format, bias.scales, 0).output_scales
    layer = BiasAdd(
        name=name,
        inputs=(source,),
        bias=np.broadcast_to(bias.array.reshape(-1), shape[0]),
        bias_format=bias.format,
        bias_scales=scales,
    )
    reader.append(layer, node.output[0])


def batch_normalization(reader: Reader, node: onnx.NodeProto, name: str) -> None:
    """At inference a gain and an offset a channel, in double precision."""
    attributes = attributes_of(node)
    require(attributes, training_mode=0)
    source, _ = reader.source(node.input[0])
    scale, shift, mean, variance = (
        reader.constant(tensor).array.astype(np.float64) for tensor in node.input[1:5]
    )
    gain = scale / np.sqrt(variance + attributes.get("epsilon", 1e-5))
    layer = BatchNorm(name=name, inputs=(source,), gain=gain, offset=shift - mean * gain)
    reader.append(layer, node.output[0])

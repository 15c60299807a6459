"""ONNX operators of pooling: maximum and mean, over windows or the whole map."""

import onnx

from networks.errors import NetworkError
from networks.layers import AveragePool, MaxPool, Pool
from networks.onnx_reader import Reader, attributes_of, pair_of, require
from networks.onnx_windows import pads_of


def max_pool(reader: Reader, node: onnx.NodeProto, name: str) -> None:
    """Any kernel, strides and pads; rounding up is done by padding."""
    attributes = attributes_of(node)
    require(attributes, storage_order=0, dilations=[1, 1])
    if len(node.output) > 1 and node.output[1]:
        raise NetworkError("must have one output (no indices)")
    source, shape = reader.map(node.input[0])
    kernel, strides = pair_of(attributes, "kernel_shape"), pair_of(attributes, "strides")
    ceil = bool(attributes.get("ceil_mode", 0))
    pool = Pool(kernel, strides, pads_of(attributes, shape, kernel, strides, ceil=ceil))
    reader.append(MaxPool(name=name, inputs=(source,), pool=pool), node.output[0])


def average_pool(reader: Reader, node: onnx.NodeProto, name: str) -> None:
    """Any kernel, strides and pads."""
    attributes = attributes_of(node)
    require(attributes, ceil_mode=0, dilations=[1, 1])
    source, shape = reader.map(node.input[0])
    kernel, strides = pair_of(attributes, "kernel_shape"), pair_of(attributes, "strides")
    layer = AveragePool(
        name=name,
        inputs=(source,),
        pool=Pool(kernel, strides, pads_of(attributes, shape, kernel, strides)),
        counts_pads=bool(attributes.get("count_include_pad", 0)),
    )
    reader.append(layer, node.output[0])


def global_max_pool(reader: Reader, node: onnx.NodeProto, name: str) -> None:
    """The largest element of each channel."""
    source, (_, *size) = reader.map(node.input[0])
    pool = Pool((size[0], size[1]), (1, 1))
    reader.append(MaxPool(name=name, inputs=(source,), pool=pool), node.output[0])


def global_average_pool(reader: Reader, node: onnx.NodeProto, name: str) -> None:
    """The mean of each channel."""
    source, (_, *size) = reader.map(node.input[0])
    pool = Pool((size[0], size[1]), (1, 1))
    reader.append(AveragePool(name=name, inputs=(source,), pool=pool), node.output[0])


def reduce_mean(reader: Reader, node: onnx.NodeProto, name: str) -> None:
    """The mean over sizes behind the channels."""
    source, shape = reader.source(node.input[0])
    dims = reader.dims[node.input[0]]
    given = reader.integers(node, "axes", 1, default=[])
    axes = sorted(axis + len(dims) + 1 if axis < 0 else axis for axis in given)
    if not axes or min(axes) < 2 or max(axes) > len(dims):
        raise NetworkError(f"axes must be sizes behind the channels (2 or 3), not {given}")
    kernel = (shape[1] if 2 in axes else 1, shape[2] if 3 in axes else 1)
    kept = bool(attributes_of(node).get("keepdims", 1))
    reduced = [1 if axis in axes else size for axis, size in enumerate(dims, start=1)]
    if not kept:
        reduced = [size for axis, size in enumerate(dims, start=1) if axis not in axes]
    layer = AveragePool(name=name, inputs=(source,), pool=Pool(kernel, (1, 1)))
    reader.append(layer, node.output[0], tuple(reduced))

"""ONNX operators that move elements: reshaping, transposing, padding, concatenating."""

import numpy as np
import onnx
import onnx.numpy_helper

from networks.errors import NetworkError
from networks.layers import Concat, Identity, Pad, Reshape, Transpose, elements
from networks.onnx_reader import Constant, Dims, Reader, attributes_of, require, shape_of


def flatten(reader: Reader, node: onnx.NodeProto, name: str) -> None:
    """A vector of all elements."""
    require(attributes_of(node), axis=1)
    _, shape = reader.source(node.input[0])
    _reshaped(reader, node, name, (elements(shape),))


def reshape(reader: Reader, node: onnx.NodeProto, name: str) -> None:
    """Any shape that keeps the batch apart."""
    require(attributes_of(node), allowzero=0)
    _, shape = reader.source(node.input[0])
    dims = reader.dims[node.input[0]]
    target = [int(size) for size in reader.constant(node.input[1]).array]
    allowed = "batch first, then one to three sizes"
    if not 2 <= len(target) <= 4 or target[0] not in (-1, 0, 1):
        raise NetworkError(f"shape must be {allowed}, not {target}")
    if any(size == 0 and index >= len(dims) for index, size in enumerate(target[1:])):
        raise NetworkError(f"shape must copy sizes that are there, not {target}")
    sizes = [dims[i] if size == 0 else size for i, size in enumerate(target[1:])]
    if sizes.count(-1) == 1:
        known = int(np.prod([size for size in sizes if size != -1]))
        sizes[sizes.index(-1)] = elements(shape) // max(1, known)
    if min(sizes) < 1:
        raise NetworkError(f"shape must be {allowed}, not {target}")
    _reshaped(reader, node, name, tuple(sizes))


def squeeze(reader: Reader, node: onnx.NodeProto, name: str) -> None:
    """Without sizes of 1."""
    reader.source(node.input[0])
    dims = reader.dims[node.input[0]]
    ones = [axis for axis, size in enumerate(dims, start=1) if size == 1]
    given = reader.integers(node, "axes", 1, default=ones)
    axes = [axis + len(dims) + 1 if axis < 0 else axis for axis in given]
    if not set(axes) <= set(ones):
        raise NetworkError(f"axes must be those of size 1, not {given} of (batch, {dims})")
    kept = [size for axis, size in enumerate(dims, start=1) if axis not in axes]
    _reshaped(reader, node, name, tuple(kept))


def unsqueeze(reader: Reader, node: onnx.NodeProto, name: str) -> None:
    """With more sizes of 1."""
    reader.source(node.input[0])
    sizes = list(reader.dims[node.input[0]])
    given = reader.integers(node, "axes", 1)
    rank = len(sizes) + 1 + len(given)
    for axis in sorted(axis + rank if axis < 0 else axis for axis in given):
        if not 1 <= axis < rank:
            raise NetworkError(f"axes must be behind the batch, not {given}")
        sizes.insert(axis - 1, 1)
    _reshaped(reader, node, name, tuple(sizes))


def _reshaped(reader: Reader, node: onnx.NodeProto, name: str, dims: Dims) -> None:
    source, _ = reader.source(node.input[0])
    layer = Reshape(name=name, inputs=(source,), shape=shape_of(dims))
    reader.append(layer, node.output[0], dims)


def transpose(reader: Reader, node: onnx.NodeProto, name: str) -> None:
    """Any order that keeps the batch first."""
    source, _ = reader.source(node.input[0])
    dims = reader.dims[node.input[0]]
    order = attributes_of(node).get("perm", list(range(len(dims), -1, -1)))
    if order[0] != 0:
        raise NetworkError(f"perm must keep the batch first, not {order}")
    first, second, third = [axis - 1 for axis in order[1:]] + list(range(len(dims), 3))
    layer = Transpose(name=name, inputs=(source,), axes=(first, second, third))
    reader.append(layer, node.output[0], tuple(dims[axis - 1] for axis in order[1:]))


def pad(reader: Reader, node: onnx.NodeProto, name: str) -> None:
    """A constant around channels, rows and columns."""
    attributes = attributes_of(node)
    require(attributes, mode=b"constant")
    source, _ = reader.source(node.input[0])
    rank = len(reader.dims[node.input[0]])
    value = attributes.get("value", 0.0)
    constant = reader.optional(node, 2)
    if constant is not None:
        value = float(constant.array.reshape(()))
    given = reader.integers(node, "pads", 1)
    axes = reader.integers(node, "axes", 3, default=list(range(rank + 1)))
    if len(given) != 2 * len(axes):
        raise NetworkError(f"pads must have {2 * len(axes)} values, not {given}")
    before, after = [0] * 4, [0] * 4
    for index, axis in enumerate(axes):
        before[axis % (rank + 1)] = given[index]
        after[axis % (rank + 1)] = given[len(axes) + index]
    if before[0] or after[0]:
        raise NetworkError(f"pads must leave the batch as it is, not {given}")
    layer = Pad(
        name=name,
        inputs=(source,),
        before=(before[1], before[2], before[3]),
        after=(after[1], after[2], after[3]),
        value=value,
    )
    reader.append(layer, node.output[0])


def concat(reader: Reader, node: onnx.NodeProto, name: str) -> None:
    """Tensors one after another along the channels."""
    inputs = tuple(reader.source(tensor)[0] for tensor in node.input)
    rank = len(reader.dims[node.input[0]]) + 1
    axis = attributes_of(node)["axis"]
    if axis not in (1, 1 - rank):
        raise NetworkError(f"axis must be 1 (channels), not {axis}")
    reader.append(Concat(name=name, inputs=inputs), node.output[0])


def identity(reader: Reader, node: onnx.NodeProto, name: str) -> None:
    """A copy; also Dropout, which does nothing at inference."""
    if node.input[0] in reader.constants:
        reader.constants[node.output[0]] = reader.constants[node.input[0]]
        return
    source, _ = reader.source(node.input[0])
    reader.append(Identity(name=name, inputs=(source,)), node.output[0])


def softmax(reader: Reader, node: onnx.NodeProto, name: str) -> None:
    """Left out at the end of a network, whose result is then the logits, in the same order."""
    if node.output[0] not in reader.outputs:
        raise NetworkError("must make the network's result, from which it is left out")
    identity(reader, node, name)


def constant(reader: Reader, node: onnx.NodeProto, name: str) -> None:
    """A tensor, number or list in the file."""
    attributes = attributes_of(node)
    known = {"value", "value_float", "value_floats", "value_int", "value_ints"}
    given = next((attributes[key] for key in attributes if key in known), None)
    if given is None:
        raise NetworkError("attribute value must be given (a tensor or numbers)")
    is_tensor = isinstance(given, onnx.TensorProto)
    array = onnx.numpy_helper.to_array(given) if is_tensor else np.asarray(given)
    reader.constants[node.output[0]] = Constant(array)

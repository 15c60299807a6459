"""Import of ONNX files (QDQ integers, or floats with implicit zeros) and of built-in networks."""

from pathlib import Path

import onnx
import onnx.checker
import onnx.numpy_helper
import onnx.shape_inference
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from numpy.typing import NDArray

from networks import builtin
from networks.errors import NetworkError
from networks.graph import LayerGraph
from networks.layers import Input
from networks.onnx_operators import read_node
from networks.onnx_reader import Constant, Dims, Reader, shape_of
from networks.passes import optimise
from networks.quantise import quantise


def load(source: str | Path, *, calibration: NDArray | None = None, bits: int = 8) -> LayerGraph:
    """The layer graph of an ONNX file or of a built-in network's name (`builtin.names()`).

    A QDQ file gives an integer graph. A float file gives a float graph, or, with `calibration`
    (real inputs, `(images, channels, height, width)`), one quantised to `bits`
    (`quantise.quantise`). Raises NetworkError, one line, if the file is missing, damaged or not
    supported.
    """
    path = builtin.network_path(str(source)) or Path(source)
    try:
        graph = optimise(_read(path))
    except NetworkError as error:
        raise NetworkError(f"{path}: {error}") from error
    if calibration is not None and not graph.is_integer:
        graph = quantise(graph, calibration, bits=bits)
    return graph


def _read(path: Path) -> LayerGraph:
    model = _load_model(path)
    names = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in names]
    if len(inputs) != 1 or len(model.graph.output) != 1:
        raise NetworkError(
            f"network must have one input and one output, "
            f"not {len(inputs)} and {len(model.graph.output)}"
        )
    reader = Reader(
        {
            tensor.name: Constant(onnx.numpy_helper.to_array(tensor))
            for tensor in model.graph.initializer
        },
        outputs=frozenset(value.name for value in model.graph.output),
    )
    dims = _input_dims(inputs[0])
    reader.append(Input(name="input", shape=shape_of(dims)), inputs[0].name, dims)
    for node in model.graph.node:
        read_node(reader, node)
    output, _ = reader.source(model.graph.output[0].name)
    return LayerGraph(_ancestors(reader, output))


def _load_model(path: Path) -> onnx.ModelProto:
    if path.suffix != ".onnx":
        known = ", ".join(builtin.names())
        raise NetworkError(f"network must be a .onnx file or one of {known}, not '{path.name}'")
    if not path.is_file():
        raise NetworkError("network file must exist")
    try:
        model = onnx.load(path)
        onnx.checker.check_model(model)
        return onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True)
    except DecodeError as error:
        raise NetworkError("file must be an ONNX model, it cannot be decoded") from error
    except (
        onnx.checker.ValidationError,
        onnx.shape_inference.InferenceError,
        OSError,
        ValueError,
    ) as error:
        reason = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
        raise NetworkError(f"model must pass the ONNX checker: {reason}") from error


def _input_dims(value: onnx.ValueInfoProto) -> Dims:
    """Sizes of one image; the first dimension is the batch and may be symbolic, the others not."""
    dimensions = value.type.tensor_type.shape.dim
    sizes = [dimension.dim_value for dimension in dimensions[1:]]
    shown = [dimension.dim_param or dimension.dim_value for dimension in dimensions]
    if not 1 <= len(sizes) <= 3 or min(sizes) < 1:
        raise NetworkError(
            f"input '{value.name}' must be (batch, features) or (batch, channels, height, width), "
            f"fixed but for the batch, not {shown}"
        )
    return tuple(sizes)


def _ancestors(reader: Reader, output: str) -> tuple:
    """The layers that the output depends on: a file may hold unused branches."""
    needed = {output}
    for layer in reversed(reader.layers):
        if layer.name in needed:
            needed.update(layer.inputs)
    return tuple(layer for layer in reader.layers if layer.name in needed)

"""Random integer graphs and small ONNX models for the tests of this package."""

from typing import Any

import numpy as np
import onnx
from hypothesis import strategies as st
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from hdl.config import AcceleratorConfig
from networks.formats import Format
from networks.graph import LayerGraph
from networks.layers import Compute, Conv, Gemm, Input, Layer, MaxPool, Pool, Shape

INT8 = Format(8, 0)


def accelerator_of(bits: int = 8, **fields: Any) -> AcceleratorConfig:
    """A configuration of operand width `bits`; unchecked, as the compiler's own limits matter."""
    return AcceleratorConfig.model_construct(bits=bits, **fields)  # type: ignore[arg-type]


def sparse_weights(
    random: np.random.Generator, shape: tuple[int, ...], density: float, bits: int = 8
) -> NDArray:
    half = 1 << (bits - 1)
    weights = random.integers(-half, half, shape)
    return weights * (random.random(shape) < density)


def integer_layer(
    random: np.random.Generator,
    name: str,
    source: str,
    weights_shape: tuple[int, int, int, int],
    *,
    density: float = 0.3,
    fully_connected: bool = False,
    input_format: Format = INT8,
    shift: int | None = None,
    **options: Any,
) -> Compute:
    kind = Gemm if fully_connected else Conv
    bits = input_format.bits
    shift = bits + 1 if shift is None else shift
    peak = 5000 << (2 * bits - 16)
    return kind(
        name=name,
        inputs=(source,),
        weights=sparse_weights(random, weights_shape, density, bits),
        bias=random.integers(-peak, peak, weights_shape[0]),
        input_format=input_format,
        weight_format=Format(bits, shift),
        bias_format=Format.of_scale(62, input_format.scale * 2.0**-shift),
        output_format=Format(bits, input_format.frac_bits),
        **options,
    )


@st.composite
def integer_graphs(draw: st.DrawFn, bits: int = 8) -> LayerGraph:
    """Chains of small convolutions, max-poolings (fused or not) and fully connected layers."""
    number_format = Format(bits, 0)
    random = np.random.default_rng(draw(st.integers(0, 1 << 32)))
    size = st.integers(1, 9)
    shape: Shape = (draw(st.integers(1, 40)), draw(size), draw(size))
    layers: list[Layer] = [Input(name="input", shape=shape, format=number_format)]
    for index in range(draw(st.integers(1, 4))):
        name, source = f"layer{index}", layers[-1].name
        choice = draw(st.sampled_from(["conv", "conv", "gemm", "maxpool"]))
        outputs = draw(st.integers(1, 25))
        density = draw(st.sampled_from([0.0, 0.1, 0.5, 1.0]))
        if choice == "maxpool":
            layer: Layer = MaxPool(name=name, inputs=(source,), pool=draw(_pools(shape[1:])))
        elif choice == "gemm":
            layer = integer_layer(
                random,
                name,
                source,
                (outputs, *shape),
                density=density,
                fully_connected=True,
                input_format=number_format,
                relu=draw(st.booleans()),
            )
        else:
            layer = draw(
                _convolutions(random, name, source, shape, outputs, density, number_format)
            )
        layers.append(layer)
        shape = layer.output_shape(shape)
    return LayerGraph(tuple(layers))


@st.composite
def _pools(draw: st.DrawFn, size: tuple[int, int]) -> Pool:
    kernel = (draw(st.integers(1, min(3, size[0]))), draw(st.integers(1, min(3, size[1]))))
    return Pool(kernel, (draw(st.integers(1, 3)), draw(st.integers(1, 3))))


@st.composite
def _convolutions(
    draw: st.DrawFn,
    random: np.random.Generator,
    name: str,
    source: str,
    shape: Shape,
    outputs: int,
    density: float,
    number_format: Format,
) -> Compute:
    kernel_rows = draw(st.integers(1, min(3, shape[1])))
    dilation = draw(st.integers(1, 2)) if (kernel_rows - 1) * 2 < shape[1] else 1
    kernel_columns = draw(st.integers(1, min(5, shape[2])))
    layer = integer_layer(
        random,
        name,
        source,
        (outputs, shape[0], kernel_rows, kernel_columns),
        density=density,
        input_format=number_format,
        relu=draw(st.booleans()),
        strides=(draw(st.integers(1, 2)), draw(st.integers(1, 2))),
        dilations=(dilation, 1),
        pads=draw(st.sampled_from([(0, 0, 0, 0)] * 4 + [(1, 0, 0, 1)])),
    )
    if draw(st.booleans()):
        size = layer.accumulated_shape(shape)[1:]
        object.__setattr__(layer, "pool", draw(_pools(size)))
    return layer


def random_images(graph: LayerGraph, count: int, seed: int = 0) -> NDArray[np.int64]:
    """Images of which about half of the elements are zero."""
    random = np.random.default_rng(seed)
    shape = (count, *graph.input.shape)
    assert graph.input.format is not None
    low, high = graph.input.format.min, graph.input.format.max
    return random.integers(low, high + 1, shape) * random.integers(0, 2, shape)


def model(
    nodes: list[onnx.NodeProto],
    constants: dict[str, NDArray],
    *,
    input_shape: tuple[int | str, ...] = ("N", 1, 6, 6),
    output_rank: int = 2,
    opset: int = 19,
) -> onnx.ModelProto:
    """An ONNX model from tensor `x` to tensor `y`."""
    graph = helper.make_graph(
        nodes,
        "test",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, input_shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None] * output_rank)],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    opsets = [helper.make_opsetid("", opset)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=10 if opset > 20 else 9)

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
from networks.layers import Compute, Conv, Gemm, Input, Layer, MaxPool, Pads, Pool, Shape

INT8 = Format(8, 0)


def accelerator_of(bits: int = 8, **fields: Any) -> AcceleratorConfig:
    """A configuration of operand width `bits`."""
    return AcceleratorConfig.model_validate({"bits": bits, **fields})


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
    signed: bool = True,
    channel_scales: NDArray | None = None,
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
        output_format=Format(bits, input_format.frac_bits, signed),
        channel_scales=channel_scales,
        bias_scales=channel_scales,
        **options,
    )


@st.composite
def integer_graphs(
    draw: st.DrawFn, bits: int = 8, *, scales: st.SearchStrategy[str] | None = None
) -> LayerGraph:
    """Chains of small convolutions, max-poolings (fused or not) and fully connected layers.

    `scales` draws "layer" (a power of two), "channel" (one for each) or "real" ones.
    """
    number_format = Format(bits, 0, draw(st.booleans()))
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
            layer: Layer = MaxPool(
                name=name, inputs=(source,), pool=draw(_pools(shape[1:], padded=True))
            )
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
                signed=draw(st.booleans()),
            )
        else:
            kind = "layer" if scales is None else draw(scales)
            layer = draw(
                _convolutions(random, name, source, shape, outputs, density, number_format, kind)
            )
        layers.append(layer)
        shape = layer.output_shape(shape)
        if isinstance(layer, Compute):
            number_format = layer.known_output_format
    return LayerGraph(tuple(layers))


@st.composite
def _pools(draw: st.DrawFn, size: tuple[int, int], *, padded: bool = False) -> Pool:
    kernel = (draw(st.integers(1, min(3, size[0]))), draw(st.integers(1, min(3, size[1]))))
    strides = (draw(st.integers(1, 3)), draw(st.integers(1, 3)))
    return Pool(kernel, strides, draw(_pads(kernel)) if padded else (0, 0, 0, 0))


@st.composite
def _pads(draw: st.DrawFn, extent: tuple[int, int]) -> Pads:
    """Often none, otherwise less than a window on each side."""
    if draw(st.booleans()):
        return (0, 0, 0, 0)
    rows, columns = st.integers(0, extent[0] - 1), st.integers(0, extent[1] - 1)
    return draw(st.tuples(rows, columns, rows, columns))


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
    scales: str,
) -> Compute:
    kernel = (draw(st.integers(1, min(3, shape[1]))), draw(st.integers(1, min(5, shape[2]))))
    dilations = (
        draw(st.integers(1, max(1, (shape[1] - 1) // max(1, kernel[0] - 1)))),
        draw(st.integers(1, max(1, (shape[2] - 1) // max(1, kernel[1] - 1)))),
    )
    extent = tuple((n - 1) * d + 1 for n, d in zip(kernel, dilations, strict=True))
    groups = draw(st.sampled_from([n for n in range(1, shape[0] + 1) if shape[0] % n == 0]))
    outputs = groups * max(1, outputs // groups)
    channel_scales = None
    if scales != "layer":
        exponents = random.integers(-3, 2, outputs).astype(float)
        channel_scales = 2.0 ** (exponents + (random.random(outputs) if scales == "real" else 0))
    layer = integer_layer(
        random,
        name,
        source,
        (outputs, shape[0] // groups, *kernel),
        density=density,
        input_format=number_format,
        relu=draw(st.booleans()),
        limit=draw(st.sampled_from([None, 6.0, 100.0])),
        strides=(draw(st.integers(1, 2)), draw(st.integers(1, 2))),
        dilations=dilations,
        groups=groups,
        pads=draw(_pads((extent[0], extent[1]))),
        signed=draw(st.booleans()),
        channel_scales=channel_scales,
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

"""Each operator, in real numbers and in integers, against onnx's own reference evaluator."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from networks import importers, reference
from networks.errors import NetworkError
from networks.graph import LayerGraph
from networks.layers import Compute, Conv
from tests.networks.graphs import model
from tests.networks.onnx_models import Constants, evaluated, node, qdq, real, saved

COUNTED = {"count_include_pad": 1}
IMAGE = ("N", 4, 6, 6)
NORM: Constants = {
    "scale": np.abs(real(4, seed=1)) + 0.5,
    "shift": real(4, seed=2),
    "mean": real(4, seed=3),
    "variance": np.abs(real(4, seed=4)) + 0.1,
}
FLOAT: dict[str, tuple[list[onnx.NodeProto], Constants, int, list[str]]] = {
    "grouped convolution": (
        [node("Conv", "x w b", "y", group=2, pads=[0, 1, 2, 1], dilations=[2, 1])],
        {"w": real(6, 2, 3, 3), "b": real(6)},
        4,
        ["conv1"],
    ),
    "depthwise convolution with a multiplier": (
        [node("Conv", "x w", "y", group=4, pads=[1, 1, 1, 1], strides=[2, 2])],
        {"w": real(8, 1, 3, 3)},
        4,
        ["conv1"],
    ),
    "automatic padding": (
        [
            node("Conv", "x w", "c", auto_pad="SAME_UPPER", strides=[2, 1]),
            node("MaxPool", "c", "y", kernel_shape=[2, 2], auto_pad="SAME_LOWER"),
        ],
        {"w": real(3, 4, 2, 5)},
        4,
        ["conv1", "maxpool1"],
    ),
    "pooling that rounds up": (
        [
            node("MaxPool", "x", "p", kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1),
            node("MaxPool", "p", "y", kernel_shape=[2, 1], strides=[2, 3], ceil_mode=1),
        ],
        {},
        4,
        ["maxpool1", "maxpool2"],
    ),
    "relu6": (
        [node("Conv", "x w", "c"), node("Clip", "c low high", "y")],
        {"w": real(3, 4, 2, 2), "low": np.float32(0), "high": np.float32(3)},
        4,
        ["conv1"],
    ),
    "clip to another range, one limit": (
        [node("Clip", "x low", "c"), node("Clip", "c - high", "y")],
        {"low": np.float32(-0.5), "high": np.float32(0.7)},
        4,
        ["clip1", "clip2"],
    ),
    "average pooling": (
        [
            node("AveragePool", "x", "a", kernel_shape=[3, 2], strides=[2, 1], pads=[1, 0, 1, 1]),
            node(
                "AveragePool", "a", "y", kernel_shape=[2, 2], pads=[1, 1, 0, 0], count_include_pad=1
            ),
        ],
        {},
        4,
        ["avgpool1", "avgpool2"],
    ),
    "global pooling": (
        [
            node("GlobalAveragePool", "x", "a"),
            node("GlobalMaxPool", "x", "m"),
            node("Concat", "a m", "c", axis=1),
            node("Flatten", "c", "f"),
            node("Gemm", "f w", "y"),
        ],
        {"w": real(8, 3)},
        2,
        ["avgpool1", "maxpool1", "concat1", "fc1"],
    ),
    "mean over the map, sizes dropped": (
        [
            node("ReduceMean", "x axes", "m", keepdims=0),
            node("MatMul", "m w", "p"),
            node("Add", "p b", "y"),
        ],
        {"axes": np.array([2, 3]), "w": real(4, 3), "b": real(3)},
        2,
        ["avgpool1", "fc1"],
    ),
    "mean over rows": (
        [node("ReduceMean", "x axes", "m", keepdims=0), node("Unsqueeze", "m new", "y")],
        {"axes": np.array([-2]), "new": np.array([2])},
        4,
        ["avgpool1"],
    ),
    "residual": (
        [
            node("Conv", "x w", "c", pads=[1, 1, 1, 1]),
            node("Relu", "c", "r"),
            node("Conv", "r w", "d", pads=[1, 1, 1, 1]),
            node("Add", "d r", "a"),
            node("Relu", "a", "y"),
        ],
        {"w": real(4, 4, 3, 3)},
        4,
        ["conv1", "conv2", "add1"],
    ),
    "a tensor added to itself": ([node("Add", "x x", "y")], {}, 4, ["add1"]),
    "concatenation": (
        [
            node("Conv", "x w", "a"),
            node("Conv", "x v", "b", pads=[1, 1, 1, 1]),
            node("Concat", "b a x", "c", axis=-3),
            node("Relu", "c", "y"),
        ],
        {"w": real(3, 4, 1, 1), "v": real(2, 4, 3, 3)},
        4,
        ["conv1", "conv2", "concat1"],
    ),
    "normalisation behind a convolution": (
        [
            node("Conv", "x w", "c"),
            node("BatchNormalization", "c scale shift mean variance", "n", epsilon=1e-3),
            node("Relu", "n", "y"),
        ],
        {"w": real(4, 4, 3, 3), **NORM},
        4,
        ["conv1"],
    ),
    "normalisation in front of a fully connected layer": (
        [
            node("GlobalAveragePool", "x", "a"),
            node("Squeeze", "a axes", "s"),
            node("BatchNormalization", "s scale shift mean variance", "n"),
            node("Gemm", "n w b", "y", transB=1),
        ],
        {"axes": np.array([2, 3]), "w": real(3, 4), "b": real(3), **NORM},
        2,
        ["avgpool1", "fc1"],
    ),
    "normalisation on its own": (
        [
            node("BatchNormalization", "x scale shift mean variance", "n"),
            node("Conv", "n w", "y", pads=[1, 1, 1, 1]),
        ],
        {"w": real(2, 4, 3, 3), **NORM},
        4,
        ["conv1", "conv2"],
    ),
    "padding": (
        [
            node("Pad", "x pads", "p"),
            node("Conv", "p w", "c", pads=[0, 1, 0, 0]),
            node("Pad", "c more value", "y"),
        ],
        {
            "pads": np.array([0, 0, 1, 0, 0, 0, 2, 3]),
            "w": real(2, 4, 3, 3),
            "more": np.array([0, 1, 1, 0, 0, 2, 0, 0]),
            "value": np.float32(-0.5),
        },
        4,
        ["conv1", "pad1"],
    ),
    "padding of some axes": (
        [node("Pad", "x pads - axes", "y")],
        {"pads": np.array([1, 2]), "axes": np.array([-1])},
        4,
        ["pad1"],
    ),
    "channels last and back": (
        [
            node("Transpose", "x", "t", perm=[0, 2, 3, 1]),
            node("Relu", "t", "r"),
            node("Transpose", "r", "u", perm=[0, 3, 1, 2]),
            node("Conv", "u w", "c"),
            node("Transpose", "c", "v", perm=[0, 2, 3, 1]),
            node("Reshape", "v shape", "f"),
            node("Gemm", "f g", "y"),
        ],
        {"w": real(5, 4, 3, 3), "shape": np.array([-1, 80]), "g": real(80, 3)},
        2,
        ["transpose1", "relu1", "transpose2", "conv1", "fc1"],
    ),
    "two transpositions are one or none": (
        [
            node("Transpose", "x", "t", perm=[0, 2, 3, 1]),
            node("Transpose", "t", "u", perm=[0, 2, 3, 1]),
            node("Transpose", "u", "v", perm=[0, 2, 3, 1]),
            node("Relu", "v", "y"),
        ],
        {},
        4,
        ["relu1"],
    ),
    "one-dimensional sizes": (
        [
            node("Reshape", "x shape", "r"),
            node("Transpose", "r", "t", perm=[0, 2, 1]),
            node("Unsqueeze", "t axes", "u"),
            node("Conv", "u w", "c"),
            node("Squeeze", "c axes", "y"),
        ],
        {"shape": np.array([0, 0, -1]), "axes": np.array([3]), "w": real(2, 36, 4, 1)},
        3,
        ["transpose1", "conv1"],
    ),
    "softmax at the end is left out": (
        [node("Flatten", "x", "f"), node("Gemm", "f w", "g"), node("Softmax", "g", "y")],
        {"w": real(144, 5)},
        2,
        ["fc1"],
    ),
    "constants as nodes": (
        [
            node("Constant", "", "low", value_float=0.25),
            node("Constant", "", "shape", value_ints=[0, 9, 4, 4]),
            node("Clip", "x low", "c"),
            node("Reshape", "c shape", "y"),
        ],
        {},
        4,
        ["clip1", "reshape1"],
    ),
}


@pytest.mark.parametrize("case", FLOAT)
def test_real_numbers(case: str, tmp_path: Path) -> None:
    nodes, constants, rank, names = FLOAT[case]
    network = model(nodes, constants, input_shape=IMAGE, output_rank=rank)
    images = real(3, 4, 6, 6, seed=9)
    expected = evaluated(network, images)
    graph = importers.load(saved(tmp_path, network))
    assert [layer.name for layer in graph.layers[1:]] == names
    result = reference.run_float_all(graph, images)[graph.output.name]
    if nodes[-1].op_type == "Softmax":
        result = np.exp(result) / np.exp(result).sum(axis=1, keepdims=True)
    assert np.allclose(result.reshape(expected.shape), expected, atol=1e-4)


@pytest.mark.parametrize("bits", [8, 16, 32])
@pytest.mark.parametrize("case", FLOAT)
def test_quantised_graph_comes_close(case: str, bits: int, tmp_path: Path) -> None:
    nodes, constants, rank, _ = FLOAT[case]
    network = model(nodes, constants, input_shape=IMAGE, output_rank=rank)
    images = real(8, 4, 6, 6, seed=9)
    path = saved(tmp_path, network)
    expected = reference.run_float_all(importers.load(path), images)
    graph = importers.load(path, calibration=images, bits=bits)
    result = reference.run(graph, graph.quantise_input(images))
    number_format = graph.format_of(graph.output.name)
    assert number_format is not None
    wanted = expected[graph.output.name].reshape(result.shape)
    error = np.abs(number_format.dequantise(result) - wanted).max() / np.abs(wanted).max()
    assert error < {8: 0.2, 16: 1e-3, 32: 1e-3}[bits]


RANDOM = np.random.default_rng(3)


def integers(*shape: int, peak: int = 127, kind: type = np.int8) -> NDArray:
    return RANDOM.integers(-peak - 1, peak + 1, shape).astype(kind)


def biases(outputs: int) -> NDArray:
    return integers(outputs, peak=3000, kind=np.int32)


Integers = dict[str, tuple[NDArray, float | list[float]]]
QDQ: dict[str, tuple[list[onnx.NodeProto], Constants, dict[str, float], Integers, int]] = {
    "residual": (
        [
            node("Conv", "x w b", "c", pads=[1, 1, 1, 1]),
            node("Relu", "c", "r"),
            node("Conv", "r v", "d", pads=[1, 1, 1, 1]),
            node("Add", "d r", "a"),
            node("Relu", "a", "y"),
        ],
        {},
        {"x": 2**-6, "r": 2**-3, "d": 2**-1, "y": 2**-2},
        {
            "w": (integers(4, 4, 3, 3), 2**-7),
            "b": (biases(4), 2**-13),
            "v": (integers(4, 4, 3, 3), 2**-6),
        },
        4,
    ),
    "depthwise, relu6 above and below saturation": (
        [
            node("Conv", "x w", "c", group=4, strides=[1, 2]),
            node("Clip", "c low high", "r"),
            node("Conv", "r v b", "d"),
            node("Clip", "d low high", "y"),
        ],
        {"low": np.float32(0), "high": np.float32(6)},
        {"x": 2**-6, "r": 2**-4, "y": 2**-5},
        {
            "w": (integers(8, 1, 3, 3), 2**-6),
            "v": (integers(5, 8, 1, 1), 2**-8),
            "b": (biases(5), 2**-12),
        },
        4,
    ),
    "one power of two a channel": (
        [node("Conv", "x w b", "c"), node("Flatten", "c", "f"), node("Gemm", "f v", "y", transB=1)],
        {},
        {"x": 2**-6, "c": 2**-2, "y": 2**-1},
        {
            "w": (integers(3, 4, 5, 5), [2**-5, 2**-7, 2**-9]),
            "b": (biases(3), [2**-11, 2**-13, 2**-15]),
            "v": (integers(5, 12), [2**-6, 2**-6, 2**-7, 2**-8, 2**-9]),
        },
        2,
    ),
    "concatenation of unlike scales": (
        [
            node("Conv", "x w", "a"),
            node("Conv", "x v", "b"),
            node("Concat", "a b", "y", axis=1),
        ],
        {},
        {"x": 2**-6, "a": 2**-4, "b": 2**-1, "y": 2**-3},
        {"w": (integers(2, 4, 3, 3), 2**-6), "v": (integers(3, 4, 3, 3), 2**-4)},
        4,
    ),
    "concatenation of one scale is not rounded again": (
        [
            node("Conv", "x w", "a"),
            node("Concat", "x a", "c", axis=1),
            node("Conv", "c v", "y"),
        ],
        {},
        {"x": 2**-5, "a": 2**-5, "y": 2**-1},
        {"w": (integers(3, 4, 1, 1), 2**-8), "v": (integers(3, 7, 2, 2), 2**-7)},
        4,
    ),
    "means": (
        [
            node("AveragePool", "x", "a", kernel_shape=[2, 2], pads=[1, 0, 0, 1]),
            node(
                "AveragePool", "a", "b", kernel_shape=[3, 1], pads=[1, 0, 1, 0], count_include_pad=1
            ),
            node("GlobalAveragePool", "b", "y"),
        ],
        {},
        {"x": 2**-6, "a": 2**-6, "b": 2**-7, "y": 2**-7},
        {},
        4,
    ),
    "movements commute with rounding": (
        [
            node("Pad", "x pads value", "p"),
            node("Transpose", "p", "t", perm=[0, 2, 3, 1]),
            node("Clip", "t low high", "c"),
            node("Reshape", "c shape", "s"),
            node("MaxPool", "s", "y", kernel_shape=[2, 2], strides=[2, 2]),
        ],
        {
            "pads": np.array([0, 1, 0, 2, 0, 1, 0, 0]),
            "value": np.float32(0.7),
            "low": np.float32(-0.3),
            "high": np.float32(0.9),
            "shape": np.array([0, 16, 3, 6]),
        },
        {"y": 2**-5},
        {},
        4,
    ),
    "one tensor quantised for two readers": (
        [
            node("Conv", "x w", "c", pads=[1, 1, 1, 1]),
            node("Relu", "c", "r"),
            node("MaxPool", "r", "m", kernel_shape=[1, 1]),
            node("Add", "r m", "y"),
        ],
        {},
        {"x": 2**-6, "r": 2**-3, "y": 2**-3},
        {"w": (integers(4, 4, 3, 3), 2**-7)},
        4,
    ),
}


def loaded(network: onnx.ModelProto, path: Path) -> tuple[LayerGraph, NDArray, NDArray]:
    """The graph, what it computes and what onnx computes, both as stored integers."""
    images = (np.random.default_rng(5).random((20, 4, 6, 6)) * 2.5 - 0.5).astype(np.float32)
    expected = evaluated(network, images)
    graph = importers.load(saved(path, network))
    output_format = graph.format_of(graph.output.name)
    assert output_format is not None
    result = reference.run(graph, graph.quantise_input(images)).reshape(expected.shape)
    return graph, result, output_format.quantise(expected)


@pytest.mark.parametrize("case", QDQ)
def test_integers_with_powers_of_two_are_exact(case: str, tmp_path: Path) -> None:
    nodes, constants, scales, weights, rank = QDQ[case]
    network = qdq(nodes, constants, scales, weights, input_shape=IMAGE, output_rank=rank)
    _, result, expected = loaded(network, tmp_path)
    assert len(np.unique(expected)) > 10
    assert np.array_equal(result, expected)


@pytest.mark.parametrize(
    ("kind", "weights_kind", "bits", "signed"),
    [(np.uint8, np.int8, 8, False), (np.int16, np.int16, 16, True)],
)
def test_other_stored_types(
    kind: type, weights_kind: type, bits: int, signed: bool, tmp_path: Path
) -> None:
    peak = np.iinfo(weights_kind).max >> 3  # onnx sums in single precision: keep it exact
    network = qdq(
        [node("Conv", "x w b", "c"), node("Relu", "c", "y")],
        {},
        {"x": 2.0 ** (2 - bits), "y": 2.0 ** (4 - bits)},
        {
            "w": (integers(3, 4, 1, 1, peak=peak, kind=weights_kind), 2.0 ** (2 - bits)),
            "b": (biases(3), 2.0 ** (4 - 2 * bits)),
        },
        kind=kind,
        input_shape=IMAGE,
        output_rank=4,
        opset=21,
    )
    graph, result, expected = loaded(network, tmp_path)
    output_format = graph.format_of(graph.output.name)
    assert output_format is not None
    assert (output_format.bits, output_format.signed) == (bits, signed)
    assert len(np.unique(expected)) > 10
    assert np.abs(result - expected).max() <= (0 if bits == 8 else 1)
    assert np.mean(result == expected) > 0.99


def test_integers_with_any_scales_are_within_one_step(tmp_path: Path) -> None:
    """Ratios of scales are rounded to 16 bits, and onnx sums in single precision."""
    scales = RANDOM.uniform(0.004, 0.02, 6)
    network = qdq(
        [node("Conv", "x w b", "c", pads=[1, 1, 1, 1]), node("Relu", "c", "y")],
        {},
        {"x": 0.017, "y": 0.037},
        {
            "w": (integers(6, 4, 3, 3), scales.tolist()),
            "b": (biases(6), (np.float32(scales) * np.float32(0.017)).tolist()),
        },
        input_shape=IMAGE,
        output_rank=4,
    )
    graph, result, expected = loaded(network, tmp_path)
    layer = graph.layers[1]
    assert isinstance(layer, Compute)
    assert {factor.multiplier % 2 for factor in layer.factors} == {1}
    assert np.abs(result - expected).max() <= 1
    assert np.mean(result == expected) > 0.99


def test_sum_with_any_scales_is_close(tmp_path: Path) -> None:
    network = qdq(
        [
            node("Conv", "x w", "c"),
            node("MaxPool", "x", "p", kernel_shape=[2, 2]),
            node("Add", "c p", "y"),
        ],
        {},
        {"x": 0.01713, "c": 0.03127, "y": 0.02593},
        {"w": (integers(4, 4, 2, 2), 0.009)},
        input_shape=IMAGE,
        output_rank=4,
    )
    _, result, expected = loaded(network, tmp_path)
    assert np.abs(result - expected).max() <= 2  # a step of `c` is more than one of the sum
    assert np.mean(result == expected) > 0.99


def test_weights_quantised_a_channel_in_the_file_are_folded(tmp_path: Path) -> None:
    weights = real(3, 4, 2, 2)
    scales = np.array([2**-5, 2**-4, 2**-6], dtype=np.float32)
    network = qdq(
        [
            node("QuantizeLinear", "w s z", "wq", axis=0),
            node("DequantizeLinear", "wq s z", "wd", axis=0),
            node("Conv", "x wd", "y"),
        ],
        {"w": weights, "s": scales, "z": np.zeros(3, dtype=np.int8)},
        {"x": 2**-5, "y": 2**-3},
        {},
        input_shape=IMAGE,
        output_rank=4,
    )
    graph, result, expected = loaded(network, tmp_path)
    layer = graph.layers[1]
    assert isinstance(layer, Conv)
    stored = np.clip(np.rint(weights / scales[:, None, None, None]), -128, 127)
    assert np.array_equal(layer.weights, stored)
    assert np.array_equal(result, expected)


def single(nodes: list[onnx.NodeProto], rank: int = 4, **constants: NDArray) -> onnx.ModelProto:
    return model(nodes, constants, input_shape=IMAGE, output_rank=rank)


FAULTS: dict[str, tuple[onnx.ModelProto, str]] = {
    "shapes that broadcast": (
        single([node("GlobalAveragePool", "x", "g"), node("Add", "x g", "y")]),
        "node 'Add_y' (Add): inputs must have one shape, not (4, 6, 6) and (4, 1, 1)",
    ),
    "concatenation along rows": (
        single([node("Concat", "x x", "y", axis=2)]),
        "node 'Concat_y' (Concat): axis must be 1 (channels), not 2",
    ),
    "transposition of the batch": (
        single([node("Transpose", "x", "y", perm=[1, 0, 2, 3])]),
        "node 'Transpose_y' (Transpose): perm must keep the batch first, not [1, 0, 2, 3]",
    ),
    "reflected padding": (
        single([node("Pad", "x p", "y", mode="reflect")], p=np.array([0, 0, 1, 1, 0, 0, 1, 1])),
        "node 'Pad_y' (Pad): attribute mode must be b'constant', not b'reflect'",
    ),
    "negative padding": (
        single([node("Pad", "x p", "y")], p=np.array([0, 0, -1, 0, 0, 0, 0, 0])),
        "node 'Pad_y' (Pad): pads must be 0 or more, not (0, -1, 0) and (0, 0, 0)",
    ),
    "mean over channels": (
        single([node("ReduceMean", "x a", "y")], a=np.array([1])),
        "node 'ReduceMean_y' (ReduceMean): axes must be sizes behind the channels (2 or 3)",
    ),
    "softmax inside": (
        single([node("Softmax", "x", "s"), node("Relu", "s", "y")]),
        "node 'Softmax_s' (Softmax): must make the network's result",
    ),
    "limits the wrong way round": (
        single([node("Clip", "x l h", "y")], l=np.float32(2), h=np.float32(1)),
        "node 'Clip_y' (Clip): min must be max (1) at most, not 2",
    ),
    "scales along inputs": (
        qdq(
            [node("Flatten", "x", "f"), node("Gemm", "f w", "y")],
            {},
            {"x": 0.5, "y": 0.5},
            {"w": (integers(144, 3), [0.5] * 144)},
            input_shape=IMAGE,
        ),
        "node 'Gemm_y' (Gemm): scales must be one an output channel, not along axis 1",
    ),
    "scales of a tensor": (
        single(
            [
                node("QuantizeLinear", "x s z", "q", axis=1),
                node("DequantizeLinear", "q s z", "y", axis=1),
            ],
            s=np.ones(4, dtype=np.float32),
            z=np.zeros(4, dtype=np.int8),
        ),
        "node 'QuantizeLinear_q' (QuantizeLinear): scale 's' must be one value a tensor, not 4",
    ),
    "scale of zero": (
        qdq([node("Relu", "x", "y")], {}, {"x": 0.0}, {}, input_shape=IMAGE, output_rank=4),
        "node 'QuantizeLinear_x_q' (QuantizeLinear): scale 'x_s' must be positive, not 0",
    ),
    "sum that is not quantised": (
        qdq([node("Add", "x x", "y")], {}, {"x": 0.5}, {}, input_shape=IMAGE, output_rank=4),
        "layer 'Add_y': result must be quantised (QuantizeLinear), as other tensors are",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_is_one_clear_line(fault: str, tmp_path: Path) -> None:
    network, message = FAULTS[fault]
    with pytest.raises(NetworkError) as caught:
        importers.load(saved(tmp_path, network))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)

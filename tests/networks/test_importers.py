"""Import of files: results by onnx's own reference evaluator, and one clear line for each fault."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import helper

from networks import builtin, importers, reference
from networks.errors import NetworkError
from networks.layers import Compute, Conv
from tests.networks.graphs import model
from tests.networks.onnx_models import ZERO, Constants, evaluated, node, real, saved


def test_builtin_layers_have_readable_names() -> None:
    graph = importers.load("lenet5")
    assert [layer.name for layer in graph.layers] == ["input", "conv1", "conv2", "fc1", "fc2"]
    assert graph.is_integer
    assert not importers.load("lenet5-float").is_integer


def test_file_and_builtin_name_give_the_same_graph() -> None:
    path = builtin.network_path("lenet300")
    assert path is not None
    for one, other in zip(
        importers.load(str(path)).compute_layers,
        builtin.load("lenet300").compute_layers,
        strict=True,
    ):
        assert one.name == other.name
        assert np.array_equal(one.weights, other.weights)


def test_unknown_builtin_name() -> None:
    with pytest.raises(NetworkError, match="built-in network must be one of lenet300, lenet5"):
        builtin.load("lenet")


FLOAT_MODELS: dict[str, tuple[list[onnx.NodeProto], Constants, int]] = {
    "matmul and add": (
        [
            node("Flatten", "x", "f"),
            node("MatMul", "f w", "m"),
            node("Add", "b m", "a"),
            node("Relu", "a", "y"),
        ],
        {"w": real(36, 5), "b": real(5)},
        2,
    ),
    "gemm, weights not transposed, no bias": (
        [node("Flatten", "x", "f"), node("Gemm", "f w", "y")],
        {"w": real(36, 5)},
        2,
    ),
    "convolution with every attribute": (
        [node("Conv", "x w b", "y", pads=[1, 0, 2, 1], strides=[2, 1], dilations=[1, 2], group=1)],
        {"w": real(3, 1, 3, 2), "b": real(3)},
        4,
    ),
    "pooling before relu, padded pooling": (
        [
            node("Conv", "x w", "c"),
            node("MaxPool", "c", "p", kernel_shape=[2, 3], strides=[1, 1]),
            node("Relu", "p", "r"),
            node("MaxPool", "r", "y", kernel_shape=[2, 2], strides=[2, 2], pads=[1, 1, 0, 0]),
        ],
        {"w": real(3, 1, 3, 2)},
        4,
    ),
    "reshape, identity, dropout, relu behind the flatten": (
        [
            node("Identity", "x", "i"),
            node("Conv", "i w", "c"),
            node("Dropout", "c", "d"),
            node("Reshape", "d shape", "f"),
            node("Relu", "f", "r"),
            node("Gemm", "r v b", "y", transB=1),
        ],
        {
            "w": real(3, 1, 2, 2),
            "shape": np.array([-1, 75]),
            "v": real(4, 75),
            "b": real(4),
        },
        2,
    ),
    "reshape of the input and of a hidden map": (
        [
            node("Reshape", "x to_map", "m"),
            node("Conv", "m w", "c"),
            node("Reshape", "c to_other", "o"),
            node("Conv", "o v", "y"),
        ],
        {
            "to_map": np.array([0, 4, 3, -1]),
            "w": real(2, 4, 1, 1),
            "to_other": np.array([-1, 3, 2, 3]),
            "v": real(2, 3, 2, 2),
        },
        4,
    ),
    "bias added behind a convolution, an unused branch": (
        [
            node("Conv", "x w", "c"),
            node("Add", "c b", "y"),
            node("Relu", "c", "unused"),
        ],
        {"w": real(3, 1, 2, 2), "b": real(3, 1, 1)},
        4,
    ),
}


@pytest.mark.parametrize("case", FLOAT_MODELS)
def test_float_graph_computes_what_the_file_says(case: str, tmp_path: Path) -> None:
    nodes, constants, rank = FLOAT_MODELS[case]
    network = model(nodes, constants, output_rank=rank)
    images = real(3, 1, 6, 6, seed=1)
    expected = evaluated(network, images)
    graph = importers.load(saved(tmp_path, network))
    result = reference.run_float_all(graph, images)[graph.output.name]
    assert np.allclose(result.reshape(expected.shape), expected, atol=1e-4)


def quantised(
    *, behind_relu: bool = False, matmul: bool = False, **changed: NDArray
) -> onnx.ModelProto:
    """Conv, ReLU, max-pooling and a fully connected layer in QDQ form."""
    random = np.random.default_rng(3)
    constants: Constants = {
        "zero": ZERO,
        "s_x": np.array(2**-7, dtype=np.float32),
        "w": random.integers(-128, 128, (3, 1, 3, 3), dtype=np.int8),
        "s_w": np.array(2**-6, dtype=np.float32),
        "b": random.integers(-2000, 2000, 3, dtype=np.int32),
        "s_b": np.array(2**-13, dtype=np.float32),
        "s_c": np.array(2**-4, dtype=np.float32),
        "v": random.integers(-128, 128, (12, 5), dtype=np.int8),
        "s_v": np.array(2**-8, dtype=np.float32),
        "d": random.integers(-2000, 2000, 5, dtype=np.int32),
        "s_d": np.array(2**-12, dtype=np.float32),
        "s_y": np.array(2**-2, dtype=np.float32),
        **changed,
    }
    rounding = [
        node("QuantizeLinear", "r s_c zero" if behind_relu else "c s_c zero", "cq"),
        node("DequantizeLinear", "cq s_c zero", "p" if behind_relu else "cd"),
    ]
    relu = [node("Relu", "c" if behind_relu else "cd", "r" if behind_relu else "p")]
    product = (
        [node("MatMul", "f vd", "m"), node("Add", "m dd", "g")]
        if matmul
        else [node("Gemm", "f vd dd", "g")]
    )
    nodes = [
        node("QuantizeLinear", "x s_x zero", "xq"),
        node("DequantizeLinear", "xq s_x zero", "xd"),
        node("DequantizeLinear", "w s_w zero", "wd"),
        node("DequantizeLinear", "b s_b", "bd"),
        node("Conv", "xd wd bd", "c"),
        *(relu + rounding if behind_relu else rounding + relu),
        node("MaxPool", "p", "q", kernel_shape=[2, 2], strides=[2, 2]),
        node("Flatten", "q", "f"),
        node("DequantizeLinear", "v s_v zero", "vd"),
        node("DequantizeLinear", "d s_d", "dd"),
        *product,
        node("QuantizeLinear", "g s_y zero", "gq"),
        node("DequantizeLinear", "gq s_y zero", "y"),
    ]
    return model(nodes, constants)


@pytest.mark.parametrize("behind_relu", [False, True])
@pytest.mark.parametrize("matmul", [False, True])
def test_integer_graph_computes_what_the_qdq_file_says(
    behind_relu: bool, matmul: bool, tmp_path: Path
) -> None:
    network = quantised(behind_relu=behind_relu, matmul=matmul)
    images = np.random.default_rng(5).random((20, 1, 6, 6)).astype(np.float32)
    expected = evaluated(network, images)
    graph = importers.load(saved(tmp_path, network))
    assert [layer.name for layer in graph.layers] == ["input", "conv1", "fc1"]
    result = reference.run(graph, graph.quantise_input(images))
    output_format = graph.format_of(graph.output.name)
    assert output_format is not None
    assert np.array_equal(output_format.dequantise(result), expected)


def test_weights_quantised_in_the_file_are_folded(tmp_path: Path) -> None:
    weights = real(2, 1, 2, 2)
    network = model(
        [
            node("QuantizeLinear", "x s zero", "xq"),
            node("DequantizeLinear", "xq s zero", "xd"),
            node("QuantizeLinear", "w s zero", "wq"),
            node("DequantizeLinear", "wq s zero", "wd"),
            node("Conv", "xd wd", "c"),
            node("QuantizeLinear", "c s zero", "cq"),
            node("DequantizeLinear", "cq s zero", "y"),
        ],
        {"s": np.array(0.03125, dtype=np.float32), "zero": ZERO, "w": weights},
        output_rank=4,
    )
    layer = importers.load(saved(tmp_path, network)).layers[1]
    assert isinstance(layer, Conv)
    assert layer.weight_format is not None
    assert np.array_equal(layer.weights, layer.weight_format.quantise(weights))


def test_float_file_is_quantised_with_calibration(tmp_path: Path) -> None:
    nodes, constants, rank = FLOAT_MODELS["matmul and add"]
    path = saved(tmp_path, model(nodes, constants, output_rank=rank))
    graph = importers.load(path, calibration=real(8, 1, 6, 6), bits=8)
    assert graph.is_integer
    assert all(isinstance(layer, Compute) for layer in graph.layers[1:])


def conv_model(**attributes: Any) -> onnx.ModelProto:
    nodes = [node("Conv", "x w", "y", **attributes)]
    return model(nodes, {"w": real(3, 1, 2, 2)}, output_rank=4)


FAULTS: dict[str, tuple[onnx.ModelProto, str]] = {
    "operator": (
        model([node("Sigmoid", "x", "y")], {}, output_rank=4),
        "node 'Sigmoid_y' (Sigmoid): operator must be one of Add, AveragePool,",
    ),
    "gemm scale": (
        model([node("Flatten", "x", "f"), node("Gemm", "f w", "y", alpha=0.5)], {"w": real(36, 5)}),
        "node 'Gemm_y' (Gemm): attribute alpha must be 1.0, not 0.5",
    ),
    "scale a channel along the wrong axis": (
        quantised(s_w=np.full(3, 0.5, dtype=np.float32)),
        "scale 's_w' must have one value an index of axis 1 of (3, 1, 3, 3), not 3",
    ),
    "zero point": (
        quantised(zero=np.array(3, dtype=np.int8)),
        "zero point 'zero' must be 0 (symmetric)",
    ),
    "bias scale": (
        quantised(s_b=np.array(2**-10, dtype=np.float32)),
        "layer 'Conv_c': bias scale must be 2^-13 (input scale times weight scale), not 2^-10",
    ),
    "bias along the width": (
        model(
            [node("Conv", "x w", "c"), node("Add", "c b", "y")],
            {"w": real(5, 1, 2, 2), "b": real(5)},
            output_rank=4,
        ),
        "node 'Add_y' (Add): bias must have shape (5, 1, 1), not (5,)",
    ),
    "constant added to nothing": (
        model([node("Add", "x b", "y")], {"b": real(1, 1, 1)}, output_rank=4),
        "layer 'Add_y': Add of a constant must follow a MatMul, not input",
    ),
    "computed weights": (
        model(
            [node("Flatten", "x", "f"), node("Relu", "w", "v"), node("Gemm", "f v", "y")],
            {"w": real(36, 5)},
        ),
        "input 'w' must be the result of a layer, not a constant",
    ),
    "flatten of the batch": (
        model([node("Flatten", "x", "y", axis=2)], {}),
        "node 'Flatten_y' (Flatten): attribute axis must be 1, not 2",
    ),
    "dynamic size": (
        model([node("Relu", "x", "y")], {}, input_shape=("N", 1, "H", 6), output_rank=4),
        "fixed but for the batch, not ['N', 1, 'H', 6]",
    ),
    "shape that does not fit": (
        model([node("Conv", "x w", "y")], {"w": real(3, 2, 2, 2)}, output_rank=4),
        "node 'Conv_y' (Conv): input must have 2 channels, not 1",
    ),
    "not quantised everywhere": (
        model(
            [
                node("QuantizeLinear", "x s zero", "q"),
                node("DequantizeLinear", "q s zero", "d"),
                node("Conv", "d w", "y"),
            ],
            {"s": np.array(0.5, dtype=np.float32), "zero": ZERO, "w": real(3, 1, 2, 2)},
            output_rank=4,
        ),
        "layer 'Conv_y': weights must be quantised (DequantizeLinear of integers)",
    ),
    "quantised twice": (
        model(
            [
                node("QuantizeLinear", "x s zero", "q"),
                node("DequantizeLinear", "q s zero", "d"),
                node("QuantizeLinear", "d t zero", "r"),
                node("DequantizeLinear", "r t zero", "y"),
            ],
            {
                "s": np.array(0.5, dtype=np.float32),
                "t": np.array(0.25, dtype=np.float32),
                "zero": ZERO,
            },
            output_rank=4,
        ),
        "layer 'QuantizeLinear_r': format must be int8/2^1 as at 'input', not int8/2^2",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_is_one_clear_line(fault: str, tmp_path: Path) -> None:
    network, message = FAULTS[fault]
    path = saved(tmp_path, network)
    with pytest.raises(NetworkError) as caught:
        importers.load(path)
    text = str(caught.value)
    assert text.startswith(f"{path}: ")
    assert message in text
    assert "\n" not in text


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(NetworkError, match=r"none\.onnx: network file must exist"):
        importers.load(tmp_path / "none.onnx")


def test_wrong_suffix(tmp_path: Path) -> None:
    path = tmp_path / "network.pt"
    path.write_bytes(b"")
    with pytest.raises(NetworkError, match=r"must be a \.onnx file or one of lenet300, .*'network"):
        importers.load(path)


def test_damaged_file(tmp_path: Path) -> None:
    path = tmp_path / "network.onnx"
    path.write_bytes(b"\x08\xff no model at all")
    with pytest.raises(NetworkError, match="file must be an ONNX model, it cannot be decoded"):
        importers.load(path)


def test_truncated_file(tmp_path: Path) -> None:
    source = builtin.network_path("lenet300")
    assert source is not None
    path = tmp_path / "network.onnx"
    path.write_bytes(source.read_bytes()[:100_000])
    with pytest.raises(
        NetworkError, match=r"cannot be decoded|must pass the ONNX checker"
    ) as caught:
        importers.load(path)
    assert "\n" not in str(caught.value)


def test_file_that_the_checker_refuses(tmp_path: Path) -> None:
    network = conv_model()
    network.graph.node[0].input[1] = "missing"
    with pytest.raises(NetworkError, match="model must pass the ONNX checker: ") as caught:
        importers.load(saved(tmp_path, network))
    assert "\n" not in str(caught.value)


def test_two_outputs(tmp_path: Path) -> None:
    network = conv_model()
    network.graph.output.append(helper.make_tensor_value_info("x", 1, ["N", 1, 6, 6]))
    with pytest.raises(NetworkError, match="must have one input and one output, not 1 and 2"):
        importers.load(saved(tmp_path, network))

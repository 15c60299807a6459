"""Networks of the kinds people use, from ONNX file to compiled program, with random weights."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from networks import importers, reference
from networks.graph import LayerGraph
from networks.program_model import ProgramModel
from networks.schedule import compile_network
from tests.networks.graphs import accelerator_of, model
from tests.networks.onnx_models import Constants, evaluated, node, saved


class Network:
    """Collects nodes and random constants; each method returns the tensor it makes."""

    def __init__(self) -> None:
        self.random = np.random.default_rng(1)
        self.nodes: list[onnx.NodeProto] = []
        self.constants: Constants = {}

    def op(self, kind: str, inputs: str, **attributes: object) -> str:
        tensor = f"t{len(self.nodes)}"
        self.nodes.append(node(kind, inputs, tensor, **attributes))
        return tensor

    def constant(self, array: NDArray) -> str:
        name = f"c{len(self.constants)}"
        self.constants[name] = array.astype(np.int64 if array.dtype == np.int64 else np.float32)
        return name

    def conv(self, source: str, *shape: int, bias: bool = True, **attributes: object) -> str:
        """A convolution with half of its weights zero."""
        weights = self.random.normal(size=shape) * np.sqrt(4 / np.prod(shape[1:]))
        inputs = f"{source} {self.constant(weights * self.random.integers(0, 2, shape))}"
        if bias:
            inputs += f" {self.constant(self.random.normal(size=shape[0]) / 10)}"
        return self.op("Conv", inputs, **attributes)

    def norm(self, source: str, channels: int) -> str:
        arrays = [self.random.random(channels) + 0.5 for _ in range(4)]
        names = " ".join(self.constant(array) for array in arrays)
        return self.op("BatchNormalization", f"{source} {names}")

    def relu6(self, source: str) -> str:
        low, high = self.constant(np.array(0.0)), self.constant(np.array(6.0))
        return self.op("Clip", f"{source} {low} {high}")

    def classifier(self, source: str, inputs: int) -> None:
        """Global mean, a fully connected layer with 10 outputs, softmax."""
        flat = self.op("Flatten", self.op("GlobalAveragePool", source))
        weights = self.constant(self.random.normal(size=(10, inputs)))
        self.nodes.append(node("Gemm", f"{flat} {weights}", "logits", transB=1))
        self.nodes.append(node("Softmax", "logits", "y"))


def residual() -> Network:
    """As ResNet-8: blocks with a shortcut, one of them with a stride and a 1x1 convolution."""
    net = Network()
    stem = net.op("Relu", net.norm(net.conv("x", 8, 3, 3, 3, bias=False, pads=[1] * 4), 8))
    for channels, stride in ((8, 1), (12, 2)):
        inputs = 8
        first = net.conv(stem, channels, inputs, 3, 3, pads=[1] * 4, strides=[stride] * 2)
        second = net.conv(
            net.op("Relu", net.norm(first, channels)), channels, channels, 3, 3, pads=[1] * 4
        )
        short = stem if stride == 1 else net.conv(stem, channels, inputs, 1, 1, strides=[2, 2])
        stem = net.op("Relu", net.op("Add", f"{net.norm(second, channels)} {short}"))
    net.classifier(stem, 12)
    return net


def depthwise() -> Network:
    """As MobileNetV2: expansion, depthwise with an asymmetric pad, linear projection, residual."""
    net = Network()
    stem = net.relu6(net.norm(net.conv("x", 8, 3, 3, 3, pads=[0, 0, 1, 1], strides=[2, 2]), 8))
    wide = net.relu6(net.norm(net.conv(stem, 24, 8, 1, 1, bias=False), 24))
    deep = net.conv(wide, 24, 1, 3, 3, bias=False, group=24, pads=[1] * 4)
    narrow = net.norm(net.conv(net.relu6(net.norm(deep, 24)), 8, 24, 1, 1, bias=False), 8)
    net.classifier(net.op("Add", f"{narrow} {stem}"), 8)
    return net


def fire() -> Network:
    """As SqueezeNet: squeeze, two expansions concatenated, pooling that rounds up."""
    net = Network()
    stem = net.op("Relu", net.conv("x", 8, 3, 3, 3))
    stem = net.op("MaxPool", stem, kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1)
    squeezed = net.op("Relu", net.conv(stem, 4, 8, 1, 1))
    one = net.op("Relu", net.conv(squeezed, 8, 4, 1, 1))
    three = net.op("Relu", net.conv(squeezed, 8, 4, 3, 3, pads=[1] * 4))
    joined = net.op("Concat", f"{one} {three}", axis=1)
    net.classifier(net.op("Dropout", joined), 16)
    return net


CASES = {
    "residual": (
        residual,
        ["conv1", "conv2", "conv3", "add1", "conv4", "conv5", "conv6", "add2", "avgpool1", "fc1"],
    ),
    "depthwise": (depthwise, ["conv1", "conv2", "conv3", "conv4", "add1", "avgpool1", "fc1"]),
    "fire": (fire, ["conv1", "maxpool1", "conv2", "conv3", "conv4", "concat1", "avgpool1", "fc1"]),
}


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, onnx.ModelProto, list[str]]:
    build, names = CASES[request.param]
    net = build()
    network = model(net.nodes, net.constants, input_shape=("N", 3, 10, 10))
    return saved(tmp_path, network), network, names


def images(count: int) -> NDArray[np.float32]:
    return np.random.default_rng(2).random((count, 3, 10, 10)).astype(np.float32)


def test_float_graph(case: tuple[Path, onnx.ModelProto, list[str]]) -> None:
    path, network, names = case
    graph = importers.load(path)
    assert sorted(layer.name for layer in graph.layers[1:]) == sorted(names)
    logits = reference.run_float_all(graph, images(4))[graph.output.name][:, :, 0, 0]
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert np.allclose(shares, evaluated(network, images(4)), atol=1e-4)


def quantised(path: Path, bits: int) -> LayerGraph:
    return importers.load(path, calibration=images(16), bits=bits)


@pytest.mark.parametrize("bits", [8, 16, 32])
def test_quantised_graph(case: tuple[Path, onnx.ModelProto, list[str]], bits: int) -> None:
    real = importers.load(case[0])
    graph = quantised(case[0], bits)
    expected = reference.run_float_all(real, images(16))[real.output.name][:, :, 0, 0]
    number_format = graph.format_of(graph.output.name)
    assert number_format is not None
    logits = number_format.dequantise(reference.run(graph, graph.quantise_input(images(16))))
    error = np.abs(logits - expected).max() / np.abs(expected).max()
    assert error < {8: 0.15, 16: 1e-3, 32: 1e-3}[bits]


@pytest.mark.parametrize("bits", [8, 16, 32])
@pytest.mark.parametrize("kind", ["bitmap", "list"])
def test_program(case: tuple[Path, onnx.ModelProto, list[str]], kind: str, bits: int) -> None:
    graph = quantised(case[0], bits)
    accelerator = accelerator_of(bits, kind=kind)
    program = compile_network(graph, accelerator, memory_base_bytes=0)
    on_host = {info.op: info.host_reason for info in program.layers if info.runs_on == "host"}
    assert set(on_host) <= {"avgpool"}
    x = graph.quantise_input(images(2))
    model_of_program = ProgramModel(program, graph, accelerator)
    for image, expected in zip(x, reference.run(graph, x), strict=True):
        assert np.array_equal(model_of_program.run(image)[:, 0, 0], expected)

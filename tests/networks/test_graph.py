import networkx as nx
import numpy as np
import pytest

from networks import builtin
from networks.errors import NetworkError
from networks.formats import Format
from networks.graph import LayerGraph
from networks.layers import Conv, Gemm, Input, Layer, MaxPool, Pool, Relu, Reshape
from tests.networks.graphs import INT8, integer_layer

INPUT = Input(name="input", shape=(2, 6, 6), format=INT8)
RANDOM = np.random.default_rng(0)


def test_graph_is_a_frozen_digraph_of_layers() -> None:
    graph = builtin.load("lenet5")
    assert isinstance(graph.digraph, nx.DiGraph)
    assert list(graph.digraph.edges) == [
        ("input", "conv1"),
        ("conv1", "conv2"),
        ("conv2", "fc1"),
        ("fc1", "fc2"),
    ]
    assert graph.digraph.nodes["conv1"]["layer"] is graph.layer("conv1")
    with pytest.raises(nx.NetworkXError, match="Frozen graph"):
        graph.digraph.add_node("more")
    with pytest.raises(ValueError, match="read-only"):
        graph.compute_layers[0].weights[0] = 0


def test_shapes_and_work_of_lenet5() -> None:
    graph = builtin.load("lenet5")
    assert dict(graph.shapes) == {
        "input": (1, 28, 28),
        "conv1": (20, 12, 12),
        "conv2": (50, 4, 4),
        "fc1": (500, 1, 1),
        "fc2": (10, 1, 1),
    }
    macs = [layer.dense_macs(graph.input_shape(layer)) for layer in graph.compute_layers]
    assert sum(macs) == 2_293_000


def test_layers_are_put_in_order() -> None:
    pool = MaxPool(name="pool", inputs=("relu",), pool=Pool((2, 2), (2, 2)))
    relu = Relu(name="relu", inputs=("input",))
    graph = LayerGraph((pool, relu, INPUT))
    assert [layer.name for layer in graph.layers] == ["input", "relu", "pool"]
    assert graph.range_of("pool") == (0, 127)
    assert graph.range_of("input") == (-128, 127)


def conv(**options: object) -> Conv:
    shape = options.pop("shape", (4, 2, 3, 3))
    layer = integer_layer(RANDOM, "conv", "input", shape, **options)  # type: ignore[arg-type]
    assert isinstance(layer, Conv)
    return layer


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([INPUT, INPUT], "layer 'input': name must be unique"),
        ([INPUT, Relu(name="a", inputs=("b",))], "must read a layer of the graph, not 'b'"),
        ([INPUT, Relu(name="a")], "layer 'a': must read one layer, not 0"),
        (
            [INPUT, Relu(name="a", inputs=("b",)), Relu(name="b", inputs=("a",))],
            "layers must not form a cycle",
        ),
        (
            [INPUT, Relu(name="a", inputs=("input",)), Relu(name="b", inputs=("input",))],
            r"must have one input and one output, not \['input'\] and \['a', 'b'\]",
        ),
        ([INPUT, conv(shape=(4, 3, 3, 3))], "layer 'conv': input must have 3 channels, not 2"),
        ([INPUT, conv(shape=(4, 2, 7, 7))], "window must fit its input map, which gives 0x0"),
        (
            [INPUT, Reshape(name="a", inputs=("input",), shape=(70, 1, 1))],
            "new shape must have 72 elements, not",
        ),
        (
            [INPUT, conv(input_format=Format(8, 3))],
            r"layer 'conv': input format must be int8/2\^3, not int8/2\^0",
        ),
        (
            [
                INPUT,
                Gemm(name="fc", inputs=("input",), weights=np.ones((3, 2, 6, 5), dtype=int)),
            ],
            r"input must have shape \(2, 6, 5\), not \(2, 6, 6\)",
        ),
    ],
)
def test_construction_checks(layers: list[Layer], message: str) -> None:
    with pytest.raises(NetworkError, match=message):
        LayerGraph(tuple(layers))


def test_bias_must_have_the_scale_of_a_product() -> None:
    layer = conv()
    object.__setattr__(layer, "bias_format", Format(32, 5))
    message = r"bias scale must be 2\^-9 \(input scale times weight scale\), not 2\^-5"
    with pytest.raises(NetworkError, match=message):
        LayerGraph((INPUT, layer))


def weights(array: np.ndarray, **options: object) -> Conv:
    return Conv(name="conv", inputs=("input",), weights=array, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"array": np.zeros((2, 3))}, "weights must have 4 dimensions, not 2"),
        (
            {"array": np.full((2, 2, 1, 1), 128), "weight_format": INT8},
            r"weights must fit int8/2\^0, not 128 to 128",
        ),
        (
            {"array": np.zeros((2, 2, 1, 1)), "weight_format": INT8},
            "weights must be integers, not float64",
        ),
        (
            {"array": np.zeros((2, 2, 1, 1)), "bias": np.zeros(3)},
            r"bias must have shape \(2,\), not \(3,\)",
        ),
        ({"array": np.zeros((3, 2, 1, 1)), "groups": 2}, "groups must divide 3 outputs, not 2"),
    ],
)
def test_layer_checks(options: dict, message: str) -> None:
    with pytest.raises(NetworkError, match=f"layer 'conv': {message}"):
        weights(**options)

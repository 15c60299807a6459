"""Passes keep the result of a graph, do nothing the second time, and do what they are for."""

import numpy as np
import pytest

from networks import builtin, reference
from networks.errors import NetworkError
from networks.formats import Format
from networks.graph import LayerGraph
from networks.layers import (
    BiasAdd,
    Compute,
    Conv,
    Gemm,
    Identity,
    Input,
    Layer,
    MaxPool,
    Pool,
    Quantise,
    Relu,
    Reshape,
)
from networks.passes import PASSES, Pass, optimise
from networks.passes.drop_identities import drop_identities
from networks.passes.fold_quantisation import fold_quantisation
from networks.passes.fold_reshapes import fold_reshapes
from networks.passes.fuse_bias import fuse_bias
from networks.passes.fuse_epilogues import fuse_epilogues
from networks.passes.name_layers import name_layers

RANDOM = np.random.default_rng(2)
INPUT = Input(name="x", shape=(2, 6, 6))
CONV = Conv(name="c", inputs=("x",), weights=RANDOM.normal(size=(4, 2, 3, 3)))
GEMM = Gemm(name="g", inputs=("f",), weights=RANDOM.normal(size=(3, 16, 1, 1)))
CHAIN = (
    INPUT,
    Identity(name="i", inputs=("x",)),
    Conv(name="c", inputs=("i",), weights=CONV.weights),
    MaxPool(name="p", inputs=("c",), pool=Pool((2, 2), (2, 2))),
    Reshape(name="f", inputs=("p",), shape=(16, 1, 1)),
    Relu(name="r", inputs=("f",)),
    Gemm(name="g", inputs=("r",), weights=GEMM.weights),
)


def names(graph: LayerGraph) -> list[str]:
    return [layer.name for layer in graph.layers]


def run(graph: LayerGraph) -> np.ndarray:
    images = np.random.default_rng(1).normal(size=(3, 2, 6, 6))
    return reference.run_float_all(graph, images)[graph.output.name]


@pytest.mark.parametrize("apply", PASSES, ids=lambda apply: apply.__name__)
def test_pass_keeps_the_result_and_is_idempotent(apply: Pass) -> None:
    graph = LayerGraph(CHAIN)
    changed = apply(graph)
    assert np.allclose(run(changed), run(graph))
    again = apply(changed)
    assert names(again) == names(changed)
    assert names(graph) == [layer.name for layer in CHAIN]


def test_all_passes_make_two_layers_of_the_chain() -> None:
    graph = optimise(LayerGraph(CHAIN))
    assert names(graph) == ["input", "conv1", "fc1"]
    conv, fully_connected = graph.compute_layers
    assert conv.relu
    assert conv.pool == Pool((2, 2), (2, 2))
    assert fully_connected.weights.shape == (3, 4, 2, 2)
    assert np.allclose(run(graph), run(LayerGraph(CHAIN)))


def test_passes_do_nothing_to_a_finished_graph() -> None:
    graph = builtin.load("lenet5")
    assert names(optimise(graph)) == names(graph)


def test_identities_disappear() -> None:
    layers = (INPUT, Identity(name="a", inputs=("x",)), Identity(name="b", inputs=("a",)))
    graph = LayerGraph((*layers, Relu(name="r", inputs=("b",))))
    assert names(drop_identities(graph)) == ["x", "r"]


def test_bias_joins_its_product() -> None:
    bias = RANDOM.normal(size=4)
    graph = fuse_bias(LayerGraph((INPUT, CONV, BiasAdd(name="b", inputs=("c",), bias=bias))))
    assert names(graph) == ["x", "c"]
    assert np.array_equal(graph.compute_layers[0].bias, bias)  # type: ignore[arg-type]


def test_second_bias_has_no_place() -> None:
    bias = np.zeros(4)
    layers = (
        BiasAdd(name="b", inputs=("c",), bias=bias),
        BiasAdd(name="d", inputs=("b",), bias=bias),
    )
    with pytest.raises(NetworkError, match="layer 'd': Add of a constant must follow a MatMul"):
        fuse_bias(LayerGraph((INPUT, CONV, *layers)))


def test_quantisation_moves_in_front_of_relu_and_pooling() -> None:
    conv = Conv(
        name="c",
        inputs=("q",),
        weights=np.ones((4, 2, 3, 3), dtype=int),
        weight_format=Format(8, 2),
    )
    graph = fold_quantisation(
        LayerGraph(
            (
                INPUT,
                Quantise(name="q", inputs=("x",), format=Format(8, 5)),
                conv,
                Relu(name="r", inputs=("c",)),
                MaxPool(name="p", inputs=("r",), pool=Pool((2, 2), (2, 2))),
                Quantise(name="s", inputs=("p",), format=Format(8, 3)),
            )
        )
    )
    assert names(graph) == ["x", "c", "r", "p"]
    assert graph.is_integer
    assert graph.compute_layers[0].shift == 4


def test_reshape_between_maps_stays() -> None:
    layers: tuple[Layer, ...] = (
        INPUT,
        CONV,
        Reshape(name="f", inputs=("c",), shape=(2, 8, 4)),
        Conv(name="d", inputs=("f",), weights=RANDOM.normal(size=(1, 2, 2, 2))),
    )
    graph = LayerGraph(layers)
    assert names(fold_reshapes(graph)) == ["x", "c", "f", "d"]


def test_reshapes_in_a_row_and_without_effect_disappear() -> None:
    layers: tuple[Layer, ...] = (
        INPUT,
        CONV,
        Reshape(name="f", inputs=("c",), shape=(2, 8, 4)),
        Reshape(name="g", inputs=("f",), shape=(4, 4, 4)),
        Relu(name="r", inputs=("g",)),
    )
    assert names(fold_reshapes(LayerGraph(layers))) == ["x", "c", "r"]


def test_second_and_padded_pooling_stay() -> None:
    layers: tuple[Layer, ...] = (
        INPUT,
        CONV,
        MaxPool(name="p", inputs=("c",), pool=Pool((2, 2), (1, 1), (1, 0, 0, 0))),
        Relu(name="r", inputs=("p",)),
    )
    assert names(fuse_epilogues(LayerGraph(layers))) == ["x", "c", "p", "r"]
    twice: tuple[Layer, ...] = (
        INPUT,
        CONV,
        MaxPool(name="p", inputs=("c",), pool=Pool((2, 2), (1, 1))),
        MaxPool(name="q", inputs=("p",), pool=Pool((2, 2), (1, 1))),
    )
    assert names(fuse_epilogues(LayerGraph(twice))) == ["x", "c", "q"]


def test_names_count_by_kind_and_keep_the_origin() -> None:
    graph = name_layers(LayerGraph(CHAIN))
    assert names(graph) == ["input", "identity1", "conv1", "maxpool1", "reshape1", "relu1", "fc1"]
    assert [layer.origin for layer in graph.layers] == [layer.name for layer in CHAIN]
    assert isinstance(graph.layers[2], Compute)
    assert str(graph.layers[2].error("bad")) == "layer 'conv1' (node 'c'): bad"

"""Passes keep the result of a graph, do nothing the second time, and do what they are for."""

import numpy as np
import pytest

from networks import builtin, reference
from networks.errors import NetworkError
from networks.formats import Format
from networks.graph import LayerGraph
from networks.layers import (
    Add,
    AveragePool,
    BatchNorm,
    BiasAdd,
    Clip,
    Compute,
    Conv,
    Gemm,
    Identity,
    Input,
    Layer,
    MaxPool,
    Pad,
    Pool,
    Quantise,
    Relu,
    Reshape,
    Transpose,
)
from networks.passes import PASSES, Pass, optimise
from networks.passes.drop_identities import drop_identities
from networks.passes.fold_batch_norms import fold_batch_norms
from networks.passes.fold_paddings import fold_paddings
from networks.passes.fold_quantisation import fold_quantisation
from networks.passes.fold_reshapes import fold_reshapes
from networks.passes.fold_transposes import fold_transposes
from networks.passes.fuse_bias import fuse_bias
from networks.passes.fuse_epilogues import fuse_epilogues
from networks.passes.name_layers import name_layers

RANDOM = np.random.default_rng(2)
INT8 = Format(8, 0)
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


NORM = BatchNorm(name="n", inputs=("p",), gain=np.array([2.0, -1.0]), offset=np.array([1.0, 3.0]))
BRANCHES = (
    INPUT,
    Pad(name="p", inputs=("x",), before=(0, 1, 1), after=(0, 1, 1)),
    NORM,
    Conv(name="c", inputs=("n",), weights=RANDOM.normal(size=(2, 2, 3, 3))),
    Clip(name="l", inputs=("c",), low=0.0, high=6.0),
    Transpose(name="t", inputs=("l",), axes=(1, 2, 0)),
    Transpose(name="u", inputs=("t",), axes=(2, 0, 1)),
    Add(name="a", inputs=("u", "x")),
    Relu(name="r", inputs=("a",)),
    AveragePool(name="v", inputs=("r",), pool=Pool((6, 6), (1, 1))),
    Transpose(name="w", inputs=("v",), axes=(2, 0, 1)),
    Reshape(name="f", inputs=("w",), shape=(2, 1, 1)),
    Gemm(name="g", inputs=("f",), weights=RANDOM.normal(size=(3, 2, 1, 1))),
)


def names(graph: LayerGraph) -> list[str]:
    return [layer.name for layer in graph.layers]


def run(graph: LayerGraph) -> np.ndarray:
    images = np.random.default_rng(1).normal(size=(3, 2, 6, 6))
    return reference.run_float_all(graph, images)[graph.output.name]


@pytest.mark.parametrize("layers", [CHAIN, BRANCHES], ids=["chain", "branches"])
@pytest.mark.parametrize("apply", PASSES, ids=lambda apply: apply.__name__)
def test_pass_keeps_the_result_and_is_idempotent(apply: Pass, layers: tuple[Layer, ...]) -> None:
    graph = LayerGraph(layers)
    changed = apply(graph)
    assert np.allclose(run(changed), run(graph))
    again = apply(changed)
    assert names(again) == names(changed)
    assert names(graph) == [layer.name for layer in layers]


def test_all_passes_on_branches() -> None:
    graph = optimise(LayerGraph(BRANCHES))
    assert names(graph) == ["input", "conv1", "add1", "avgpool1", "fc1"]
    assert graph.compute_layers[0].pads == (1, 1, 1, 1)
    assert (graph.compute_layers[0].relu, graph.compute_layers[0].limit) == (True, 6.0)
    assert np.allclose(run(graph), run(LayerGraph(BRANCHES)))


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


def with_norm(*layers: Layer) -> LayerGraph:
    return LayerGraph((INPUT, *layers))


def test_normalisation_folds_backwards_or_forwards_or_not_at_all() -> None:
    conv = Conv(name="c", inputs=("x",), weights=RANDOM.normal(size=(2, 2, 3, 3)))
    norm = BatchNorm(name="n", inputs=("c",), gain=NORM.gain, offset=NORM.offset)
    behind = with_norm(conv, norm, Relu(name="r", inputs=("n",)))
    assert names(fold_batch_norms(behind)) == ["x", "c", "r"]
    shared = with_norm(conv, norm, Add(name="a", inputs=("c", "n")))
    folded = fold_batch_norms(shared)
    assert names(folded) == ["x", "c", "n", "a"]
    depthwise = folded.layer("n")
    assert isinstance(depthwise, Conv)
    assert depthwise.groups == 2
    assert np.allclose(run(folded), run(shared))


def test_normalisations_in_a_row() -> None:
    norms = [
        BatchNorm(name=name, inputs=(source,), gain=NORM.gain, offset=NORM.offset)
        for source, name in (("x", "n"), ("n", "m"))
    ]
    graph = with_norm(*norms)
    assert names(fold_batch_norms(graph)) == ["x", "n"]
    assert np.allclose(run(fold_batch_norms(graph)), run(graph))


@pytest.mark.parametrize("options", [{"pads": (1, 0, 0, 0)}, {"groups": 2}])
def test_normalisation_does_not_fold_into_padding_or_groups(options: dict) -> None:
    norm = BatchNorm(name="n", inputs=("x",), gain=NORM.gain, offset=NORM.offset)
    weights = RANDOM.normal(size=(2, 2 // options.get("groups", 1), 3, 3))
    graph = with_norm(norm, Conv(name="c", inputs=("n",), weights=weights, **options))
    folded = fold_batch_norms(graph)
    assert names(folded) == ["x", "n", "c"]
    assert np.allclose(run(folded), run(graph))


def test_zeros_become_pads_of_the_convolution_other_pads_stay() -> None:
    def padded(**options: object) -> LayerGraph:
        pads = {"before": (0, 1, 2), "after": (0, 3, 0), **options}
        pad = Pad(name="p", inputs=("x",), **pads)  # type: ignore[arg-type]
        shape = (1, pad.output_shape((2, 6, 6))[0], 3, 3)
        weights = RANDOM.normal(size=shape)
        conv = Conv(name="c", inputs=("p",), weights=weights, pads=(1, 1, 1, 1))
        graph = LayerGraph((INPUT, pad, conv))
        assert np.allclose(run(fold_paddings(graph)), run(graph))
        return fold_paddings(graph)

    assert padded().compute_layers[0].pads == (2, 3, 4, 1)
    assert names(padded(value=1.0)) == ["x", "p", "c"]
    assert names(padded(before=(1, 1, 1))) == ["x", "p", "c"]


def test_transposition_of_vectors_and_in_front_of_a_fully_connected_layer() -> None:
    turn = Transpose(name="t", inputs=("c",), axes=(1, 2, 0))
    gemm = Gemm(name="g", inputs=("t",), weights=RANDOM.normal(size=(3, 4, 4, 4)))
    graph = LayerGraph((INPUT, CONV, turn, gemm))
    folded = fold_transposes(graph)
    assert names(folded) == ["x", "c", "g"]
    assert np.allclose(run(folded), run(graph))
    kept = LayerGraph((INPUT, CONV, turn, Relu(name="r", inputs=("t",))))
    assert names(fold_transposes(kept)) == ["x", "c", "t", "r"]


def test_quantisation_of_a_tensor_with_two_readers() -> None:
    conv = Conv(
        name="c", inputs=("q",), weights=np.ones((2, 2, 1, 1), dtype=int), weight_format=INT8
    )
    layers: tuple[Layer, ...] = (
        INPUT,
        Quantise(name="q", inputs=("x",), format=Format(8, 5)),
        conv,
        Quantise(name="s", inputs=("c",), format=Format(8, 3)),
        Quantise(name="t", inputs=("c",), format=Format(8, 3)),
        Add(name="a", inputs=("s", "t")),
        Quantise(name="u", inputs=("a",), format=Format(8, 2)),
    )
    graph = fold_quantisation(LayerGraph(layers))
    assert names(graph) == ["x", "c", "a"]
    assert graph.is_integer
    unlike = list(layers)
    unlike[4] = Quantise(name="t", inputs=("c",), format=Format(8, 4))
    with pytest.raises(NetworkError, match="layer 's': must be the only reader of 'c'"):
        fold_quantisation(LayerGraph(tuple(unlike)))
    relu = Relu(name="r", inputs=("c",))
    behind = Quantise(name="t", inputs=("r",), format=Format(8, 3))
    with pytest.raises(NetworkError, match="must be the only reader of 'c'"):
        fold_quantisation(LayerGraph((*layers[:4], relu, behind, *layers[5:])))

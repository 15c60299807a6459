"""Layers as operations: which run on the accelerator, and why others do not."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from networks import reference
from networks.formats import Format
from networks.graph import LayerGraph
from networks.layers import (
    Add,
    AveragePool,
    Clip,
    Concat,
    Conv,
    Input,
    Layer,
    MaxPool,
    Pool,
    Relu,
    Shape,
)
from networks.program_model import ProgramModel
from networks.schedule import compile_network
from tests.networks.graphs import INT8, accelerator_of, integer_layer, random_images

RANDOM = np.random.default_rng(0)
UINT8 = Format(8, 0, signed=False)
KINDS: tuple[dict[str, Any], ...] = (
    {"kind": "bitmap"},
    {"kind": "dense"},
    {"kind": "list", "lookahead": 1},
    {"kind": "list", "lookahead": 4},
)


def network(*layers: Layer, shape: Shape = (4, 8, 8), number_format: Format = INT8) -> LayerGraph:
    return LayerGraph((Input(name="input", shape=shape, format=number_format), *layers))


def conv(source: str = "input", **options: Any) -> Conv:
    inputs = 4 // options.get("groups", 1)
    layer = integer_layer(RANDOM, "conv", source, (8, inputs, 3, 3), **options)
    assert isinstance(layer, Conv)
    return layer


def pooled(pool: Pool, number_format: Format = INT8, **options: Any) -> LayerGraph:
    layer = AveragePool(
        name="mean",
        inputs=("input",),
        pool=pool,
        input_format=number_format,
        output_format=number_format,
        **options,
    )
    return network(layer, shape=(40, 14, 14), number_format=number_format)


def scaled(graph_format: Format, scales: Any) -> LayerGraph:
    layer = replace(conv(), output_format=graph_format)
    return network(replace(layer, channel_scales=scales, bias_scales=scales))


def branches(kind: str, *formats: Format) -> LayerGraph:
    layers: list[Layer] = [
        replace(conv(pads=(1, 1, 1, 1)), name=f"conv{index}", output_format=item)
        for index, item in enumerate(formats[:2])
    ]
    names = tuple(layer.name for layer in layers)
    make = Add if kind == "add" else Concat
    return network(
        *layers,
        make(name=kind, inputs=names, input_formats=formats[:2], output_format=formats[2]),
    )


ON_ACCELERATOR = {
    "padding": lambda: network(conv(pads=(1, 2, 0, 1))),
    "dilation": lambda: network(conv(dilations=(2, 3))),
    "groups": lambda: network(conv(groups=2)),
    "channels on their own": lambda: network(conv(groups=4, pads=(1, 1, 1, 1))),
    "unsigned input": lambda: network(conv(input_format=UINT8), number_format=UINT8),
    "unsigned output": lambda: network(conv(signed=False)),
    "limit": lambda: network(conv(relu=True, limit=6.0)),
    "11x11": lambda: network(
        integer_layer(RANDOM, "conv", "input", (3, 4, 11, 11), density=0.1, strides=(4, 4)),
        shape=(4, 23, 27),
    ),
    "max-pooling": lambda: network(
        MaxPool(name="pool", inputs=("input",), pool=Pool((3, 2), (2, 1))), shape=(40, 8, 8)
    ),
    "max-pooling with pads": lambda: network(
        MaxPool(name="pool", inputs=("input",), pool=Pool((3, 3), (2, 2), (1, 1, 1, 1))),
        number_format=UINT8,
    ),
    "mean": lambda: pooled(Pool((2, 2), (2, 2))),
    "mean with pads": lambda: pooled(Pool((4, 4), (2, 2), (1, 2, 1, 2)), counts_pads=True),
    "sum": lambda: branches("add", INT8, INT8, INT8),
    "sum of two scales": lambda: branches("add", INT8, Format(8, 3), Format(8, 1)),
    "twice": lambda: network(
        Add(name="sum", inputs=("input",) * 2, input_formats=(INT8,) * 2, output_format=INT8)
    ),
    "joined": lambda: branches("concat", INT8, INT8, INT8),
    "joined in another scale": lambda: branches("concat", INT8, Format(8, 2), Format(8, 1)),
    "joined twice": lambda: network(
        Concat(name="all", inputs=("input",) * 2, input_formats=(INT8,) * 2, output_format=INT8)
    ),
    "relu": lambda: network(Relu(name="relu", inputs=("input",)), shape=(70, 3, 3)),
    "clip": lambda: network(
        Clip(name="clip", inputs=("input",), low=-20.0, high=50.0, format=INT8)
    ),
}
WITH_CHANNEL_SCALES = {
    "scales of channels": lambda: scaled(INT8, 2.0 ** np.arange(-4, 4)),
    "real scales": lambda: scaled(Format.of_scale(8, 0.7), np.linspace(0.3, 3, 8)),
    "larger results": lambda: scaled(Format(8, 12), None),
    "global mean": lambda: pooled(Pool((7, 7), (7, 7))),
    "global mean, unsigned": lambda: pooled(Pool((13, 13), (1, 1)), UINT8, limit=200.0),
}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: "-".join(map(str, kind.values())))
@pytest.mark.parametrize("case", [*ON_ACCELERATOR, *WITH_CHANNEL_SCALES])
def test_the_accelerator_does_exactly_what_the_layer_says(case: str, kind: dict[str, Any]) -> None:
    graph = (ON_ACCELERATOR | WITH_CHANNEL_SCALES)[case]()
    for channel_scales in (False, True)[case in WITH_CHANNEL_SCALES :]:
        accelerator = accelerator_of(**kind, units=5, channel_scales=channel_scales)
        program = compile_network(graph, accelerator, memory_base_bytes=0)
        assert [info.host_reason for info in program.layers] == [None] * len(program.layers)
        images = random_images(graph, 2)
        expected = reference.run_all(graph, images)[graph.output.name]
        model = ProgramModel(program, graph, accelerator)
        for image, result in zip(images, expected, strict=True):
            assert np.array_equal(model.run(image), result)


ON_HOST = {
    "wide numbers": (
        lambda: network(replace(conv(), output_format=Format(16, 0))),
        "numbers must have 8 bits, not int16/2^0",
    ),
    "wide weights": (
        lambda: network(replace(conv(), weight_format=Format(16, 9))),
        "weights must be int8, not int16/2^9",
    ),
    "scales of channels": (
        WITH_CHANNEL_SCALES["scales of channels"],
        "scales must be the same for all channels",
    ),
    "real scale": (
        lambda: scaled(Format.of_scale(8, 0.75), None),
        "factor of a sum must fit, not 43691 * 2^-24",
    ),
    "larger results": (
        WITH_CHANNEL_SCALES["larger results"],
        "factor of a sum must fit, not 1 * 2^3",
    ),
    "padded max-pooling behind a convolution": (
        lambda: network(replace(conv(), pool=Pool((2, 2), (2, 2), (1, 0, 0, 0)))),
        "pads of max-pooling must be 0, not (1, 0, 0, 0)",
    ),
    "padded max-pooling of negative numbers": (
        lambda: network(
            MaxPool(name="pool", inputs=("input",), pool=Pool((3, 3), (2, 2), (1, 1, 1, 1)))
        ),
        "pads of max-pooling of negative numbers must be 0, not (1, 1, 1, 1)",
    ),
    "large max-pooling": (
        lambda: network(
            MaxPool(name="pool", inputs=("input",), pool=Pool((17, 2), (1, 1))), shape=(1, 20, 9)
        ),
        "rows of max-pooling must be at most 16, not 17",
    ),
    "mean with ties": (
        lambda: pooled(Pool((6, 6), (1, 1))),
        "mean of 36 elements times 1 must be exact for every sum",
    ),
    "global mean": (
        WITH_CHANNEL_SCALES["global mean"],
        "mean of 49 elements times 1 must be exact for every sum",
    ),
    "mean without its pads": (
        lambda: pooled(Pool((2, 2), (2, 2), (1, 0, 1, 0))),
        "pads that do not count must be 0, not (1, 0, 1, 0)",
    ),
    "sum of signed and unsigned": (
        lambda: branches("add", INT8, UINT8, INT8),
        "inputs must be all signed or all unsigned",
    ),
    "sum of scales far apart": (
        lambda: branches("add", INT8, Format(8, 8), INT8),
        "weights with the ratio of the scales must fit an operand",
    ),
    "long map": (
        lambda: network(Relu(name="relu", inputs=("input",)), shape=(1, 4097, 1)),
        "output rows must be at most 4096, not 4097",
    ),
    "large row": (
        lambda: network(Relu(name="relu", inputs=("input",)), shape=(70, 2, 70)),
        "input and output of 1 output row must fit 8192 elements of activation memory",
    ),
    "transpose of a large window": (
        lambda: network(
            integer_layer(RANDOM, "fc", "input", (3, 9000, 1, 1), density=0.01), shape=(9000, 1, 1)
        ),
        "input and output of 1 output row must fit 8192 elements of activation memory",
    ),
}


@pytest.mark.parametrize("case", ON_HOST)
def test_what_the_accelerator_cannot_do_runs_on_the_host(case: str) -> None:
    make, reason = ON_HOST[case]
    graph, accelerator = make(), accelerator_of()
    program = compile_network(graph, accelerator, memory_base_bytes=0)
    assert [info.host_reason for info in program.layers if info.host_reason] in (
        [reason],
        [reason] * 2,
    )
    images = random_images(graph, 2)
    expected = reference.run_all(graph, images)[graph.output.name]
    model = ProgramModel(program, graph, accelerator)
    for image, result in zip(images, expected, strict=True):
        assert np.array_equal(model.run(image), result)

"""Layers too large for the activation memory: borders left in system memory, pooling apart."""

from dataclasses import replace

import numpy as np
import pytest

from hdl.config import AcceleratorConfig
from networks import reference
from networks.formats import Format
from networks.graph import LayerGraph
from networks.layers import Input, MaxPool, Pool
from networks.program_model import ProgramModel
from networks.schedule import compile_network
from networks.schedule.pools_apart import pools_apart
from tests.networks.graphs import accelerator_of, integer_layer, random_images

PADS = (1, 1, 1, 1)


POOL = Pool((2, 2), (2, 2))


def convolutions(bits: int, pool: Pool | None = None) -> LayerGraph:
    """Two padded convolutions of 3 x 3, 16 channels of 14 x 14; `pool` is fused to the second."""
    random = np.random.default_rng(5)
    number_format = Format(bits, 0)
    first, second = (
        integer_layer(
            random, name, source, (16, 16, 3, 3), input_format=number_format, relu=True, pads=PADS
        )
        for name, source in (("first", "input"), ("second", "first"))
    )
    entry = Input(name="input", shape=(16, 14, 14), format=number_format)
    return LayerGraph((entry, first, replace(second, pool=pool)))


def check(graph: LayerGraph, accelerator: AcceleratorConfig) -> list[str]:
    """Runs two images from random memory; returns the names of the segments beforehand in it."""
    program = compile_network(graph, accelerator, memory_base_bytes=0)
    assert {info.runs_on for info in program.layers} == {"accelerator"}
    images = random_images(graph, 2)
    for seed in (1, 2):
        model = ProgramModel(program, graph, accelerator, seed=seed)
        for image, expected in zip(images, reference.run(graph, images), strict=True):
            assert np.array_equal(model.run(image), expected)
    return [segment.name for segment in program.memory]


@pytest.mark.parametrize("kind", ["bitmap", "dense", "list"])
@pytest.mark.parametrize("bits", [8, 16, 32])
def test_border_rows_stay_in_memory_where_they_need_room(kind: str, bits: int) -> None:
    """A row of 16 channels x 14 with its border is 256 elements; 1024 hold three and a result."""
    graph = convolutions(bits)
    assert "first" in check(graph, accelerator_of(bits, kind=kind, activation_elements=1024))
    assert "first" not in check(graph, accelerator_of(bits, kind=kind, activation_elements=2048))


@pytest.mark.parametrize("kind", ["bitmap", "dense", "list"])
def test_pooling_apart_where_both_together_do_not_fit(kind: str) -> None:
    """With pooling four rows of input and one of results are needed, without it three and one."""
    graph = convolutions(8, POOL)
    accelerator = accelerator_of(8, kind=kind, activation_elements=1024)
    apart = pools_apart(graph, accelerator)
    assert [layer.name for layer in apart.layers] == [
        "input", "first", "second before pooling", "second",
    ]  # fmt: skip
    assert isinstance(apart.layers[-1], MaxPool)
    check(apart, accelerator)
    assert pools_apart(graph, accelerator_of(8, kind=kind, activation_elements=4096)) is graph


def test_pooling_stays_where_it_would_not_fit_alone_either() -> None:
    graph = convolutions(8, POOL)
    accelerator = accelerator_of(8, activation_elements=256)
    assert pools_apart(graph, accelerator) is graph


@pytest.mark.parametrize(("kind", "units", "apart"), [("list", 8, True), ("list", 64, False)])
def test_pooling_windows_that_overlap_are_a_pass_of_their_own(
    kind: str, units: int, apart: bool
) -> None:
    """Fused, 36 windows of 3 x 3 are 324 sums a filter; apart there are 169. On 64 units sums take
    no longer than their results."""
    graph = convolutions(8, Pool((3, 3), (2, 2)))
    accelerator = accelerator_of(8, kind=kind, units=units)
    split = pools_apart(graph, accelerator)
    assert [layer.name for layer in split.layers[2:]] == (
        ["second before pooling", "second"] if apart else ["second"]
    )
    check(split, accelerator)


def test_a_border_below_only_is_zeros_beforehand() -> None:
    """One band stores all rows of the first result but those of its border, which end it."""
    random = np.random.default_rng(5)
    first = integer_layer(random, "first", "input", (3, 6, 1, 2), input_format=Format(8, 0))
    second = integer_layer(
        random, "second", "first", (5, 3, 2, 2), input_format=Format(8, 0), pads=(0, 1, 1, 0)
    )
    entry = Input(name="input", shape=(6, 4, 7), format=Format(8, 0))
    accelerator = accelerator_of(8, kind="bitmap", units=1, activation_elements=256)
    assert "first" in check(LayerGraph((entry, first, second)), accelerator)

"""Graphs with branches: exact rational arithmetic, and compiled programs, against the reference."""

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from networks import reference
from networks.errors import NetworkError
from networks.formats import Format
from networks.graph import LayerGraph
from networks.layers import Add, AveragePool, Clip, Concat, Input, Layer, Pad, Pool, Rounded
from networks.program import Offload
from networks.program_model import ProgramModel
from networks.rescale import Factor
from networks.schedule import compile_network
from tests.networks.graphs import INT8, accelerator_of, integer_layer, random_images
from tests.networks.integer_dags import integer_dags

RANDOM = np.random.default_rng(0)


@given(st.data(), st.sampled_from([8, 8, 16, 32]), st.booleans())
@settings(max_examples=80, deadline=None)
def test_programs_compute_what_the_graph_says(
    data: st.DataObject, bits: int, late_jobs: bool
) -> None:
    graph = data.draw(integer_dags(bits))
    accelerator = accelerator_of(
        bits,
        kind=data.draw(st.sampled_from(["bitmap", "dense", "list"])),
        lookahead=data.draw(st.sampled_from([1, 2, 4])),
        units=data.draw(st.integers(1, 9)),
        activation_elements=1 << data.draw(st.integers(8, 11)),
        channel_scales=data.draw(st.booleans()),
    )
    try:
        program = compile_network(
            graph, accelerator, memory_base_bytes=64, balance=data.draw(st.booleans())
        )
    except NetworkError as error:
        event(str(error).split(": ")[-1].split(",")[0])
        assume(False)
    for info in program.layers:
        event(f"{info.op} on {info.runs_on}: {info.host_reason}")
    for step in program.steps:
        event(f"{type(step).__name__} {len(getattr(step, 'inputs', getattr(step, 'layers', ())))}")
    images = random_images(graph, 2)
    model = ProgramModel(program, graph, accelerator, late_jobs=late_jobs)
    for image, expected in zip(images, reference.run(graph, images), strict=True):
        assert np.array_equal(model.run(image).reshape(expected.shape), expected)


def rational(layer: Layer, tensors: Sequence[NDArray]) -> NDArray:
    """One image through a layer that rounds, each element as an exact fraction."""
    assert isinstance(layer, Rounded)
    factors = [Fraction(f.multiplier) / Fraction(2) ** f.shift for f in layer.input_factors()]
    target = layer.known_output_format

    def rounded(value: Fraction) -> int:
        stored = max(target.min, min(target.max, round(value)))
        stored = max(stored, 0) if layer.relu else stored
        if layer.limit is None:
            return stored
        limit = round(Fraction(layer.limit) / Fraction(target.scale))
        return min(stored, max(target.min, min(target.max, limit)))

    match layer:
        case Add():
            first, second = (t.reshape(-1).tolist() for t in tensors)
            sums = [a * factors[0] + b * factors[1] for a, b in zip(first, second, strict=True)]
            return np.array([rounded(value) for value in sums]).reshape(tensors[0].shape)
        case Concat():
            parts = [
                np.array([rounded(value * factor) for value in t.reshape(-1).tolist()])
                for t, factor in zip(tensors, factors, strict=True)
            ]
            shapes = [t.shape for t in tensors]
            return np.concatenate([p.reshape(s) for p, s in zip(parts, shapes, strict=True)])
        case AveragePool(pool=pool):
            return averages(layer, pool, tensors[0], factors[0], rounded)
    raise AssertionError(layer.op)


def averages(
    layer: AveragePool, pool: Pool, tensor: NDArray, factor: Fraction, rounded: object
) -> NDArray:
    assert callable(rounded)
    channels, rows, columns = layer.output_shape(tensor.shape)
    result = np.zeros((channels, rows, columns), dtype=np.int64)
    height, width = tensor.shape[1:]
    top, left, bottom, right = pool.pads
    for channel, row, column in np.ndindex(result.shape):
        total = count = 0
        for y in range(row * pool.strides[0] - top, row * pool.strides[0] - top + pool.kernel[0]):
            first = column * pool.strides[1] - left
            for x in range(first, first + pool.kernel[1]):
                inside = 0 <= y < height and 0 <= x < width
                total += int(tensor[channel, y, x]) if inside else 0
                counted = -top <= y < height + bottom and -left <= x < width + right
                count += counted if layer.counts_pads else inside
        result[channel, row, column] = rounded(total * factor / count)
    return result


@given(st.sampled_from([8, 16, 32]).flatmap(integer_dags))
@settings(max_examples=60, deadline=None)
def test_sums_and_means_are_rounded_once_from_exact_fractions(graph: LayerGraph) -> None:
    results = reference.run_all(graph, random_images(graph, 1))
    for layer in graph.layers:
        if isinstance(layer, Add | Concat | AveragePool):
            tensors = [results[name][0] for name in layer.inputs]
            assert np.array_equal(results[layer.name][0], rational(layer, tensors)), layer.name


@given(st.sampled_from([8, 16]).flatmap(integer_dags))
@settings(max_examples=40, deadline=None)
def test_results_are_in_the_range_that_is_claimed(graph: LayerGraph) -> None:
    for name, result in reference.run_all(graph, random_images(graph, 3)).items():
        low, high = graph.range_of(name)
        assert low <= result.min()
        assert result.max() <= high


def network(*layers: Layer, shape: tuple[int, int, int] = (4, 6, 6)) -> LayerGraph:
    return LayerGraph((Input(name="input", shape=shape, format=INT8), *layers))


def residual() -> LayerGraph:
    return network(
        integer_layer(RANDOM, "conv1", "input", (9, 4, 1, 1), relu=True),
        integer_layer(RANDOM, "conv2", "conv1", (11, 9, 1, 1)),
        integer_layer(RANDOM, "conv3", "conv2", (9, 11, 1, 1)),
        Add(
            name="add1",
            inputs=("conv3", "conv1"),
            input_formats=(INT8, INT8),
            output_format=INT8,
            relu=True,
        ),
        integer_layer(RANDOM, "conv4", "add1", (5, 9, 3, 3)),
    )


@pytest.mark.parametrize("kind", ["bitmap", "dense", "list"])
def test_residual_block_stays_on_chip(kind: str) -> None:
    graph = residual()
    accelerator = accelerator_of(kind=kind)
    program = compile_network(graph, accelerator, memory_base_bytes=0)
    (offload,) = program.steps
    assert isinstance(offload, Offload)
    assert offload.layers == (0, 1, 2, 3, 4)
    assert [job.layer_index for job in offload.jobs if job.kind == "store"] == [4]
    (loaded,) = (t for t in offload.send if t.address_bytes == program.input.address_bytes)
    assert loaded.length_bytes == program.input.length_bytes
    images = random_images(graph, 2)
    model = ProgramModel(program, graph, accelerator)
    for image, expected in zip(images, reference.run(graph, images), strict=True):
        assert np.array_equal(model.run(image), expected)


def test_factor_of_a_sum_is_that_of_the_scales() -> None:
    layer = Add(
        name="add",
        inputs=("input", "input"),
        input_formats=(Format(8, 3), Format.of_scale(8, 0.3)),
        output_format=Format(8, 1),
    )
    first, second = layer.input_factors()
    assert first == Factor(1, 2)
    assert abs(second.multiplier / 2**second.shift - 0.6) < 0.6 * 2**-16


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (
            Add(name="a", inputs=("input",)),
            "layer 'a': must read two layers, not 1",
        ),
        (Concat(name="a"), "layer 'a': must read one layer at least, not 0"),
        (
            Add(name="a", inputs=("input", "input"), input_formats=(INT8, Format(8, 1))),
            r"input formats must be int8/2\^0, int8/2\^1, not int8/2\^0, int8/2\^0",
        ),
        (
            Clip(name="a", inputs=("input",), format=Format(8, 2)),
            r"input format must be int8/2\^2, not int8/2\^0",
        ),
    ],
)
def test_construction_checks(layer: Layer, message: str) -> None:
    with pytest.raises(NetworkError, match=message):
        network(layer)


def test_maps_of_other_sizes_do_not_join() -> None:
    pad = Pad(name="p", inputs=("input",), before=(0, 1, 0), after=(0, 0, 0), format=INT8)
    with pytest.raises(NetworkError, match=r"maps of one size, not \[\(6, 6\), \(7, 6\)\]"):
        network(pad, Concat(name="c", inputs=("input", "p")))
    with pytest.raises(NetworkError, match=r"one shape, not \(4, 6, 6\) and \(4, 7, 6\)"):
        network(pad, Add(name="c", inputs=("input", "p")))

"""The activation memory: what lives together lies apart, what fits stays, what does not is cut."""

from collections import Counter
from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hdl.config import AcceleratorConfig
from hdl.packets import Destination
from networks import reference
from networks.errors import NetworkError
from networks.graph import LayerGraph
from networks.layers import Add, Concat, Input, Layer, Reshape, Shape
from networks.program import Offload
from networks.program_model import ProgramModel, parse_packets
from networks.schedule import compile_network
from networks.schedule.schedule import make_schedule
from networks.schedule.stage import Stage
from tests.networks.graphs import INT8, accelerator_of, integer_layer, random_images
from tests.networks.integer_dags import integer_dags

RANDOM = np.random.default_rng(0)


def network(*layers: Layer, shape: Shape = (4, 8, 8)) -> LayerGraph:
    return LayerGraph((Input(name="input", shape=shape, format=INT8), *layers))


def visits(graph: LayerGraph, accelerator: AcceleratorConfig) -> list[tuple[Stage, ...]]:
    schedule = make_schedule(graph, accelerator)
    return [step for step in schedule.steps if isinstance(step, tuple)]


def agrees(graph: LayerGraph, accelerator: AcceleratorConfig) -> bool:
    """Whether its program, with jobs as late as they can be, computes what the graph says."""
    program = compile_network(graph, accelerator, memory_base_bytes=0)
    images = random_images(graph, 2)
    model = ProgramModel(program, graph, accelerator, late_jobs=True)
    expected = reference.run_all(graph, images)[graph.output.name]
    return all(
        np.array_equal(model.run(image), result)
        for image, result in zip(images, expected, strict=True)
    )


@given(st.sampled_from([8, 16]).flatmap(integer_dags), st.integers(8, 12))
@settings(max_examples=60, deadline=None)
def test_what_lives_together_lies_apart(graph: LayerGraph, size: int) -> None:
    bits = graph.input.format.bits if graph.input.format else 8
    accelerator = accelerator_of(bits, activation_elements=1 << size, channel_scales=True)
    try:
        found = visits(graph, accelerator)
    except NetworkError:
        assume(False)
    lanes = accelerator.lanes
    for visit in found:
        for stage in visit:
            assert {*stage.operation.sources, stage.operation.target} <= stage.regions.keys()
            for region in stage.regions.values():
                assert region.address % lanes == 0
                assert 0 <= region.address
                assert region.address + region.words * lanes <= accelerator.activation_elements
            for one, other in combinations(stage.regions.values(), 2):
                assert not one.overlaps(other, lanes)
        if len({id(stage.operation) for stage in visit}) == len(visit):  # not bands
            for stage, following in pairwise(visit):
                for name in stage.regions.keys() & following.regions.keys():
                    assert stage.regions[name] == following.regions[name]
        assert visit[-1].stores


@given(st.sampled_from([8, 16]).flatmap(integer_dags), st.integers(8, 12))
@settings(max_examples=60, deadline=None)
def test_everything_is_on_chip_or_loaded_when_it_is_read(graph: LayerGraph, size: int) -> None:
    bits = graph.input.format.bits if graph.input.format else 8
    accelerator = accelerator_of(bits, activation_elements=1 << size)
    try:
        schedule = make_schedule(graph, accelerator)
    except NetworkError:
        assume(False)
    in_memory, rows = {"input"}, Counter[int]()
    for step in schedule.steps:
        if isinstance(step, int):
            layer = graph.layers[1 + step]
            assert in_memory.issuperset(layer.inputs)
            in_memory.add(layer.name)
            continue
        before, on_chip = set(in_memory), set[str]()
        for stage in step:
            assert before.issuperset(stage.loads)
            on_chip |= {*stage.loads}
            assert on_chip.issuperset(stage.operation.sources)
            on_chip = (on_chip | {stage.operation.target}) & stage.regions.keys()
            assert stage.first_row == rows[id(stage.operation)]
            rows[id(stage.operation)] += stage.rows
            in_memory |= {*stage.stores}
    assert graph.output.name in in_memory
    for operation in schedule.operations:
        assert rows[id(operation)] == operation.output_shape[1]


def test_neighbours_that_fit_together_stay_on_chip() -> None:
    """Sizes that a single end of the memory would break up: 16, 2000, 2000, 16, 2032."""
    channels = [1, 125, 125, 1, 127]
    layers = [
        integer_layer(RANDOM, f"conv{i}", f"conv{i - 1}" if i else "input", (out, into, 1, 1))
        for i, (into, out) in enumerate(pairwise(channels))
    ]
    graph = network(*layers, shape=(1, 4, 4))
    accelerator = accelerator_of(activation_elements=4096)
    (visit,) = visits(graph, accelerator)
    assert len(visit) == 4
    assert agrees(graph, accelerator)


def residual_in_pieces() -> LayerGraph:
    """The short cut and two more tensors need 3 * 1024 elements."""
    layers: list[Layer] = [integer_layer(RANDOM, "stem", "input", (16, 4, 1, 1))]
    for name, source in (("one", "stem"), ("two", "one"), ("three", "two")):
        layers.append(integer_layer(RANDOM, name, source, (16, 16, 3, 3), pads=(1, 1, 1, 1)))
    formats = (INT8, INT8)
    layers.append(
        Add(name="sum", inputs=("three", "stem"), input_formats=formats, output_format=INT8)
    )
    return network(*layers)


@pytest.mark.parametrize(("size", "count"), [(8192, 1), (4096, 2)])
def test_run_is_cut_where_the_memory_is_full(size: int, count: int) -> None:
    """What is read later is stored, and sent again when it is needed."""
    accelerator = accelerator_of(activation_elements=size)
    graph = residual_in_pieces()
    found = visits(graph, accelerator)
    assert len(found) == count
    stored = {name for visit in found for stage in visit for name in stage.stores}
    loaded = {name for visit in found for stage in visit for name in stage.loads}
    assert stored == loaded - {"input"} | {"sum"}
    assert stored == ({"sum"} if count == 1 else {"stem", "three", "sum"})
    assert agrees(graph, accelerator)


def test_branches_are_written_where_they_are_joined() -> None:
    graph = network(
        integer_layer(RANDOM, "squeeze", "input", (3, 4, 1, 1)),
        integer_layer(RANDOM, "one", "squeeze", (9, 3, 1, 1)),
        integer_layer(RANDOM, "three", "squeeze", (7, 3, 3, 3), pads=(1, 1, 1, 1), relu=True),
        Concat(name="all", inputs=("one", "three"), input_formats=(INT8, INT8), output_format=INT8),
        integer_layer(RANDOM, "last", "all", (5, 16, 3, 3), pads=(1, 1, 1, 1)),
    )
    accelerator = accelerator_of(units=4)
    (visit,) = visits(graph, accelerator)
    assert [(s.operation.target, s.operation.first_channel) for s in visit] == [
        ("squeeze", 0),
        ("all", 0),
        ("all", 9),
        ("last", 0),
    ]
    assert [stage.clear for stage in visit] == [True, True, False, True]
    assert agrees(graph, accelerator)


def test_branches_in_bands_keep_what_others_have_written() -> None:
    branches = [
        integer_layer(RANDOM, name, "input", (6, 4, 3, 3), pads=(1, 1, 1, 1))
        for name in ("one", "two")
    ]
    formats = (INT8, INT8)
    joined = Concat(name="all", inputs=("one", "two"), input_formats=formats, output_format=INT8)
    last = integer_layer(RANDOM, "last", "all", (2, 12, 3, 3), pads=(1, 1, 1, 1))
    graph = network(*branches, joined, last, shape=(4, 20, 9))
    accelerator = accelerator_of(activation_elements=2048)
    found = visits(graph, accelerator)
    assert ["all" in stage.loads for stage in found[1]] == [True] * len(found[1])
    assert len(found[0]) > 1
    assert agrees(graph, accelerator)


@pytest.mark.parametrize("kind", ["bitmap", "dense", "list"])
def test_next_band_is_sent_while_one_is_computed(kind: str) -> None:
    layer = integer_layer(RANDOM, "conv", "input", (8, 8, 3, 3), pads=(1, 1, 1, 1))
    graph = network(layer, shape=(8, 24, 16))
    accelerator = accelerator_of(kind=kind, activation_elements=4096)
    program = compile_network(graph, accelerator, memory_base_bytes=0)
    (offload,) = program.steps
    assert isinstance(offload, Offload)
    assert len(offload.receive) > 2
    memory = np.zeros(program.memory_bytes, dtype=np.uint8)
    for segment in program.memory:
        end = segment.address_bytes + len(segment.data)
        memory[segment.address_bytes : end] = np.frombuffer(segment.data, dtype=np.uint8)
    sent = [memory[t.address_bytes : t.address_bytes + t.length_bytes] for t in offload.send]
    headers = [header for header, _ in parse_packets(np.concatenate(sent).view("<u4"))]
    kinds = [header.destination for header in headers]
    loads = [i for i, h in enumerate(headers) if h.destination is Destination.ACTIVATIONS]
    assert not any(headers[index].fence for index in loads)
    assert len({headers[index].address for index in loads}) == 2
    # each but the first stands between a job and the store of its result
    for index in loads[1:]:
        before, after = kinds[index - 1], kinds[index + 1]
        assert before is after is Destination.REGISTERS
    assert agrees(graph, accelerator)


@pytest.mark.parametrize(("layers", "shared"), [(1, False), (2, True)])
def test_next_image_waits_for_a_result_whose_place_it_takes(layers: int, shared: bool) -> None:
    """Images one behind the other: the store job of the last result may still run."""
    chain = (
        integer_layer(RANDOM, "one", "input", (3, 4, 1, 1)),
        integer_layer(RANDOM, "two", "one", (3, 3, 1, 1)),
    )
    graph = network(*chain[:layers], shape=(4, 7, 7))
    accelerator = accelerator_of(activation_elements=4096)
    lanes = accelerator.lanes
    found = visits(graph, accelerator)
    first, last = found[0][0], found[-1][-1]
    stored = last.regions[last.stores[-1]]
    image = first.regions["input"]
    assert image.overlaps(stored, lanes) == shared
    program = compile_network(graph, accelerator, memory_base_bytes=0)
    offload = program.steps[0]
    assert isinstance(offload, Offload)
    memory = np.zeros(program.memory_bytes, dtype=np.uint8)
    for segment in program.memory:
        end = segment.address_bytes + len(segment.data)
        memory[segment.address_bytes : end] = np.frombuffer(segment.data, dtype=np.uint8)
    sent = [memory[t.address_bytes : t.address_bytes + t.length_bytes] for t in offload.send]
    load, _ = next(iter(parse_packets(np.concatenate(sent).view("<u4"))))
    assert load.destination is Destination.ACTIVATIONS
    assert load.address == image.address // lanes
    assert load.fence == shared
    assert agrees(graph, accelerator)


@pytest.mark.parametrize("kind", ["bitmap", "dense", "list"])
def test_sums_of_tensors_in_bands(kind: str) -> None:
    formats = (INT8, INT8)
    graph = network(
        Reshape(name="turned", inputs=("input",), shape=(6, 16, 12)),
        Reshape(name="again", inputs=("turned",), shape=(6, 12, 16)),
        integer_layer(RANDOM, "conv", "input", (6, 6, 3, 3), pads=(1, 1, 1, 1)),
        Add(name="sum", inputs=("again", "conv"), input_formats=formats, output_format=INT8),
        integer_layer(RANDOM, "last", "sum", (3, 6, 3, 3), pads=(2, 1, 0, 1)),
        shape=(6, 12, 16),
    )
    for size in (1024, 2048, 8192):
        accelerator = accelerator_of(kind=kind, activation_elements=size)
        assert agrees(graph, accelerator)

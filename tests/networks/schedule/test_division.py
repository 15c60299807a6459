"""Copies of filters at neighbouring positions, and parts of them: what is chosen, same results."""

from math import gcd

import numpy as np
import pytest
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

from hdl.registers import BY_NAME
from networks import builtin, reference
from networks.errors import NetworkError
from networks.graph import LayerGraph
from networks.layers import Input, Layer, Pool
from networks.program import Offload, Program
from networks.program_model import ProgramModel
from networks.schedule import compile_network
from networks.schedule.choose_divisions import Way, choose_divisions
from networks.schedule.division import Division, stored_order
from networks.schedule.weights import Room
from networks.weight_lists import FilterList, split_list
from tests.networks.graphs import INT8, accelerator_of, integer_layer, random_images


@st.composite
def wide_convolutions(draw: st.DrawFn) -> LayerGraph:
    """Two convolutions with few filters over long rows, pooled or not, with any borders."""
    random = np.random.default_rng(draw(st.integers(0, 1 << 32)))
    number, pads = st.integers(1, 3), st.integers(0, 2)
    shape = (draw(st.integers(1, 5)), 9, draw(st.sampled_from([12, 15, 16, 20])))
    layers: list[Layer] = [Input(name="input", shape=shape, format=INT8)]
    for index in range(2):
        size, step = draw(st.sampled_from([(1, 1), (2, 2), (3, 2), (2, 1)]))
        layer = integer_layer(
            random,
            f"layer{index}",
            layers[-1].name,
            (draw(st.integers(1, 13)), shape[0], draw(number), draw(number)),
            density=draw(st.floats(0.1, 1)),
            strides=(draw(number), draw(number)),
            pads=(draw(pads), draw(pads), draw(pads), draw(pads)),
            dilations=(draw(number), draw(number)),
            pool=Pool((size, size), (step, step)) if size > 1 else None,
        )
        layers.append(layer)
        try:
            shape = layer.output_shape(shape)
        except NetworkError:
            assume(False)
    return LayerGraph(tuple(layers))


@settings(max_examples=80, deadline=None)
@given(st.data(), wide_convolutions(), st.booleans())
def test_results_are_the_same(data: st.DataObject, graph: LayerGraph, late_jobs: bool) -> None:
    lookahead, units = (data.draw(st.sampled_from(some)) for some in ([1, 2, 4], [3, 8, 16]))
    accelerator = accelerator_of(
        kind="list",
        lookahead=lookahead,
        units=units,
        partial_sums=lookahead > 1 and units % 2 == 0 and data.draw(st.booleans()),
        activation_elements=1 << data.draw(st.integers(9, 13)),
        list_words=1 << data.draw(st.integers(7, 12)),
        channel_scales=data.draw(st.booleans()),
    )
    balance = data.draw(st.booleans())
    try:
        program = compile_network(graph, accelerator, memory_base_bytes=0, balance=balance)
    except NetworkError as error:
        event(str(error).split(": ")[-1].split(",")[0])
        assume(False)
    event(f"positions: {max(info.positions for info in program.layers)}")
    event(f"parts: {max(info.parts for info in program.layers)}")
    model = ProgramModel(program, graph, accelerator, late_jobs=late_jobs)
    images = random_images(graph, 2)
    for image, expected in zip(images, reference.run(graph, images), strict=True):
        assert np.array_equal(model.run(image).reshape(expected.shape), expected)


def compute_jobs(program: Program) -> list[dict[str, int]]:
    return [
        job.registers
        for step in program.steps
        if isinstance(step, Offload)
        for job in step.jobs
        if job.kind == "compute"
    ]


@pytest.mark.parametrize("lookahead", [1, 2, 4])
def test_twenty_filters_fill_eight_units_with_two_positions(lookahead: int) -> None:
    graph = builtin.load("lenet5")
    accelerator = accelerator_of(kind="list", lookahead=lookahead)
    plain, spread = (
        compile_network(graph, accelerator, memory_base_bytes=0, positions=positions)
        for positions in (False, True)
    )
    assert [info.positions for info in plain.layers if info.op == "conv"] == [1, 1]
    first = next(info for info in spread.layers if info.op == "conv")
    assert first.positions == 2
    # 20 filters: three for the fullest unit and position, or five for two of them
    before, after = (program.layers[0].list_lengths_words[0] for program in (plain, spread))
    assert after / 2 < 0.95 * before
    registers = [compute_jobs(program)[0] for program in (plain, spread)]
    assert [item["JOB_FILTERS"] & 0x3FF for item in registers] == [19, 39]


@given(st.integers(1, 40), st.integers(1, 16), st.integers(1, 16), st.integers(0, 99))
def test_filters_are_shared_out_evenly_if_copies_go_all_the_way_round(
    filters: int, units: int, positions: int, seed: int
) -> None:
    work = np.random.default_rng(seed).uniform(1, 2, filters)
    order = stored_order(work, units, Division(positions), balance=True)
    assert sorted(order) == list(range(filters))
    rounds, left = divmod(positions, units // gcd(filters, units))
    if left == 0:
        held = [order[index % filters] for index in range(filters * positions)]
        loads = [work[held[unit::units]].sum() for unit in range(units)]
        # residues have filters of as many copies: no load exceeds the mean by more than a filter's
        assert max(loads) - np.mean(loads) <= rounds * work.max()


def way(positions: int, words: int, cycles: float, *, entries: int = 4) -> Way:
    return Way(Division(positions), words, 10, 8.0 * words, entries * positions, cycles)


def positions_of(ways: list[tuple[Way, ...]], room: Room, entries: int) -> tuple[int, ...]:
    return tuple(division.positions for division in choose_divisions(ways, room, entries))


MORE = (way(1, 100, 1000), way(2, 200, 800), way(4, 400, 700))
LITTLE = (way(1, 100, 1000), way(2, 200, 985))


@pytest.mark.parametrize(
    ("words", "entries", "chosen"),
    [
        (900, 99, (4, 1, 4)),  # room for all that save anything much
        (700, 99, (4, 1, 2)),  # ... for most of it
        (300, 99, (1, 1, 1)),  # ... for nothing
        (400, 99, (2, 1, 1)),
        (900, 16, (2, 1, 1)),  # four entries more than one position takes
    ],
)
def test_room_goes_where_most_is_saved(words: int, entries: int, chosen: tuple[int, ...]) -> None:
    assert positions_of([MORE, LITTLE, MORE], Room(words), entries) == chosen


def test_weights_stay_where_the_others_can_stream() -> None:
    """Keeping the long layer leaves no room for a filter of the short one: the short one stays."""
    short = (Way(Division(1), 100, 60, 8.0, 4, 1000), Way(Division(2), 120, 60, 16.0, 8, 800))
    assert positions_of([short, (way(1, 450, 1000),)], Room(500), 99) == (2, 1)


def test_weights_that_fit_nowhere_are_left_to_who_places_them() -> None:
    short = (Way(Division(1), 100, 60, 8.0, 4, 1000), Way(Division(2), 120, 60, 16.0, 8, 800))
    assert positions_of([short], Room(50), 99) == (1,)


def test_what_is_streamed_must_be_worth_its_words() -> None:
    """Two layers of 100 words do not fit 150; the one that does not stay has 800 stream words more
    to send with a position more."""
    short, long = (tuple(way(p, 100 * p, cycles / p) for p in (1, 2)) for cycles in (6000, 60000))
    assert positions_of([(way(1, 100, 1000),), short], Room(150), 99) == (1, 1)
    assert positions_of([(way(1, 100, 1000),), long], Room(150), 99) == (1, 2)


@pytest.mark.parametrize("lookahead", [2, 4])
def test_ten_filters_fill_eight_units_in_halves(lookahead: int) -> None:
    graph = builtin.load("lenet300")
    whole, halves = (
        compile_network(
            graph,
            accelerator_of(kind="list", lookahead=lookahead, partial_sums=parts),
            memory_base_bytes=0,
        )
        for parts in (False, True)
    )
    assert [info.parts for info in whole.layers] == [1, 1, 1]
    assert [info.parts for info in halves.layers] == [1, 1, 2]
    # two filters a unit at most, or three halves
    before, after = (program.layers[2].list_lengths_words[0] for program in (whole, halves))
    assert after < 0.85 * before
    job = compute_jobs(halves)[2]
    assert job["JOB_FILTERS"] & 0x3FF == 19
    assert BY_NAME["JOB_COMMAND"].decode(job["JOB_COMMAND"])["partial_sums"] == 1


def test_halves_that_come_in_tiles_go_to_their_channels() -> None:
    """Ten filters of thirty words, on memories that hold a half of one while another streams in."""
    layer = integer_layer(np.random.default_rng(3), "layer", "input", (10, 60, 1, 1), density=1.0)
    graph = LayerGraph((Input(name="input", shape=(60, 1, 1), format=INT8), layer))
    accelerator = accelerator_of(kind="list", lookahead=2, list_words=32, partial_sums=True)
    program = compile_network(graph, accelerator, memory_base_bytes=0)
    (info,) = program.layers
    assert (info.parts, len(info.list_lengths_words)) == (2, 3)
    model = ProgramModel(program, graph, accelerator)
    images = random_images(graph, 2)
    for image, expected in zip(images, reference.run(graph, images), strict=True):
        assert np.array_equal(model.run(image).reshape(expected.shape), expected)


@given(st.integers(1, 9), st.integers(1, 12), st.sampled_from([1, 2, 4]))
def test_parts_have_all_words_of_a_filter(parts: int, words: int, lookahead: int) -> None:
    numbers = np.arange(1, words * lookahead + 1).reshape(words, lookahead)
    lists = split_list(FilterList(numbers, 100 * numbers), parts)
    assert len(lists) == parts
    assert max(item.words for item in lists) - min(item.words for item in lists) <= 1
    assert min(item.words for item in lists) > 0
    found = np.concatenate([item.offsets for item in lists])
    assert sorted(found[found > 0].tolist()) == numbers.reshape(-1).tolist()
    assert np.array_equal(np.concatenate([item.values for item in lists]), 100 * found)
    counted = Division(parts=parts).words(np.array([float(words)]))
    assert counted.tolist() == [item.words for item in lists]

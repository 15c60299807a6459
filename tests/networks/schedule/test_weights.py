from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hdl.config import AcceleratorConfig
from networks.schedule.residency import place_weights
from networks.schedule.run_weights import RunWeights
from networks.schedule.weights import Room
from tests.networks.graphs import integer_layer
from tests.networks.schedule.operations import layout_of, operation_of


def stored(
    seed: int,
    outputs: int,
    kind: str = "bitmap",
    units: int = 8,
    groups: bool = False,
    size: int = 9,
) -> RunWeights:
    random = np.random.default_rng(seed)
    layer = integer_layer(random, f"conv{seed}", "input", (outputs, 5, 3, 3))
    accelerator = AcceleratorConfig.model_validate({"kind": kind, "units": units})
    operation = operation_of(layer, (5, size, size), accelerator)
    return RunWeights.of(
        operation,
        accelerator,
        layout_of(operation),
        channel_order=tuple(random.permutation(5).tolist()),
        order=tuple(random.permutation(outputs).tolist()),
        groups=groups,
    )


@given(
    st.integers(0, 99),
    st.integers(1, 60),
    st.sampled_from(["bitmap", "dense"]),
    st.integers(1, 16),
    st.integers(4, 200),
    st.integers(3, 60),
)
@settings(deadline=None)
def test_tiles_cover_all_filters_and_fit(
    seed: int, outputs: int, kind: str, units: int, words: int, sections: int
) -> None:
    weights = stored(seed, outputs, kind, units)
    room = Room(words, sections if kind == "bitmap" else 0)
    tiles = weights.tiles(room)
    if tiles is None:
        first_ranks = weights.lengths.max()
        sections = weights.largest_filter.sections
        assert first_ranks > words * weights.word_values or sections > room.sections
        return
    assert [tile.first for tile in tiles] == [0, *(tile.last for tile in tiles[:-1])]
    assert tiles[-1].last == outputs
    for tile in tiles:
        assert tile.first % units == 0
        contents = [weights.unit_values(tile, unit) for unit in range(units)]
        assert max(-(-len(values) // 4) for values in contents) == tile.room.words <= words
        bitmaps = [len(weights.unit_bitmaps(tile, unit)) for unit in range(units)]
        assert max(bitmaps) == tile.room.sections <= room.sections


def test_unit_holds_its_filters_with_channels_in_stored_order() -> None:
    random = np.random.default_rng(1)
    layer = integer_layer(random, "conv", "input", (10, 3, 2, 2), density=1.0)
    accelerator = AcceleratorConfig(kind="dense", units=4)
    operation = operation_of(layer, (3, 5, 5), accelerator)
    weights = RunWeights.of(
        operation,
        accelerator,
        layout_of(operation),
        channel_order=(2, 0, 1),
        order=tuple(range(10)),
    )
    tiles = weights.tiles()
    assert tiles is not None
    expected = np.concatenate(
        [layer.weights[index][[2, 0, 1]].transpose(1, 2, 0).reshape(-1) for index in (1, 5, 9)]
    )
    assert np.array_equal(weights.unit_values(tiles[0], 1), expected)


def test_groups_of_one_window_go_in_step_in_one_job() -> None:
    weights = stored(0, 20, groups=True, size=3)
    assert weights.in_step
    assert [(tile.first, tile.last) for tile in weights.tiles() or ()] == [(0, 20)]
    assert not stored(0, 20, size=3).in_step


def test_groups_of_several_windows_have_a_job_each() -> None:
    assert not stored(0, 20, groups=True).in_step
    tiles = stored(0, 20, groups=True).tiles()
    assert tiles is not None
    assert [(tile.first, tile.last) for tile in tiles] == [(0, 8), (8, 16), (16, 20)]


@pytest.mark.parametrize(("kind", "jobs"), [("bitmap", 2), ("dense", 40)])
def test_channels_on_their_own_share_a_job_where_a_step_holds_them(kind: str, jobs: int) -> None:
    random = np.random.default_rng(1)
    layer = integer_layer(random, "conv", "input", (40, 1, 3, 3), groups=40, density=1.0)
    accelerator = AcceleratorConfig.model_validate({"kind": kind, "units": 4})
    operation = operation_of(layer, (40, 5, 5), accelerator)
    order = tuple(range(40))
    weights = RunWeights.of(
        operation, accelerator, layout_of(operation), channel_order=order, order=order
    )
    tiles = weights.tiles()
    assert tiles is not None
    assert len(tiles) == jobs
    assert [tile.first_channel for tile in tiles] == [tile.first for tile in tiles]
    values = np.concatenate(
        [weights.unit_values(tile, unit) for tile in tiles for unit in range(4)]
    )
    expected = layer.weights.reshape(-1)
    assert sorted(values[values != 0].tolist()) == sorted(expected[expected != 0].tolist())


def test_layers_that_fit_are_all_resident_and_apart() -> None:
    placements = place_weights([stored(seed, 20) for seed in range(4)], Room(2048, 2048))
    assert all(placement.resident for placement in placements)
    tiles = [tile for placement in placements for tile in placement.tiles]
    assert not any(one.overlaps(other) for one in tiles for other in tiles if one is not other)


def test_largest_layer_streams_through_halves_in_turn() -> None:
    layers = [stored(0, 16), stored(1, 200), stored(2, 16)]
    placements = place_weights(layers, Room(100, 60))
    assert [placement.resident for placement in placements] == [True, False, True]
    tiles = placements[1].tiles
    assert len(tiles) > 2
    for one, other in pairwise(tiles):
        assert not one.overlaps(other)
    assert all(one.start == other.start for one, other in zip(tiles, tiles[2:], strict=False))
    kept = [placements[0].tiles[0], placements[2].tiles[0]]
    assert not any(tile.overlaps(other) for tile in tiles for other in kept)


def test_filter_larger_than_a_half_uses_the_whole() -> None:
    layer = stored(0, 16, "dense")
    words = -(-45 // 4)
    placements = place_weights([layer], Room(words + 3, 0))
    assert [tile.start.words for tile in placements[0].tiles] == [0, 0]


@pytest.mark.parametrize("count", [13, 16])
def test_deep_networks_are_placed_in_reasonable_time(count: int) -> None:
    layers = [stored(seed, 8 + 8 * seed) for seed in range(count)]
    assert all(p.resident for p in place_weights(layers, Room(2000, 2000)))
    placements = place_weights(layers, Room(200, 200))
    assert any(p.resident for p in placements)
    assert not all(p.resident for p in placements)

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hdl.config import AcceleratorConfig
from hdl.packets import Destination
from networks.activity import window_activity
from networks.schedule.list_weights import ListWeights
from networks.schedule.weights import Room
from networks.weight_lists import decode_list
from tests.networks.graphs import integer_layer
from tests.networks.schedule.operations import layout_of, operation_of

SHAPE = (6, 9, 11)


def stored(
    seed: int, outputs: int, lookahead: int, units: int, *, known: bool = False
) -> ListWeights:
    random = np.random.default_rng(seed)
    layer = integer_layer(
        random, "conv", "input", (outputs, 3, 3, 2), groups=2, dilations=(2, 3), density=0.4
    )
    accelerator = AcceleratorConfig.model_validate(
        {"kind": "list", "lookahead": lookahead, "units": units}
    )
    operation = operation_of(layer, SHAPE, accelerator)
    order = random.permutation(6).tolist()
    active = window_activity(layer, random.random(SHAPE)) if known else None
    return ListWeights.of(
        operation, accelerator, layout_of(operation), channel_orders=[order], active=active
    )


cases = st.tuples(
    st.integers(0, 99), st.integers(1, 20).map(lambda n: 2 * n), st.sampled_from([1, 2, 4])
)


@given(cases, st.integers(1, 16), st.integers(3, 60), st.booleans())
@settings(deadline=None, max_examples=50)
def test_lists_of_all_units_hold_all_filters(
    case: tuple[int, int, int], units: int, room: int, known: bool
) -> None:
    seed, outputs, lookahead = case
    weights = stored(seed, outputs, lookahead, units, known=known)
    layer = weights.operation
    random = np.random.default_rng(seed)
    integer_layer(random, "conv", "input", (outputs, 3, 3, 2), groups=2)
    channel_order = random.permutation(6).tolist()
    tiles = weights.tiles(Room(room))
    if tiles is None:
        assert weights.largest_filter.words > room
        return
    assert tiles[-1].last == outputs
    for tile in tiles:
        lists = []
        lengths = []
        active = min(units, tile.last - tile.first)
        assert not any(weights.loads(tile, Room(5), unit) for unit in range(active, units))
        for unit in range(active):
            (load,) = weights.loads(tile, Room(5), unit)
            assert (load.destination, load.address) == (Destination.LISTS, 5)
            lengths.append(len(load.payload) // load.entry_words)
            lists.append(decode_list(load.payload, weights.layout).filters())
            assert lengths[-1] == sum(item.words for item in lists[-1])
        assert max(lengths) == tile.room.words <= room
        assert lookahead > 1 or min(lengths) == max(lengths)
        for place in range(tile.first, tile.last):
            rank, unit = divmod(place - tile.first, units)
            item = lists[unit][rank]
            index = weights.order[place]
            group = index // (outputs // 2)
            expected = {}
            for channel, row, column in np.argwhere(layer.weights[index]).tolist():
                at = channel_order.index(group * 3 + channel)
                offset = (row * 2 * SHAPE[2] + column * 3) * SHAPE[0] + at
                expected[offset] = int(layer.weights[index, channel, row, column])
            used = item.values != 0
            found = dict(zip(item.offsets[used].tolist(), item.values[used].tolist(), strict=True))
            assert found == expected
            words = max(1, -(-len(expected) // lookahead))
            assert item.words == words or (rank == len(lists[unit]) - 1 and item.words > words)


@pytest.mark.parametrize("lookahead", [1, 2, 4])
def test_filters_are_balanced_by_list_words(lookahead: int) -> None:
    weights = stored(0, 64, lookahead, 8)
    (tile,) = weights.tiles() or ()
    assert tile.room.words <= 1 + 1.02 * weights.lengths.sum() / 8


def test_known_activity_evens_out_the_multiplications() -> None:
    """Filters with as many weights, half of them over inputs that are never active."""
    random = np.random.default_rng(0)
    layer = integer_layer(random, "fc", "input", (16, 64, 1, 1), density=1.0, fully_connected=True)
    object.__setattr__(layer, "weights", _half_each(layer.weights))
    activity = np.zeros((64, 1, 1))
    activity[:32] = 0.9
    loads = {}
    for known in (None, activity):
        accelerator = AcceleratorConfig(kind="list", lookahead=2, units=8)
        operation = operation_of(layer, (64, 1, 1), accelerator)
        weights = ListWeights.of(
            operation,
            accelerator,
            layout_of(operation),
            channel_orders=[range(64)],
            active=known,
        )
        useful = [float(activity[item.offsets[item.values != 0]].sum()) for item in weights.filters]
        loads[known is not None] = [sum(useful[unit::8]) for unit in range(8)]
    assert max(loads[True]) - min(loads[True]) < 1
    assert max(loads[False]) > 1.5 * max(loads[True])


def _half_each(weights: np.ndarray) -> np.ndarray:
    """Filters of 32 weights: even ones over active inputs, odd ones over idle inputs."""
    kept = np.where(weights == 0, 1, weights)
    kept[::2, 32:] = 0
    kept[1::2, :32] = 0
    return kept


def test_useful_pairs_of_a_word_are_even_with_known_activity() -> None:
    random = np.random.default_rng(3)
    layer = integer_layer(random, "fc", "input", (4, 400, 1, 1), density=0.5, fully_connected=True)
    activity = random.random((400, 1, 1)) ** 2
    spreads = []
    for known in (None, activity):
        accelerator = AcceleratorConfig(kind="list", lookahead=4)
        operation = operation_of(layer, (400, 1, 1), accelerator)
        weights = ListWeights.of(
            operation,
            accelerator,
            layout_of(operation),
            channel_orders=[range(400)],
            active=known,
        )
        sums = [
            np.where(item.values != 0, activity[item.offsets, 0, 0], 0).sum(axis=1)
            for item in weights.filters
        ]
        spreads.append(float(np.mean([np.std(item) for item in sums])))
    assert spreads[1] < 0.25 * spreads[0]

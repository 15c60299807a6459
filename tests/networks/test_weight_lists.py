from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hdl.lists import ListLayout
from networks.weight_lists import (
    FilterList,
    decode_list,
    encode_list,
    even_groups,
    list_filter,
)

LOOKAHEADS = (1, 2, 4)
LAYOUT = ListLayout(2, 8, 13)
layouts = st.builds(
    ListLayout,
    lookahead=st.sampled_from(LOOKAHEADS),
    value_bits=st.sampled_from([8, 16, 32]),
    offset_bits=st.integers(8, 16),
)


@st.composite
def units(draw: st.DrawFn) -> tuple[ListLayout, list[dict[int, int]], bool]:
    """A layout, and the filters of a unit as weights by window offset."""
    layout = draw(layouts)
    half = 1 << (layout.value_bits - 1)
    weights = st.dictionaries(
        st.integers(0, (1 << layout.offset_bits) - 1),
        st.one_of(st.just(0), st.integers(-half, half - 1)),
        max_size=20,
    )
    return layout, draw(st.lists(weights, min_size=1, max_size=5)), draw(st.booleans())


def listed(weights: dict[int, int], lookahead: int, *, with_activity: bool = False) -> FilterList:
    offsets = np.array(list(weights), dtype=np.int64)
    values = np.array(list(weights.values()), dtype=np.int64)
    activity = np.sin(offsets) ** 2 if with_activity else None
    return list_filter(offsets, values, lookahead, activity)


def weights_of(item: FilterList) -> dict[int, int]:
    used = item.values != 0
    return dict(zip(item.offsets[used].tolist(), item.values[used].tolist(), strict=True))


@given(units(), st.integers(0, 3))
def test_decoding_is_the_exact_inverse(
    unit: tuple[ListLayout, list[dict[int, int]], bool], padding: int
) -> None:
    layout, filters, with_activity = unit
    lists = [listed(item, layout.lookahead, with_activity=with_activity) for item in filters]
    length = max(3, sum(item.words for item in lists) + padding)
    words = encode_list(lists, length, layout)
    assert len(words) == length * layout.stream_words
    decoded = decode_list(np.concatenate([words, words]), layout)
    assert np.flatnonzero(decoded.turn).tolist() == [length - 3, 2 * length - 3]
    again = decoded.filters()
    assert len(again) == len(filters)
    for item, expected, original in zip(again[:-1], lists[:-1], filters[:-1], strict=True):
        assert np.array_equal(item.offsets, expected.offsets)
        assert np.array_equal(item.values, expected.values)
        assert weights_of(item) == {o: v for o, v in original.items() if v}
    assert weights_of(again[-1]) == {o: v for o, v in filters[-1].items() if v}
    assert sum(item.words for item in again) == length


@given(units())
def test_words_are_those_of_the_hardware_description(
    unit: tuple[ListLayout, list[dict[int, int]], bool],
) -> None:
    layout, filters, _ = unit
    k = layout.lookahead
    groups: list[tuple[list[tuple[int, int]], bool]] = []
    for weights in filters:
        pairs = sorted((offset, value) for offset, value in weights.items() if value)
        own = [pairs[first : first + k] for first in range(0, len(pairs), k)] or [[]]
        groups += [(group, group is own[-1]) for group in own]
    groups[-1:-1] = [([], False)] * 2
    turns = [False] * (len(groups) - 3) + [True, False, False]
    expected = [
        word
        for (group, last), turn in zip(groups, turns, strict=True)
        for word in layout.encode(group, last=last, turn=turn)
    ]
    lists = [listed(weights, k) for weights in filters]
    assert encode_list(lists, len(groups), layout).tolist() == expected


@pytest.mark.parametrize("lookahead", LOOKAHEADS)
def test_filter_without_weights_has_a_word_that_ends_it(lookahead: int) -> None:
    empty = listed({5: 0}, lookahead)
    assert empty.words == 1
    layout = ListLayout(lookahead, 8, 13)
    decoded = decode_list(encode_list([empty], 3, layout), layout)
    assert decoded.last.tolist() == [False, False, True]
    assert decoded.turn.tolist() == [True, False, False]
    assert not decoded.values.any()


def test_list_of_two_words() -> None:
    with pytest.raises(ValueError, match="list must have 3 words at least, not 2"):
        encode_list([listed({1: 1}, 2)], 2, LAYOUT)


def test_offset_that_does_not_fit() -> None:
    item = listed({1 << 13: 1}, 2)
    with pytest.raises(ValueError, match="offset must fit 13 bits, not 8192"):
        encode_list([item], 3, LAYOUT)


def test_filters_longer_than_the_list() -> None:
    item = listed({1: 1, 2: 1, 3: 1}, 2)
    with pytest.raises(ValueError, match="filters must fit 1 list words, not 2"):
        encode_list([item], 1, LAYOUT)


def test_ends_in_wrong_places_are_refused() -> None:
    words = encode_list([listed({1: 1}, 2), listed({2: 1}, 2)], 4, LAYOUT)
    without, early = words.copy(), words.copy()
    without[3] ^= 1 << (LAYOUT.turn_bit - 32)
    with pytest.raises(ValueError, match="turn must be set 2 words before a list's last word"):
        decode_list(without, LAYOUT).filters()
    with pytest.raises(ValueError, match="turn must be set 2 words before a list's last word"):
        decode_list(words[:6], LAYOUT).filters()
    early[1] |= 1 << (LAYOUT.turn_bit - 32)
    with pytest.raises(ValueError, match="a list's last word must end a filter"):
        decode_list(early, LAYOUT).filters()


shares = st.lists(st.floats(0, 1), min_size=1, max_size=5)


@given(shares)
def test_one_fold_gives_the_least_largest_sum(values: list[float]) -> None:
    expected = np.array((values * 2)[: len(values) // 2 * 2 or 2])
    groups = even_groups(expected, 2)
    assert sorted(groups.reshape(-1).tolist()) == list(range(len(expected)))
    assert np.isclose(expected[groups].sum(axis=1).max(), least_largest(expected.tolist()))


def least_largest(values: list[float]) -> float:
    """Smallest possible largest sum over all ways to pair `values`, by trying all."""
    if not values:
        return 0.0
    return min(
        max(values[0] + values[other], least_largest(values[1:other] + values[other + 1 :]))
        for (other,) in combinations(range(1, len(values)), 1)
    )


def test_groups_of_four_are_nearly_even() -> None:
    expected = np.random.default_rng(0).random(400) ** 3
    sums = expected[even_groups(expected, 4)].sum(axis=1)
    adjacent = expected.reshape(-1, 4).sum(axis=1)
    assert sums.std() < 0.2 * adjacent.std()

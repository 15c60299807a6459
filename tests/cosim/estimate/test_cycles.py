"""Durations that are drawn keep what the statistics say."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosim.estimate.cycles import _part_means, _runs, _shared_out
from cosim.fast.pipe_state import FREES, LEAVES

NUMBERS = st.lists(st.floats(0, 100), min_size=1, max_size=50).map(np.array)


@given(NUMBERS, st.integers(1, 200))
def test_parts_have_the_mean_of_the_whole(values: np.ndarray, parts: int) -> None:
    found = _part_means(values, parts)
    assert len(found) == parts
    assert found.mean() == pytest.approx(values.mean())
    assert values.min() - 1e-9 <= found.min()
    assert found.max() <= values.max() + 1e-9


@given(st.integers(1, 100), st.integers(1, 30))
def test_runs_are_kept_together(count: int, length: int) -> None:
    found = _runs(np.arange(float(count)), length, np.random.default_rng(1))
    assert sorted(found) == list(range(count))
    jumps = np.flatnonzero(np.diff(found) != 1)
    assert len(jumps) < -(-count // length)


@given(st.integers(1, 40), st.integers(0, 100), st.integers(1, 8), st.booleans())
def test_a_duration_is_shared_out_in_full(items: int, more: int, depth: int, drops: bool) -> None:
    """By head and tail together, a cycle an item at least, and evenly."""
    duration = items + more
    heads, tails = _shared_out(np.array([items]), np.array([[duration]]), depth, drops)
    spent = tails[0, : min(items, depth), 0]
    head = heads[FREES if drops else 0, 0, 0]
    assert head + spent.sum() == duration
    assert head >= max(0, items - depth)
    assert spent.min() >= 1
    assert spent.max() <= -(-duration // items)
    if drops and items > depth:
        assert 0 < head - heads[LEAVES, 0, 0] <= -(-duration // items)

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from networks import builtin
from networks.compress import compress, cut
from networks.schedule.balance import assign, expected_work

works = st.lists(st.integers(0, 100), min_size=1, max_size=60)


def loads(work: np.ndarray, order: list[int], units: int) -> list[float]:
    return [float(work[order[unit::units]].sum()) for unit in range(units)]


@given(works, st.integers(1, 16))
def test_order_is_a_permutation(work: list[int], units: int) -> None:
    assert sorted(assign(np.array(work, dtype=float), units)) == list(range(len(work)))


@given(works, st.integers(1, 16))
def test_spread_is_at_most_one_filter_where_counts_are_equal(work: list[int], units: int) -> None:
    """Longest first never leaves two units with as many filters further apart than one filter."""
    array = np.array(work, dtype=float)
    order = assign(array, units)
    full = [unit for unit in range(units) if len(order[unit::units]) == -(-len(work) // units)]
    values = [loads(array, order, units)[unit] for unit in full]
    assert max(values) - min(values) <= 100 * (1 + len(work) // units)
    if len(work) % units == 0 and len(work) == units:
        assert sorted(values) == sorted(array)


@given(works, st.integers(1, 16))
def test_lower_units_have_larger_loads(work: list[int], units: int) -> None:
    """Among units with as many filters; those with one more come first anyway."""
    array = np.array(work, dtype=float)
    found = loads(array, assign(array, units), units)
    longer = len(work) % units
    for same in (found[:longer], found[longer:]):
        assert same == sorted(same, reverse=True)


def test_balancing_a_real_layer_comes_close_to_the_mean() -> None:
    weights = builtin.squeezenet_fire2_expand3x3().weights
    runs = (weights != 0).astype(np.int64).transpose(0, 2, 3, 1).reshape(64, 3, 48)
    work = expected_work(compress(cut(runs)))
    natural = max(loads(work, list(range(64)), 8))
    balanced = max(loads(work, assign(work, 8), 8))
    mean = work.sum() / 8
    assert natural > 1.06 * mean
    assert balanced < 1.002 * mean


@given(st.floats(0.05, 0.95))
def test_expected_work_is_the_mean_over_random_activations(density: float) -> None:
    random = np.random.default_rng(7)
    runs = (random.random((3, 2, 50)) < 0.2).astype(np.int64)
    expected = expected_work(compress(cut(runs)), density)
    active = random.random((4000, 2, 2, 25)) < density
    matches = np.einsum("nrse,frse->nfrs", active.astype(float), runs.reshape(3, 2, 2, 25))
    measured = np.maximum(matches, 1).sum(axis=(2, 3)).mean(axis=0)
    assert np.allclose(measured, expected, rtol=0.05)

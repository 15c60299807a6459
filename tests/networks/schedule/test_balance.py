import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from networks import builtin
from networks.compress import compress, weight_runs
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


def test_balancing_a_real_layer_comes_close_to_the_mean() -> None:
    weights = builtin.squeezenet_fire2_expand3x3().weights
    work = expected_work(compress(weight_runs((weights != 0).astype(np.int64))))
    natural = max(loads(work, list(range(64)), 8))
    balanced = max(loads(work, assign(work, 8), 8))
    mean = work.sum() / 8
    assert natural > 1.06 * mean
    assert balanced < 1.002 * mean


@given(st.floats(0.05, 0.95))
def test_expected_work_is_the_mean_over_random_activations(density: float) -> None:
    random = np.random.default_rng(7)
    runs = (random.random((3, 2, 50)) < 0.2).astype(np.int64)
    expected = expected_work(compress(runs), density)
    active = np.zeros((4000, 2, 64), dtype=bool)
    active[:, :, :50] = random.random((4000, 2, 50)) < density
    padded = np.zeros((3, 2, 64))
    padded[:, :, :50] = runs
    matches = np.einsum(
        "nrse,frse->nfrs",
        active.reshape(4000, 2, 2, 32).astype(float),
        padded.reshape(3, 2, 2, 32),
    )
    measured = np.maximum(matches, 1).sum(axis=(2, 3)).mean(axis=0)
    assert np.allclose(measured, expected, rtol=0.05)

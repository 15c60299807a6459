import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from networks.exact import exact_type


@pytest.mark.parametrize(
    ("bits", "expected"),
    [(8, np.float32), (14, np.float64), (16, np.float64), (30, np.int64), (32, object)],
)
def test_type_grows_with_the_operands(bits: int, expected: type) -> None:
    weights = np.full((2, 3), -(1 << (bits - 1)))
    assert exact_type(weights, weights) == np.dtype(expected)


@given(st.sampled_from([8, 16, 27, 31, 32]), st.integers(0, 1000))
def test_products_are_exact(bits: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    half = 1 << (bits - 1)
    weights = random.integers(-half, half, (3, 5))
    activations = random.integers(-half, half, (4, 5))
    number = exact_type(weights, activations)
    products = activations.astype(number) @ weights.T.astype(number)
    expected = [
        [sum(int(w) * int(a) for w, a in zip(row, column, strict=True)) for row in weights]
        for column in activations
    ]
    assert [[int(value) for value in row] for row in products] == expected

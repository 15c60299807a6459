import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from networks.program import Buffer

shapes = st.tuples(st.integers(1, 7), st.integers(1, 5), st.integers(1, 5))


@given(shapes, st.sampled_from([8, 16]), st.integers(0, 99), st.booleans())
def test_decode_undoes_encode(
    shape: tuple[int, int, int], bits: int, seed: int, permuted: bool
) -> None:
    random = np.random.default_rng(seed)
    channels, height, width = shape
    order = tuple(random.permutation(channels).tolist()) if permuted else None
    buffer = Buffer("test", 0, (1, height, width, channels), bits, order)
    tensor = random.integers(-(1 << bits - 1), 1 << bits - 1, shape)
    data = buffer.encode(tensor)
    assert len(data) == buffer.length_bytes == -(-tensor.size * bits // 32) * 4
    assert np.array_equal(buffer.decode(data), tensor)


def test_channels_are_innermost_and_in_stored_order() -> None:
    buffer = Buffer("test", 0, (1, 1, 2, 3), 8, (2, 0, 1))
    tensor = np.array([[[1, 2]], [[3, 4]], [[5, 6]]])
    assert buffer.encode(tensor) == bytes([5, 1, 3, 6, 2, 4, 0, 0])


def test_tensor_of_another_shape() -> None:
    with pytest.raises(ValueError, match=r"must have shape \(3, 1, 2\), not \(1, 2, 3\)"):
        Buffer("test", 0, (1, 1, 2, 3), 8).encode(np.zeros((1, 2, 3), dtype=int))


def test_unsigned_elements_are_not_sign_extended() -> None:
    tensor = np.array([[[0, 200], [255, 1]]])
    for signed, expected in ((False, tensor), (True, (tensor ^ 128) - 128)):
        buffer = Buffer("t", 0, (1, 2, 2, 1), 8, signed=signed)
        assert np.array_equal(buffer.decode(buffer.encode(tensor)), expected)

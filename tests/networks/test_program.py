import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from networks.program import Buffer, RowStack

shapes = st.tuples(st.integers(1, 7), st.integers(1, 5), st.integers(1, 5))
borders = st.tuples(*[st.integers(0, 2)] * 4)


@given(shapes, st.sampled_from([8, 16, 32]), borders, st.integers(0, 99), st.booleans())
def test_decode_undoes_encode(
    shape: tuple[int, int, int],
    bits: int,
    pads: tuple[int, int, int, int],
    seed: int,
    permuted: bool,
) -> None:
    random = np.random.default_rng(seed)
    channels, height, width = shape
    order = tuple(random.permutation(channels).tolist()) if permuted else None
    buffer = Buffer("test", 0, (1, height, width, channels), bits, order, pads=pads)
    tensor = random.integers(-(1 << bits - 1), 1 << bits - 1, shape)
    data = buffer.encode(tensor)
    elements = (pads[0] + height + pads[2]) * (pads[1] + width + pads[3]) * channels
    assert len(data) == buffer.length_bytes == -(-elements * bits // 32) * 4
    assert np.array_equal(buffer.decode(data), tensor)


def test_channels_are_innermost_and_in_stored_order() -> None:
    buffer = Buffer("test", 0, (1, 1, 2, 3), 8, (2, 0, 1))
    tensor = np.array([[[1, 2]], [[3, 4]], [[5, 6]]])
    assert buffer.encode(tensor) == bytes([5, 1, 3, 6, 2, 4, 0, 0])


def test_border_is_zero() -> None:
    buffer = Buffer("test", 0, (1, 1, 1, 2), 8, pads=(1, 0, 0, 2))
    tensor = np.array([[[5]], [[6]]])
    assert buffer.encode(tensor) == bytes([0] * 6 + [5, 6] + [0] * 4)


def test_stacked_rows() -> None:
    """Two rows for each output row, the second 2 below the first; output rows 3 apart."""
    stack = RowStack(rows=2, kernel_rows=2, stride=3, dilation=2, top=1)
    buffer = Buffer("test", 0, (1, 5, 2, 1), 8, pads=(0, 1, 0, 0), stack=stack)
    tensor = np.array([[[10, 11], [20, 21], [30, 31], [40, 41], [50, 51]]])
    expected = [0, 0, 0, 20, 0, 21, 0, 0, 30, 50, 31, 51]
    assert buffer.encode(tensor) == bytes(expected)
    assert buffer.length_bytes == 12
    with pytest.raises(ValueError, match="tensor of test must not be read back"):
        buffer.decode(bytes(expected))


def test_tensor_of_another_shape() -> None:
    with pytest.raises(ValueError, match=r"must have shape \(3, 1, 2\), not \(1, 2, 3\)"):
        Buffer("test", 0, (1, 1, 2, 3), 8).encode(np.zeros((1, 2, 3), dtype=int))


def test_unsigned_elements_are_not_sign_extended() -> None:
    tensor = np.array([[[0, 200], [255, 1]]])
    for signed, expected in ((False, tensor), (True, (tensor ^ 128) - 128)):
        buffer = Buffer("t", 0, (1, 2, 2, 1), 8, signed=signed)
        assert np.array_equal(buffer.decode(buffer.encode(tensor)), expected)

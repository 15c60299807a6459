"""Descriptor layout of PG021."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosim import descriptors as layout
from cosim.descriptors import Descriptor

WORDS = st.integers(0, (1 << 32) - 1)


@given(WORDS, WORDS, WORDS, WORDS)
def test_unpack_is_the_inverse_of_pack(
    following: int, buffer: int, control: int, status: int
) -> None:
    descriptor = Descriptor(following & ~63, buffer, control, status)
    assert Descriptor.unpack(descriptor.pack()) == descriptor


def test_words_are_where_the_product_guide_says() -> None:
    data = Descriptor(0x40, 0x12345678, layout.END_OF_FRAME | 100, layout.COMPLETE | 96).pack()
    assert data[0x00:0x04] == bytes([0x40, 0, 0, 0])
    assert data[0x08:0x0C] == bytes([0x78, 0x56, 0x34, 0x12])
    assert data[0x18:0x1C] == bytes([100, 0, 0, 4])
    assert data[0x1C:0x20] == bytes([96, 0, 0, 0x80])


def test_the_next_descriptor_must_be_aligned() -> None:
    with pytest.raises(ValueError, match="must be 64-byte aligned, not 0x00000044"):
        Descriptor(0x44, 0, 4).pack()

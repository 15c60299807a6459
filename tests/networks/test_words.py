import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from networks.words import join_words, pack_words, split_words, unpack_words, words_of


@given(
    st.sampled_from([8, 16, 32]).flatmap(
        lambda bits: st.tuples(
            st.just(bits), st.lists(st.integers(-(1 << bits - 1), (1 << bits - 1) - 1))
        )
    )
)
def test_words_hold_their_elements(case: tuple[int, list[int]]) -> None:
    bits, values = case
    words = pack_words(np.array(values, dtype=np.int64), bits)
    assert len(words) == -(-len(values) * bits // 32)
    unpacked = unpack_words(words, bits).tolist()
    assert unpacked[: len(values)] == values
    assert not any(unpacked[len(values) :])


def test_first_element_is_least_significant() -> None:
    assert pack_words(np.array([1, -1, 2, 3, 4]), 8).tolist() == [0x0302FF01, 0x00000004]
    assert pack_words(np.array([1, -1, 2]), 16).tolist() == [0xFFFF0001, 0x00000002]


@given(st.sampled_from([24, 40, 63, 72]), st.data())
def test_split_numbers_are_joined_again(bits: int, data: st.DataObject) -> None:
    half = 1 << (min(bits, 64) - 1)
    values = data.draw(st.lists(st.integers(-half, half - 1), min_size=1, max_size=5))
    words = split_words(np.array(values, dtype=np.int64), words_of(bits))
    assert len(words) == len(values) * words_of(bits)
    assert join_words(words.reshape(len(values), -1), bits).tolist() == values


def test_least_significant_word_is_first() -> None:
    assert split_words(np.array([-2, 1 << 40]), 3).tolist() == [
        *(0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFF),
        *(0, 0x100, 0),
    ]


def test_bits_beyond_an_accumulator_are_ignored() -> None:
    entry = np.array([[0x12345678, 0xFFFFFF7F]], dtype=np.uint32)
    assert join_words(entry, 40).tolist() == [0x7F_12345678]

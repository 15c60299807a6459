"""The word of a weight list: layout and encode errors."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hdl.lists import ListLayout
from tests.hdl.bench import small_config


def layout_of(lookahead: int, **changes: Any) -> ListLayout:
    return ListLayout.of(small_config(kind="list", lookahead=lookahead, **changes))


@given(data=st.data(), lookahead=st.sampled_from([1, 2, 4]), last=st.booleans(), turn=st.booleans())
def test_layout(data: st.DataObject, lookahead: int, last: bool, turn: bool) -> None:
    """The layout drawn in the module's docstring, written out once more; unused places are zero."""
    layout = layout_of(lookahead, activation_elements=1024)
    pair = st.tuples(st.integers(0, 1023), st.integers(-128, 127))
    weights = data.draw(st.lists(pair, max_size=lookahead))
    padded = [*weights, *[(0, 0)] * (lookahead - len(weights))]
    offsets = "".join(f"{offset:010b}" for offset, _ in reversed(padded))
    values = "".join(f"{value % 256:08b}" for _, value in reversed(padded))
    word = int(f"{turn:b}{last:b}{offsets}{values}", 2)
    stream = layout.encode(weights, last=last, turn=turn)
    assert sum(part << 32 * index for index, part in enumerate(stream)) == word
    assert len(stream) == layout.stream_words


@pytest.mark.parametrize(
    ("lookahead", "elements", "width", "words"),
    [(1, 256, 18, 1), (2, 256, 34, 2), (4, 256, 66, 3), (1, 65536, 26, 1), (4, 65536, 98, 4)],
)
def test_width(lookahead: int, elements: int, width: int, words: int) -> None:
    layout = layout_of(lookahead, activation_elements=elements)
    assert (layout.width, layout.stream_words) == (width, words)


def test_too_many_weights() -> None:
    with pytest.raises(ValueError, match="list word must hold up to 2 weights, not 3"):
        layout_of(2).encode([(0, 1), (1, 1), (2, 1)])


@pytest.mark.parametrize("offset", [256, -1])
def test_offset_that_does_not_fit(offset: int) -> None:
    with pytest.raises(ValueError, match=f"offset must fit 8 bits, not {offset}"):
        layout_of(2).encode([(offset, 1)])

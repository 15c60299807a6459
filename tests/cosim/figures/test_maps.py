"""Levels of a map, and where its line goes."""

from hypothesis import given
from hypothesis import strategies as st

from cosim.figures.maps import STEPS, level
from cosim.figures.palette import DIVERGING

MIDDLE = len(DIVERGING) // 2


@given(st.floats(0.01, 100))
def test_levels_are_the_same_for_both_sides(ratio: float) -> None:
    assert level(ratio) - MIDDLE == MIDDLE - level(1 / ratio)
    assert (level(ratio) > MIDDLE) == (max(ratio, 1 / ratio) >= STEPS[0] and ratio > 1)


def test_levels_begin_at_the_steps() -> None:
    assert level(1.0) == MIDDLE
    assert [level(step) - MIDDLE for step in STEPS] == [1, 2, 3, 4]
    assert level(0.01) == 0

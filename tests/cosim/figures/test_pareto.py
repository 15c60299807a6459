"""The front has all points that no other beats, and no others."""

import math

from hypothesis import given
from hypothesis import strategies as st

from cosim.figures.pareto import Point, _apart, front

POINTS = st.lists(
    st.builds(
        Point,
        st.integers(1, 9).map(float),
        st.integers(1, 9).map(float),
        st.just("list"),
        st.just(""),
    ),
    min_size=1,
    max_size=30,
)


def beats(one: Point, other: Point) -> bool:
    return one.x <= other.x and one.y <= other.y and (one.x, one.y) != (other.x, other.y)


@given(POINTS)
def test_front(points: list[Point]) -> None:
    found = front(points)
    places = {(point.x, point.y) for point in found}
    for point in points:
        beaten = any(beats(other, point) for other in points)
        assert ((point.x, point.y) in places) == (not beaten)
    assert [point.x for point in found] == sorted(places_x for places_x, _ in places)


@given(POINTS, st.integers(2, 100))
def test_points_that_are_not_drawn_are_hidden_by_another(points: list[Point], cells: int) -> None:
    kept = _apart(points, cells)
    assert set(kept) <= set(points)
    spans = [
        math.log(max(values) / min(values))
        for values in ({p.x for p in points}, {p.y for p in points})
    ]
    for point in points:
        assert any(
            abs(math.log(point.x / other.x)) <= spans[0] / cells + 1e-9
            and abs(math.log(point.y / other.y)) <= spans[1] / cells + 1e-9
            for other in kept
        )

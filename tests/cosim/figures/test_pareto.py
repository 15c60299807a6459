"""The front has all points that no other beats, and no others."""

from hypothesis import given
from hypothesis import strategies as st

from cosim.figures.pareto import Point, front

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

"""Tensors in memory: borders, and which border an operation asks for."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from networks.formats import Format
from networks.graph import LayerGraph
from networks.layers import Add, Input
from networks.schedule.layout import Layout, plan_layouts
from networks.schedule.lower import lower
from networks.schedule.stage import Region
from networks.schedule.visit import border_words
from tests.networks.graphs import INT8, accelerator_of, integer_layer

sizes, widths = st.integers(1, 5), st.integers(0, 3)
tensors = st.builds(
    Layout, st.tuples(sizes, sizes, sizes), st.tuples(widths, widths, widths, widths)
)


def interior(layout: Layout) -> np.ndarray:
    """Which elements are not border."""
    channels, height, width = layout.shape
    marks = np.zeros((layout.rows, layout.row_elements // channels, channels), dtype=bool)
    marks[layout.pads[0] :, layout.pads[1] :][:height, :width] = True
    return marks


@given(tensors)
def test_places_are_those_of_a_bordered_array(layout: Layout) -> None:
    marks = interior(layout)
    channels, height, width = layout.shape
    places = np.arange(layout.elements).reshape(marks.shape)
    inside = places[marks].reshape(height, width, channels)
    for row, column, channel in np.ndindex(height, width, channels):
        assert layout.at(row, column, channel) == inside[row, column, channel]


@given(tensors, st.data())
def test_border_of_some_rows(layout: Layout, data: st.DataObject) -> None:
    first = data.draw(st.integers(0, layout.rows - 1))
    rows = data.draw(st.integers(1, layout.rows - first))
    marks = np.zeros(rows * layout.row_elements, dtype=bool)
    spans = layout.border(first, rows)
    for start, end in spans:
        assert not marks[start:end].any()
        marks[start:end] = True
    expected = ~interior(layout)[first : first + rows]
    assert np.array_equal(marks, expected.reshape(-1))
    assert all(one[1] < other[0] for one, other in pairwise(spans))


@given(tensors, st.sampled_from([1, 2, 4]))
def test_words_hold_all_of_the_border_and_stay_inside(layout: Layout, lanes: int) -> None:
    words = -(-layout.elements // lanes)
    marks = np.zeros(words * lanes, dtype=bool)
    for first, end in border_words(layout, Region(0, 0, words), lanes):
        assert 0 <= first < end <= words
        marks[first * lanes : end * lanes] = True
    assert marks[: layout.elements][~interior(layout).reshape(-1)].all()


def test_border_is_the_widest_that_is_read_and_shared_by_what_is_added() -> None:
    random = np.random.default_rng(0)
    shape = (2, 6, 6)
    graph = LayerGraph(
        (
            Input(name="input", shape=shape, format=INT8),
            integer_layer(random, "one", "input", (2, 2, 3, 3), pads=(1, 1, 1, 1)),
            integer_layer(random, "two", "input", (2, 2, 3, 3), pads=(2, 0, 0, 2)),
            Add(
                name="sum",
                inputs=("one", "two"),
                input_formats=(INT8, INT8),
                output_format=Format(8, 0),
            ),
            integer_layer(random, "three", "one", (2, 2, 5, 3), pads=(2, 1, 2, 1)),
            Add(
                name="last",
                inputs=("sum", "three"),
                input_formats=(INT8, INT8),
                output_format=Format(8, 0),
            ),
        )
    )
    operations = [
        op for own in lower(graph, accelerator_of(), {}).operations.values() for op in own
    ]
    pads = {name: item.pads for name, item in plan_layouts(operations, graph.shapes).items()}
    assert pads == {
        "input": (2, 1, 1, 2),
        "one": (2, 1, 2, 1),
        "two": (2, 1, 2, 1),
        "sum": (0, 0, 0, 0),
        "three": (0, 0, 0, 0),
        "last": (0, 0, 0, 0),
    }

import time

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from networks.compress import compress, cut, decompress

sparse_runs = arrays.arrays(
    np.int64,
    st.tuples(st.integers(1, 6), st.integers(1, 4), st.integers(1, 100)),
    elements=st.one_of(st.just(0), st.integers(-128, 127)),
)


@given(sparse_runs)
def test_decompress_is_the_exact_inverse(runs: np.ndarray) -> None:
    sections = cut(runs)
    again = decompress(compress(sections))
    assert np.array_equal(again[:, :, : sections.shape[2]], sections)
    assert not again[:, :, sections.shape[2] :].any()


@given(sparse_runs)
def test_runs_are_cut_evenly(runs: np.ndarray) -> None:
    filters, rows, elements = runs.shape
    sections = cut(runs)
    count = -(-elements // 32)
    assert sections.shape == (filters, rows * count, -(-elements // count))
    assert sections.shape[2] <= 32
    joined = sections.reshape(filters, rows, -1)
    assert np.array_equal(joined[:, :, :elements], runs)
    assert not joined[:, :, elements:].any()


@given(sparse_runs)
def test_bitmaps_and_values_are_what_the_layout_says(runs: np.ndarray) -> None:
    compressed = compress(cut(runs))
    filters, rows, elements = runs.shape
    sections = -(-elements // 32)
    size = -(-elements // sections)
    assert compressed.bitmaps.shape == (filters, rows * sections)
    for index in range(filters):
        expected = [
            sum(
                1 << bit
                for bit, value in enumerate(runs[index, row, size * section : size * (section + 1)])
                if value
            )
            for row in range(rows)
            for section in range(sections)
        ]
        assert all(word < 1 << size for word in expected)
        assert compressed.bitmaps[index].tolist() == expected
        values = [value for value in runs[index].reshape(-1).tolist() if value]
        assert compressed.filter_values(index).tolist() == values
        assert compressed.counts[index] == len(values)
        assert compressed.section_counts[index].tolist() == [word.bit_count() for word in expected]


def test_largest_vgg_convolution_takes_well_under_a_second() -> None:
    random = np.random.default_rng(1)
    weights = random.integers(-128, 128, (512, 3, 3 * 512), dtype=np.int8)
    weights[random.random(weights.shape) < 0.7] = 0
    start = time.perf_counter()
    compressed = compress(cut(weights))
    assert time.perf_counter() - start < 1.0
    assert len(compressed.values) == np.count_nonzero(weights)

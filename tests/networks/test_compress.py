import time

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from networks.compress import compress, decompress, weight_runs

sparse_runs = arrays.arrays(
    np.int64,
    st.tuples(st.integers(1, 6), st.integers(1, 4), st.integers(1, 100)),
    elements=st.one_of(st.just(0), st.integers(-128, 127)),
)


@given(sparse_runs)
def test_decompress_is_the_exact_inverse(runs: np.ndarray) -> None:
    assert np.array_equal(decompress(compress(runs), *runs.shape[1:]), runs)


@given(sparse_runs)
def test_bitmaps_and_values_are_what_the_layout_says(runs: np.ndarray) -> None:
    compressed = compress(runs)
    filters, rows, elements = runs.shape
    sections = -(-elements // 32)
    assert compressed.bitmaps.shape == (filters, rows * sections)
    for index in range(filters):
        expected = [
            sum(
                1 << bit
                for bit, value in enumerate(runs[index, row, 32 * section : 32 * section + 32])
                if value
            )
            for row in range(rows)
            for section in range(sections)
        ]
        assert compressed.bitmaps[index].tolist() == expected
        values = [value for value in runs[index].reshape(-1).tolist() if value]
        assert compressed.filter_values(index).tolist() == values
        assert compressed.counts[index] == len(values)
        assert compressed.section_counts[index].tolist() == [word.bit_count() for word in expected]


def test_runs_have_channels_innermost() -> None:
    weights = np.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5)
    runs = weight_runs(weights)
    assert runs.shape == (2, 4, 15)
    assert runs[1, 2, 3 * 4 + 1] == weights[1, 1, 2, 4]
    merged = weight_runs(weights, merge_rows=True)
    assert np.array_equal(merged.reshape(2, 4, 15), runs)


def test_largest_vgg_convolution_takes_well_under_a_second() -> None:
    random = np.random.default_rng(1)
    weights = random.integers(-128, 128, (512, 512, 3, 3), dtype=np.int8)
    weights[random.random(weights.shape) < 0.7] = 0
    start = time.perf_counter()
    compressed = compress(weight_runs(weights))
    assert time.perf_counter() - start < 1.0
    assert len(compressed.values) == np.count_nonzero(weights)

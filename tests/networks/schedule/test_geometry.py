"""Loop registers against nested counters written as the hardware's are."""

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hdl.config import AcceleratorConfig
from hdl.registers import BY_NAME, LOOPS
from networks.graph import LayerGraph
from networks.layers import Compute
from networks.schedule.activations import Work, plan_chains
from networks.schedule.geometry import (
    accumulator_bits,
    input_band,
    loop_registers,
    merges_rows,
    run_loops,
    unsupported,
    window_loops,
)
from tests.networks.graphs import integer_graphs, integer_layer


def walked(registers: dict[str, int], start: int) -> list[int]:
    """Addresses by counters: the first level that is not at its last advances, inner ones reset."""
    fields = [
        BY_NAME[f"LOOP_{level.upper()}"].decode(registers[f"LOOP_{level.upper()}"])
        for level in LOOPS
    ]
    counters = [0] * len(LOOPS)
    address = start
    addresses = []
    while True:
        addresses.append(address)
        for level, loop in enumerate(fields):
            if counters[level] < loop["last"]:
                counters[level] += 1
                address += loop["jump"] - (1 << 16) * (loop["jump"] >> 15)
                break
            counters[level] = 0
        else:
            return addresses


@given(integer_graphs(), st.sampled_from([1, 32]))
@settings(max_examples=40, deadline=None)
def test_walk_visits_every_window_in_order(graph: LayerGraph, step: int) -> None:
    layer = graph.layers[1]
    assume(isinstance(layer, Compute) and layer.pads == (0, 0, 0, 0))
    assert isinstance(layer, Compute)
    shape = graph.input.shape
    channels, _, width = shape
    _, rows, columns = layer.output_shape(shape)
    pool = layer.pool
    (pool_rows, pool_columns), (pool_y, pool_x) = (
        ((1, 1), (1, 1)) if pool is None else (pool.kernel, pool.strides)
    )
    kernel_rows, kernel_columns = layer.weights.shape[2:]
    run = kernel_columns * channels
    if merges_rows(layer, shape):
        run, kernel_rows = run * kernel_rows, 1
    expected = [
        (
            ((y * pool_y + py) * layer.strides[0] + row * layer.dilations[0]) * width
            + (x * pool_x + px) * layer.strides[1]
        )
        * channels
        + element
        for y in range(rows)
        for x in range(columns)
        for py in range(pool_rows)
        for px in range(pool_columns)
        for row in range(kernel_rows)
        for element in range(0, run, step)
    ]
    nest = run_loops(layer, shape, step) | window_loops(layer, shape, rows)
    assert walked(loop_registers(layer, nest), 0) == expected


def test_band_of_input_rows() -> None:
    random = np.random.default_rng(0)
    layer = integer_layer(random, "conv", "input", (2, 3, 5, 5), strides=(2, 1), dilations=(3, 1))
    # rows 4 and 5 start at input rows 8 and 10; the kernel spans 13 rows
    assert input_band(layer, 4, 2) == (8, 15)


@given(st.integers(0, 1000), st.sampled_from([(-128, 127), (0, 127)]))
@settings(max_examples=30, deadline=None)
def test_worst_case_width_is_reached(seed: int, input_range: tuple[int, int]) -> None:
    random = np.random.default_rng(seed)
    layer = integer_layer(random, "conv", "input", (3, 4, 2, 2), shift=0)
    bits = accumulator_bits(layer, input_range)
    low, high = input_range
    weights = layer.weights.reshape(3, -1)
    assert layer.bias is not None
    up = np.where(weights > 0, high, low) * weights
    down = np.where(weights > 0, low, high) * weights
    sums = [*(up.sum(axis=1) + np.maximum(layer.bias, 0))]
    sums += [*(down.sum(axis=1) + np.minimum(layer.bias, 0))]
    assert all(-(1 << (bits - 1)) <= value < 1 << (bits - 1) for value in sums)
    assert any(not -(1 << (bits - 2)) <= value < 1 << (bits - 2) for value in sums)


@given(integer_graphs(), st.integers(8, 12), st.sampled_from([1, 3, 8]))
@settings(max_examples=60, deadline=None)
def test_chains_keep_neighbours_apart(graph: LayerGraph, size: int, units: int) -> None:
    accelerator = AcceleratorConfig(activation_elements=1 << size, units=units)
    works = [
        Work(index, layer, graph.input_shape(layer), graph.shapes[layer.name])
        for index, layer in enumerate(graph.layers[1:])
        if isinstance(layer, Compute) and unsupported(layer, accelerator) is None
    ]
    consecutive = [work.index for work in works] == list(
        range(works[0].index, works[0].index + len(works)) if works else []
    )
    assume(works and consecutive)
    try:
        chains = plan_chains(works, accelerator)
    except ValueError:
        assume(False)
    assert [work.index for chain in chains for work in chain.works] == [w.index for w in works]
    for chain in chains:
        for position, work in enumerate(chain.works):
            if len(chain.bands) > 1:
                continue
            reads, writes = chain.bands[0].bases[position : position + 2]
            end = reads + int(np.prod(work.input_shape))
            if position == 0:  # of a band, only the rows that are read are loaded
                band = chain.bands[0]
                end = min(end, band.load_base + band.words * accelerator.lanes)
            inputs = reads, end
            outputs = writes, writes + np.prod(work.output_shape)
            assert inputs[1] <= outputs[0] or outputs[1] <= inputs[0]
            assert max(inputs[1], outputs[1]) <= accelerator.activation_elements
            assert outputs[0] % accelerator.lanes == 0
        assert sum(band.rows for band in chain.bands) == chain.works[-1].output_shape[1]

"""Loop registers, walked by counters as hardware does, against the windows of the layer."""

from itertools import product

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hdl.config import AcceleratorConfig, AcceleratorKind
from hdl.registers import BY_NAME, WALK_LOOPS, WINDOW_LOOPS
from networks.errors import NetworkError
from networks.graph import LayerGraph
from networks.layers import Compute
from networks.schedule.operation import Operation, accumulator_bits
from networks.schedule.registers import loop_registers, window_loops
from networks.schedule.run_weights import RunWeights
from networks.schedule.walk import walk_loops
from tests.networks.graphs import integer_graphs, integer_layer
from tests.networks.schedule.operations import layout_of, operation_of


def walked(registers: dict[str, int], levels: tuple[str, ...], start: int) -> list[int]:
    """Addresses by counters: the first level that is not at its last advances, inner ones reset."""
    fields = [
        BY_NAME[f"LOOP_{level.upper()}"].decode(registers[f"LOOP_{level.upper()}"])
        for level in levels
    ]
    counters = [0] * len(levels)
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


def windows(operation: Operation) -> list[int]:
    """Address of the first element of each window in the bordered input."""
    layout, pool = layout_of(operation), operation.pool
    _, rows, columns = operation.output_shape
    return [
        (y * pool.strides[0] + py) * operation.strides[0] * layout.row_elements
        + (x * pool.strides[1] + px) * operation.strides[1] * layout.pixel_elements
        for y, x, py, px in product(
            range(rows), range(columns), range(pool.kernel[0]), range(pool.kernel[1])
        )
    ]


@given(integer_graphs(), st.sampled_from(["bitmap", "dense"]), st.integers(1, 9))
@settings(max_examples=60, deadline=None)
def test_walk_meets_every_weight_at_its_input(
    graph: LayerGraph, kind: AcceleratorKind, units: int
) -> None:
    """Adds up weight times address over a walk, and over the layer's own description."""
    layer = graph.layers[1]
    if not isinstance(layer, Compute):
        return
    accelerator = AcceleratorConfig(kind=kind, units=units)
    try:
        operation = operation_of(layer, graph.input.shape, accelerator)
    except NetworkError:
        assume(False)
    layout = layout_of(operation)
    order = tuple(range(operation.outputs))
    channels = tuple(range(layout.shape[0]))
    weights = RunWeights.of(operation, accelerator, layout, channel_order=channels, order=order)
    random = np.random.default_rng(0)
    memory = random.integers(-9, 9, 2 * layout.elements + 64)
    inputs, kernel_rows, kernel_columns = layer.weights.shape[1:]
    for part, steps in zip(weights.parts, weights.steps, strict=True):
        assert part.walk is not None
        loops = window_loops(operation, layout, operation.output_shape[1])
        loops |= walk_loops(operation, part.walk, layout, 0)
        registers = loop_registers(layer, loops)
        bases = walked(registers, WINDOW_LOOPS, part.first_channel)
        assert [base - part.first_channel for base in bases] == windows(operation)
        offsets = walked(registers, WALK_LOOPS, 0)
        inside = np.array(offsets)[:, None] + np.arange(part.walk.elements)
        for position in range(part.first, part.last):
            group = position // (operation.outputs // operation.groups)
            for base in (bases[0], bases[-1]):
                found = (memory[base + inside] * steps[position - part.first]).sum()
                expected = sum(
                    int(layer.weights[position, channel, row, column])
                    * int(
                        memory[
                            base
                            - part.first_channel
                            + row * layer.dilations[0] * layout.row_elements
                            + column * layer.dilations[1] * layout.pixel_elements
                            + group * inputs
                            + channel
                        ]
                    )
                    for channel in range(inputs)
                    for row in range(kernel_rows)
                    for column in range(kernel_columns)
                )
                assert found == expected


@pytest.mark.parametrize(
    ("shape", "kernel", "options", "walk"),
    [
        # rows, steps, elements of a step, jump
        ((16, 9, 9), (3, 3), {}, (3, 2, 24, 24)),
        ((1, 9, 9), (5, 5), {}, (5, 1, 5, 5)),
        ((5, 4, 3), (4, 3), {}, (1, 2, 30, 30)),
        ((5, 4, 3), (4, 3), {"pads": (0, 1, 0, 0)}, (4, 1, 15, 15)),
        ((16, 9, 9), (3, 3), {"dilations": (1, 2)}, (3, 3, 27, 27)),
        ((16, 9, 9), (3, 3), {"dilations": (1, 3)}, (3, 3, 16, 48)),
        ((40, 9, 9), (3, 2), {"dilations": (1, 2)}, (3, 4, 30, 30)),
    ],
)
def test_fewest_steps(
    shape: tuple[int, int, int],
    kernel: tuple[int, int],
    options: dict,
    walk: tuple[int, int, int, int],
) -> None:
    layer = integer_layer(np.random.default_rng(0), "c", "input", (2, shape[0], *kernel), **options)
    operation = operation_of(layer, shape)
    weights = RunWeights.of(
        operation,
        AcceleratorConfig(),
        layout_of(operation),
        channel_order=tuple(range(shape[0])),
        order=(0, 1),
    )
    found = weights.parts[0].walk
    assert found is not None
    assert (found.rows, found.steps, found.elements, found.jump) == walk


def test_rows_of_input() -> None:
    random = np.random.default_rng(0)
    layer = integer_layer(
        random, "c", "input", (2, 3, 5, 5), strides=(2, 1), dilations=(3, 1), pads=(1, 0, 0, 0)
    )
    # rows 4 and 5 start at input rows 7 and 9; the kernel spans 13 rows
    assert operation_of(layer, (3, 40, 5)).input_rows(4, 2) == (7, 15)


@given(st.integers(0, 1000), st.sampled_from([(-128, 127), (0, 127), (0, 255)]))
@settings(max_examples=30, deadline=None)
def test_worst_case_width_is_reached(seed: int, input_range: tuple[int, int]) -> None:
    random = np.random.default_rng(seed)
    layer = integer_layer(random, "conv", "input", (3, 4, 2, 2), shift=0)
    bits = accumulator_bits(operation_of(layer, (4, 5, 5)), input_range)
    low, high = input_range
    weights = layer.weights.reshape(3, -1)
    assert layer.bias is not None
    up = np.where(weights > 0, high, low) * weights
    down = np.where(weights > 0, low, high) * weights
    sums = [*(up.sum(axis=1) + np.maximum(layer.bias, 0))]
    sums += [*(down.sum(axis=1) + np.minimum(layer.bias, 0))]
    assert all(-(1 << (bits - 1)) <= value < 1 << (bits - 1) for value in sums)
    assert any(not -(1 << (bits - 2)) <= value < 1 << (bits - 2) for value in sums)

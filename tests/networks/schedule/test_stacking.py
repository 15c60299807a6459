"""The network's input with kernel rows stacked, and filters of a job in step (`bitmap`)."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hdl.registers import BY_NAME
from networks import builtin, reference
from networks.graph import LayerGraph
from networks.layers import Input, MaxPool, Pool
from networks.program import Offload
from networks.program_model import ProgramModel
from networks.schedule import compile_network
from networks.schedule.schedule import make_schedule
from tests.networks.graphs import INT8, accelerator_of, integer_layer, random_images

small = st.integers(1, 3)
pairs = st.tuples(small, small)


@given(
    st.tuples(st.integers(1, 4), st.integers(8, 12), st.integers(8, 12)),
    st.tuples(st.integers(1, 4), st.integers(1, 4)),
    pairs,
    st.tuples(st.integers(1, 2), st.integers(1, 2)),
    st.tuples(*[st.integers(0, 2)] * 4),
    st.booleans(),
    st.integers(8, 11),
)
@settings(max_examples=40, deadline=None)
def test_stacked_rows_give_the_same_result(
    shape: tuple[int, int, int],
    kernel: tuple[int, int],
    strides: tuple[int, int],
    dilations: tuple[int, int],
    pads: tuple[int, int, int, int],
    pooled: bool,
    size: int,
) -> None:
    random = np.random.default_rng(0)
    layer = integer_layer(
        random,
        "conv",
        "input",
        (5, shape[0], *kernel),
        strides=strides,
        dilations=dilations,
        pads=pads,
    )
    height, width = layer.accumulated_shape(shape)[1:]
    if pooled and min(height, width) >= 2:
        layer = replace(layer, pool=Pool((2, 2), (1, 2)))
    graph = LayerGraph((Input(name="input", shape=shape, format=INT8), layer))
    accelerator = accelerator_of(activation_elements=1 << size)
    program = compile_network(graph, accelerator, memory_base_bytes=0)
    images = random_images(graph, 1)
    result = ProgramModel(program, graph, accelerator).run(images[0])
    assert np.array_equal(result, reference.run_all(graph, images)["conv"][0])


def test_first_window_of_lenet5_is_one_section() -> None:
    graph = builtin.load("lenet5")
    program = compile_network(graph, accelerator_of(), memory_base_bytes=0)
    stack = program.input.stack
    assert stack is not None
    assert (stack.rows, stack.kernel_rows, stack.stride, stack.top) == (24, 5, 1, 0)
    assert program.input.length_bytes == 24 * 28 * 5
    schedule = make_schedule(graph, accelerator_of())
    assert schedule.operations[0].weights.shape == (20, 5, 1, 5)


def conv(**options: Any) -> LayerGraph:
    random = np.random.default_rng(0)
    layer = integer_layer(random, "conv", "input", (4, 2, 3, 3), **options)
    return LayerGraph((Input(name="input", shape=(2, 8, 8), format=INT8), layer))


def test_rows_are_stacked_only_where_that_helps() -> None:
    random = np.random.default_rng(0)
    assert make_schedule(conv(), accelerator_of()).input_stack is not None
    for kind in ("list", "dense"):
        assert make_schedule(conv(), accelerator_of(kind=kind)).input_stack is None
    assert make_schedule(conv(), accelerator_of(activation_elements=256)).input_stack is not None
    first = integer_layer(random, "first", "input", (2, 2, 3, 3))
    last = integer_layer(random, "last", "first", (4, 2, 1, 1))
    graph = LayerGraph((conv().layers[0], first, last))
    assert make_schedule(graph, accelerator_of()).input_stack is not None
    # 128 + 72 elements fit together, but 288 + 72 do not: that would cost a visit more
    assert make_schedule(graph, accelerator_of(activation_elements=256)).input_stack is None
    wide = integer_layer(random, "conv", "input", (4, 32, 3, 3))  # 3 rows of 3 sections each
    graph = LayerGraph((Input(name="input", shape=(32, 8, 8), format=INT8), wide))
    assert make_schedule(graph, accelerator_of()).input_stack is None
    both = MaxPool(name="pool", inputs=("input",), pool=Pool((2, 2), (2, 2)))
    layers = (*conv().layers, both)
    with pytest.raises(ValueError, match="one output"):
        LayerGraph(layers)
    pooled = LayerGraph((conv().layers[0], both))
    assert make_schedule(pooled, accelerator_of()).input_stack is None


@pytest.mark.parametrize("name", ["lenet300", "lenet5"])
def test_groups_of_filters_follow_each_other_in_natural_order(name: str) -> None:
    """A job each, or in step in the job of a layer with one window."""
    graph, vectors = builtin.load(name), builtin.test_vectors(name)
    accelerator = accelerator_of(units=8)
    program = compile_network(graph, accelerator, memory_base_bytes=0, groups=True)
    assert program.output.channel_order is None
    jobs = [j for s in program.steps if isinstance(s, Offload) for j in s.jobs]
    found = [
        (
            BY_NAME["JOB_FILTERS"].decode(job.registers["JOB_FILTERS"])["last"] + 1,
            BY_NAME["JOB_COMMAND"].decode(job.registers["JOB_COMMAND"])["in_step"],
        )
        for job in jobs
        if job.kind == "compute"
    ]
    wanted: list[tuple[int, int]] = []
    for layer in graph.compute_layers:
        if graph.shapes[layer.name][1:] == (1, 1):
            wanted.append((layer.outputs, 1))
        else:
            wanted += [(min(8, layer.outputs - i), 0) for i in range(0, layer.outputs, 8)]
    assert found == wanted
    image = graph.quantise_input(vectors.real_images[0])
    result = ProgramModel(program, graph, accelerator, late_jobs=True).run(image)
    assert np.array_equal(result[:, 0, 0], vectors.logits[0])

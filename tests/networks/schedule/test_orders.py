"""Stored channel orders on `bitmap`."""

from typing import Any

import numpy as np
import pytest

from networks import reference
from networks.graph import LayerGraph
from networks.layers import Add, Concat, Input, Layer, MaxPool, Pool
from networks.program_model import ProgramModel
from networks.schedule import compile_network
from networks.schedule.plan import Options, Plan, plan_operations
from networks.schedule.schedule import make_schedule
from tests.networks.graphs import INT8, accelerator_of, integer_layer, random_images

RANDOM = np.random.default_rng(0)
NATURAL = tuple(range(24))


def network(*layers: Layer) -> LayerGraph:
    return LayerGraph((Input(name="input", shape=(24, 6, 6), format=INT8), *layers))


def conv(name: str, source: str, outputs: int = 24, **options: Any) -> Layer:
    inputs = int(options.pop("inputs", 24))
    groups = int(options.get("groups", 1))
    shape = (outputs, inputs // groups, 3, 3)
    layer = integer_layer(RANDOM, name, source, shape, pads=(1, 1, 1, 1), **options)
    scale = (RANDOM.random(outputs) < 0.5)[:, None, None, None]  # filters of different work
    object.__setattr__(layer, "weights", layer.weights * (scale | (RANDOM.random(shape) < 0.3)))
    return layer


def add(name: str, *inputs: str) -> Add:
    return Add(name=name, inputs=inputs, input_formats=(INT8, INT8), output_format=INT8)


def planned(graph: LayerGraph, **config: Any) -> Plan:
    accelerator = accelerator_of(activation_elements=16384, **config)
    schedule = make_schedule(graph, accelerator)
    return plan_operations(graph, schedule, accelerator, Options(True, False, True, None))


def check(graph: LayerGraph) -> None:
    for kind in ("bitmap", "dense", "list"):
        accelerator = accelerator_of(kind=kind, activation_elements=16384)
        program = compile_network(graph, accelerator, memory_base_bytes=0)
        images = random_images(graph, 1)
        expected = reference.run_all(graph, images)[graph.output.name][0]
        assert np.array_equal(ProgramModel(program, graph, accelerator).run(images[0]), expected)


def test_tensors_that_are_added_are_balanced_together() -> None:
    graph = network(
        conv("one", "input"),
        conv("two", "one"),
        conv("three", "two"),
        add("sum", "three", "one"),
        conv("last", "sum", 5),
    )
    orders = planned(graph).orders
    assert orders["one"] == orders["three"] == orders["sum"] != NATURAL
    assert orders["two"] != NATURAL
    assert orders["two"] != orders["one"]
    check(graph)


def test_sum_with_a_tensor_of_the_host_is_natural() -> None:
    graph = network(conv("one", "input"), add("sum", "one", "input"), conv("two", "sum"))
    orders = planned(graph).orders
    assert orders["one"] == orders["sum"] == NATURAL
    assert orders["two"] != NATURAL
    check(graph)


def test_channel_by_channel_hands_the_order_on() -> None:
    graph = network(
        conv("one", "input"),
        conv("deep", "one", 48, groups=24),
        MaxPool(name="pool", inputs=("deep",), pool=Pool((2, 2), (2, 2))),
        conv("last", "pool", 5, inputs=48),
    )
    orders = planned(graph).orders
    assert orders["one"] != NATURAL
    expected = [2 * channel + copy for channel in orders["one"] for copy in (0, 1)]
    assert list(orders["pool"]) == list(orders["deep"]) == expected
    check(graph)


def test_groups_of_channels_are_natural() -> None:
    graph = network(conv("one", "input"), conv("two", "one", groups=2), conv("three", "two"))
    orders = planned(graph).orders
    assert orders["one"] == orders["two"] == NATURAL
    assert orders["three"] != NATURAL
    check(graph)


def test_branches_keep_their_orders_behind_each_other() -> None:
    graph = network(
        conv("one", "input", 10),
        conv("two", "input", 14),
        Concat(name="all", inputs=("one", "two"), input_formats=(INT8,) * 2, output_format=INT8),
        conv("last", "all", 5),
    )
    order = planned(graph).orders["all"]
    assert sorted(order[:10]) == list(range(10))
    assert sorted(order[10:]) == list(range(10, 24))
    assert order[:10] != NATURAL[:10]
    check(graph)


@pytest.mark.parametrize("kind", ["dense", "list"])
def test_other_accelerators(kind: str) -> None:
    graph = network(conv("one", "input"), add("sum", "one", "input"), conv("two", "sum"))
    orders = planned(graph, kind=kind).orders
    assert (orders["one"] == NATURAL) == (kind == "dense")

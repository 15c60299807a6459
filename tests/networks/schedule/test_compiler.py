"""Compiled programs, executed by the functional model, against the reference."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

from hdl.config import AcceleratorConfig
from hdl.packets import MAX_PAYLOAD_WORDS, Destination
from hdl.registers import JOB_REGISTERS
from networks import builtin, importers, reference
from networks.activity import measure_activity
from networks.errors import NetworkError
from networks.graph import LayerGraph
from networks.layers import Conv, Input, Pool, Transpose
from networks.program import HostStep, Offload, Program
from networks.program_model import ProgramModel, parse_packets
from networks.quantise import quantise
from networks.schedule import compile_network
from tests.networks.graphs import INT8, accelerator_of, integer_graphs, integer_layer, random_images

BASE_BYTES = 0x10_0000
RANDOM = np.random.default_rng(0)


def compiled(graph: LayerGraph, **config: object) -> Program:
    accelerator = AcceleratorConfig.model_validate(config)
    return compile_network(graph, accelerator, memory_base_bytes=BASE_BYTES)


def offloads(program: Program) -> list[Offload]:
    return [step for step in program.steps if isinstance(step, Offload)]


CONFIGS = {
    "default": {},
    "one unit": {"units": 1},
    "odd number of units": {"units": 3},
    "more units than outputs": {"units": 16},
    "small weight memories": {"weight_words": 256, "bitmap_words": 512, "list_words": 512},
    "row bands and weight tiles": {
        "activation_elements": 2048,
        "weight_words": 256,
        "list_words": 512,
    },
}
KINDS = {
    "bitmap": {"kind": "bitmap"},
    "dense": {"kind": "dense"},
    "list 1": {"kind": "list", "lookahead": 1},
    "list 2": {"kind": "list", "lookahead": 2},
    "list 4": {"kind": "list", "lookahead": 4},
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("case", CONFIGS)
@pytest.mark.parametrize("name", ["lenet300", "lenet5"])
def test_golden_logits(name: str, case: str, kind: str) -> None:
    graph, vectors = builtin.load(name), builtin.test_vectors(name)
    images = graph.quantise_input(vectors.real_images[:3])
    accelerator = AcceleratorConfig.model_validate({**KINDS[kind], **CONFIGS[case]})
    for balance in (True, False):
        program = compile_network(graph, accelerator, memory_base_bytes=BASE_BYTES, balance=balance)
        for late_jobs in (True, False):
            model = ProgramModel(program, graph, accelerator, late_jobs=late_jobs)
            for image, logits in zip(images, vectors.logits, strict=False):
                assert np.array_equal(model.run(image)[:, 0, 0], logits)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("bits", [16, 32])
def test_wider_words(bits: int, kind: str) -> None:
    vectors = builtin.test_vectors("lenet300")
    real = vectors.real_images[:32]
    graph = importers.load("lenet300-float", calibration=real, bits=bits)
    accelerator = accelerator_of(bits, **KINDS[kind])
    program = compile_network(graph, accelerator, memory_base_bytes=BASE_BYTES)
    assert [info.runs_on for info in program.layers] == ["accelerator"] * 3
    images = graph.quantise_input(real)
    model = ProgramModel(program, graph, accelerator)
    for image, expected in zip(images[:2], reference.run(graph, images), strict=False):
        assert np.array_equal(model.run(image)[:, 0, 0], expected)


@st.composite
def accelerators(draw: st.DrawFn) -> AcceleratorConfig:
    return accelerator_of(
        draw(st.sampled_from([8, 8, 16, 32])),
        kind=draw(st.sampled_from(["bitmap", "dense", "list", "list"])),
        lookahead=draw(st.sampled_from([1, 2, 4])),
        units=draw(st.integers(1, 16)),
        activation_elements=1 << draw(st.integers(8, 13)),
        weight_words=1 << draw(st.integers(4, 11)),
        bitmap_words=1 << draw(st.integers(4, 11)),
        list_words=1 << draw(st.integers(4, 11)),
        bias_entries=256,
        channel_scales=draw(st.booleans()),
    )


@settings(max_examples=150, deadline=None)
@given(st.data(), accelerators(), st.booleans(), st.booleans(), st.booleans())
def test_random_networks(
    data: st.DataObject,
    accelerator: AcceleratorConfig,
    balance: bool,
    late_jobs: bool,
    known_activity: bool,
) -> None:
    scales = st.sampled_from(["layer", "channel", "real"])
    graph = data.draw(
        integer_graphs(accelerator.bits, scales=scales if accelerator.channel_scales else None)
    )
    event(f"bits: {accelerator.bits}")
    activity = measure_activity(graph, random_images(graph, 3, seed=1)) if known_activity else None
    try:
        program = compile_network(
            graph, accelerator, memory_base_bytes=BASE_BYTES, balance=balance, activity=activity
        )
    except NetworkError as error:
        event(str(error).split(": ")[-1].split(",")[0])
        assume(False)
    event(f"steps: {len(program.steps)}")
    for info in program.layers:
        event(f"host: {info.host_reason}")
    event(f"tiles: {max(len(info.list_lengths_words) for info in program.layers)}")
    images = random_images(graph, 2)
    expected = reference.run(graph, images)
    model = ProgramModel(program, graph, accelerator, late_jobs=late_jobs)
    for image, result in zip(images, expected, strict=True):
        assert np.array_equal(model.run(image).reshape(result.shape), result)


@pytest.mark.parametrize("kind", KINDS)
def test_real_convolution_in_row_bands(kind: str) -> None:
    """SqueezeNet's fire2/expand3x3 without padding: 48,400 inputs and 179,776 outputs."""
    data = builtin.squeezenet_fire2_expand3x3()
    layer = Conv(name="conv1", inputs=("input",), weights=data.weights, bias=data.bias, relu=True)
    inputs = data.inputs[None]
    graph = quantise(LayerGraph((Input(name="input", shape=(16, 55, 55)), layer)), inputs)
    accelerator = AcceleratorConfig.model_validate({**KINDS[kind], "activation_elements": 65536})
    program = compile_network(graph, accelerator, memory_base_bytes=BASE_BYTES)
    (offload,) = offloads(program)
    assert len(offload.receive) > 1
    image = graph.quantise_input(inputs)
    result = ProgramModel(program, graph, accelerator).run(image[0])
    assert np.array_equal(result, reference.run(graph, image)[0])


def test_everything_resident_is_sent_once() -> None:
    program = compiled(builtin.load("lenet300"))
    assert [info.weights_resident for info in program.layers] == [True] * 3
    (offload,) = offloads(program)
    assert [job.kind for job in offload.jobs] == ["compute"] * 3 + ["store"]
    assert [job.layer_index for job in offload.jobs] == [0, 1, 2, 2]
    # header, image, then four register packets: no weights
    registers = 4 * (8 + 4 * len(JOB_REGISTERS))
    assert [t.length_bytes for t in offload.send] == [8, 784, registers]
    assert offload.send[1].address_bytes == program.input.address_bytes
    assert [t.length_bytes for t in program.setup] == [len(program.memory[0].data)]
    assert sum(info.bytes_in for info in program.layers) == 8 + 784 + registers
    assert program.layers[2].bytes_out == offload.receive[0].length_bytes == 12


def test_streamed_weights_are_counted_for_their_layer() -> None:
    program = compiled(builtin.load("lenet300"), kind="dense")
    assert [info.weights_resident for info in program.layers] == [False, True, True]
    assert 235_200 < program.layers[0].bytes_in < 1.02 * 235_200
    sent = sum(t.length_bytes for step in offloads(program) for t in step.send)
    assert sum(info.bytes_in for info in program.layers) == sent


@pytest.mark.parametrize(("words", "tiles"), [(128, 2), (64, 4)])
def test_weights_on_chip_are_not_sent_again_for_the_next_band(words: int, tiles: int) -> None:
    """Each unit has 4 filters of 18 words. Two tiles stay in the two halves of its memory."""
    one = integer_layer(RANDOM, "one", "input", (32, 8, 3, 3), pads=(1, 1, 1, 1), density=1.0)
    two = integer_layer(RANDOM, "two", "one", (32, 32, 3, 3), pads=(1, 1, 1, 1), density=1.0)
    graph = network(*(one, two)[: 2 if tiles == 2 else 1], shape=(8, 40, 4))
    accelerator = AcceleratorConfig(kind="dense", weight_words=words, activation_elements=4096)
    program = compile_network(graph, accelerator, memory_base_bytes=0)
    (offload, *_) = offloads(program)
    bands = len(offload.receive)
    assert bands > 2
    jobs = [job for job in offload.jobs if job.kind == "compute"]
    assert len(jobs) == tiles * bands
    info = program.layers[0]
    assert not info.weights_resident
    weights = 32 * 72
    sent = weights * (1 + (bands - 1) * (tiles - 2) / tiles)
    assert sent < info.bytes_in - program.input.length_bytes < sent + 0.9 * weights
    images = random_images(graph, 2)
    model = ProgramModel(program, graph, accelerator, late_jobs=True)
    expected = reference.run_all(graph, images)[graph.output.name]
    for image, result in zip(images, expected, strict=True):
        assert np.array_equal(model.run(image), result)


def test_list_lengths_are_nearly_even_shares() -> None:
    """A tile a job; all tiles of a layer together hold an eighth of its weights."""
    graph = builtin.load("lenet5")
    program = compiled(graph, kind="list", lookahead=1, list_words=2048)
    jobs = [job for step in offloads(program) for job in step.jobs if job.kind == "compute"]
    assert [len(info.list_lengths_words) > 1 for info in program.layers] == [0, 0, 1, 0]
    assert len(jobs) == sum(len(info.list_lengths_words) for info in program.layers)
    for layer, info in zip(graph.compute_layers, program.layers, strict=True):
        nonzero = np.count_nonzero(layer.weights, axis=(1, 2, 3))
        mean = info.positions * nonzero.sum() / 8
        assert mean <= sum(info.list_lengths_words) <= 1.05 * mean + nonzero.max()
    assert not compiled(graph).layers[0].list_lengths_words


def test_list_longer_than_a_packet_is_sent_in_several() -> None:
    layer = integer_layer(
        RANDOM, "fc1", "input", (2, 60000, 1, 1), density=0.9, fully_connected=True, shift=14
    )
    object.__setattr__(layer, "weights", np.sign(layer.weights))
    graph = network(layer, shape=(60000, 1, 1))
    config = {"kind": "list", "lookahead": 2, "units": 1, "list_words": 65536}
    accelerator = AcceleratorConfig.model_validate({**config, "activation_elements": 65536})
    program = compile_network(graph, accelerator, memory_base_bytes=0)
    words = np.frombuffer(program.memory[0].data, dtype="<u4")
    headers = [header for header, _ in parse_packets(words)]
    lists = [header for header in headers if header.destination is Destination.LISTS]
    assert [header.address for header in lists] == [0, MAX_PAYLOAD_WORDS // 2]
    images = random_images(graph, 1)
    result = ProgramModel(program, graph, accelerator).run(images[0])
    assert np.array_equal(result[:, 0, 0], reference.run(graph, images)[0])


def test_activity_of_another_network() -> None:
    message = r"activity of 'input' must have shape \(1, 28, 28\), not \(3, 2, 2\)"
    with pytest.raises(NetworkError, match=message):
        compile_network(
            builtin.load("lenet300"),
            AcceleratorConfig(kind="list"),
            memory_base_bytes=0,
            activity={"input": np.zeros((3, 2, 2))},
        )


@pytest.mark.parametrize("options", [{"dilations": (1, 2)}, {"groups": 2}])
def test_list_computes_any_window(options: dict) -> None:
    inputs = 4 // options.get("groups", 1)
    layer = integer_layer(RANDOM, "conv2", "conv1", (6, inputs, 3, 3), **options)
    graph = network(integer_layer(RANDOM, "conv1", "input", (4, 4, 1, 1)), layer)
    accelerator = AcceleratorConfig(kind="list", units=3)
    program = compile_network(graph, accelerator, memory_base_bytes=0)
    assert [info.runs_on for info in program.layers] == ["accelerator"] * 2
    images = random_images(graph, 2)
    model = ProgramModel(program, graph, accelerator)
    for image, result in zip(images, reference.run(graph, images), strict=True):
        assert np.array_equal(model.run(image), result)


def test_sparse_weights_take_less_than_two_bits_each() -> None:
    """A bit a weight, and 8 bits for the 8 % that are not zero: 1.64 bits, and headers."""
    program = compiled(builtin.load("lenet300"), bitmap_words=512, weight_words=512)
    assert not program.layers[0].weights_resident
    assert 1.6 < program.layers[0].bytes_in * 8 / 235_200 < 1.8


def test_only_the_last_store_interrupts() -> None:
    program = compiled(builtin.load("lenet5"), activation_elements=2048)
    for offload in offloads(program):
        commands = [job.registers["JOB_COMMAND"] for job in offload.jobs]
        assert [command >> 1 & 1 for command in commands] == [0] * (len(commands) - 1) + [1]
        stores = [job for job in offload.jobs if job.kind == "store"]
        assert len(stores) == len(offload.receive)


def test_segments_and_buffers_do_not_overlap() -> None:
    program = compiled(builtin.load("lenet5"), activation_elements=2048, weight_words=256)
    buffers = [program.input, program.output]
    buffers += [step.output for step in program.steps if isinstance(step, HostStep)]
    areas = [(s.address_bytes, s.address_bytes + len(s.data)) for s in program.memory]
    areas += [(b.address_bytes, b.address_bytes + b.length_bytes) for b in buffers]
    areas.sort()
    assert areas[0][0] >= BASE_BYTES
    assert areas[-1][1] <= program.memory_bytes
    assert all(one[1] <= other[0] for one, other in pairwise(areas))


def network(*layers: object, shape: tuple[int, int, int] = (4, 8, 8)) -> LayerGraph:
    return LayerGraph((Input(name="input", shape=shape, format=INT8), *layers))  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("limit", [6.0, 100.0, 500.0])
def test_upper_limit(kind: str, limit: float) -> None:
    layer = integer_layer(RANDOM, "conv1", "input", (6, 4, 3, 3), shift=5, relu=True, limit=limit)
    graph = network(layer)
    accelerator = AcceleratorConfig.model_validate(KINDS[kind])
    program = compile_network(graph, accelerator, memory_base_bytes=0)
    assert program.layers[0].runs_on == "accelerator"
    images = random_images(graph, 2)
    model = ProgramModel(program, graph, accelerator)
    for image, result in zip(images, reference.run(graph, images), strict=True):
        assert result.max() == min(limit, 127)
        assert np.array_equal(model.run(image), result)


def test_layer_between_host_layers_travels_in_true_order() -> None:
    graph = network(
        Transpose(name="transpose1", inputs=("input",), axes=(0, 2, 1)),
        integer_layer(RANDOM, "conv1", "transpose1", (11, 4, 3, 3), pads=(1, 2, 0, 1)),
        Transpose(name="transpose2", inputs=("conv1",), axes=(0, 2, 1)),
    )
    accelerator = AcceleratorConfig()
    program = compile_network(graph, accelerator, memory_base_bytes=0)
    assert [type(step) for step in program.steps] == [HostStep, Offload, HostStep]
    first, _, last = program.steps
    assert isinstance(first, HostStep)
    assert isinstance(last, HostStep)
    assert first.output.pads == (1, 2, 0, 1)
    assert last.input.channel_order is not None
    images = random_images(graph, 2)
    model = ProgramModel(program, graph, accelerator)
    for image, result in zip(images, reference.run(graph, images), strict=True):
        assert np.array_equal(model.run(image), result)


FAULTS = {
    "weights of one filter": (
        (integer_layer(RANDOM, "fc1", "input", (5, 4, 8, 8), density=1.0, fully_connected=True),),
        {"weight_words": 16},
        "layer 'fc1': one filter a unit must fit weight memories of 16 words and 2048 sections, "
        "it needs 64 words and 8 sections",
    ),
    "biases": (
        (integer_layer(RANDOM, "conv1", "input", (40, 4, 3, 3)),),
        {"bias_entries": 32},
        "layer 'conv1': biases up to this layer must fit 32 entries, they need 40",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_does_not_fit_names_the_layer(fault: str) -> None:
    layers, config, message = FAULTS[fault]
    with pytest.raises(NetworkError) as caught:
        compiled(network(*layers), **config)
    assert str(caught.value) == message


def test_sums_that_could_overflow() -> None:
    layer = integer_layer(RANDOM, "fc1", "input", (1, 700, 1, 1), fully_connected=True)
    weights = np.full((1, 700, 1, 1), 127)
    object.__setattr__(layer, "weights", weights)
    message = "layer 'fc1': accumulators must fit 24 bits, the worst case is 25"
    with pytest.raises(NetworkError, match=message):
        compiled(network(layer, shape=(700, 1, 1)))


def test_jump_beyond_half_of_the_memory() -> None:
    """The step back from the last row of a large pooling window, modulo the memory's size."""
    layer = integer_layer(RANDOM, "conv1", "input", (2, 50, 3, 3))
    object.__setattr__(layer, "pool", Pool((16, 16), (1, 1)))
    graph = network(layer, shape=(50, 18, 60))
    accelerator = AcceleratorConfig(activation_elements=65536)
    program = compile_network(graph, accelerator, memory_base_bytes=0)
    images = random_images(graph, 1)
    result = ProgramModel(program, graph, accelerator).run(images[0])
    assert np.array_equal(result, reference.run(graph, images)[0])


def test_float_network() -> None:
    with pytest.raises(NetworkError, match="network must be quantised before it is scheduled"):
        compiled(builtin.load("lenet300-float"))


def test_dense_keeps_natural_order() -> None:
    assert compiled(builtin.load("lenet5"), kind="dense").output.channel_order is None


def test_worst_case_width_covers_every_image() -> None:
    graph, vectors = builtin.load("lenet5"), builtin.test_vectors("lenet5")
    results = reference.run_all(graph, graph.quantise_input(vectors.real_images[:32]))
    for info, layer in zip(compiled(graph).layers, graph.compute_layers, strict=True):
        sums = reference.accumulate(layer, results[layer.inputs[0]])
        assert int(np.abs(sums).max()).bit_length() + 1 <= info.accumulator_bits <= 24

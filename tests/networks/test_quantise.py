import numpy as np
import pytest

from networks import builtin, importers, reference
from networks.errors import NetworkError
from networks.formats import Format
from networks.graph import LayerGraph
from networks.layers import Conv, Input
from networks.quantise import choose_format, quantise


@pytest.mark.parametrize("name", ["lenet300", "lenet5"])
def test_accuracy_is_within_two_points_of_the_golden_logits(name: str) -> None:
    vectors = builtin.test_vectors(name)
    graph = importers.load(f"{name}-float", calibration=vectors.real_images[:32])
    logits = reference.run(graph, graph.quantise_input(vectors.real_images))
    golden = float((vectors.logits.argmax(axis=1) == vectors.labels).mean())
    accuracy = float((logits.argmax(axis=1) == vectors.labels).mean())
    assert golden > 0.85
    assert abs(accuracy - golden) <= 0.02


@pytest.mark.parametrize("bits", [8, 16, 32])
def test_wider_words_come_closer_to_the_real_logits(bits: int) -> None:
    vectors = builtin.test_vectors("lenet300")
    images = vectors.real_images[:32]
    graph = importers.load("lenet300-float", calibration=images, bits=bits)
    logits = reference.run(graph, graph.quantise_input(images))
    number_format = graph.format_of(graph.output.name)
    assert number_format is not None
    error = np.abs(number_format.dequantise(logits) - vectors.logits_float[:32]).max()
    assert error < {8: 4.0, 16: 0.01, 32: 0.01}[bits]


def test_zero_weights_stay_zero_and_scales_are_per_layer() -> None:
    real = importers.load("lenet5-float")
    graph = quantise(real, builtin.test_vectors("lenet5").real_images[:8])
    for before, after in zip(real.compute_layers, graph.compute_layers, strict=True):
        assert not np.any(after.weights[before.weights == 0])
        assert after.weight_format is not None
        assert after.weight_format.bits == 8
        assert after.bias_format is not None
        assert after.shift == (
            after.bias_format.frac_bits - graph.format_of(after.name).frac_bits  # type: ignore[union-attr]
        )


def test_format_covers_the_range_or_saves_error() -> None:
    assert choose_format(np.array([1.0, -1.0]), 8) == Format(8, 6)
    assert choose_format(np.array([0.99, -1.0]), 8).frac_bits in (6, 7)
    assert choose_format(np.array([100.0]), 8) == Format(8, 0)
    assert choose_format(np.zeros(4), 8) == Format(8, 7)
    # one outlier among many small numbers is worth saturating
    crowd = np.concatenate([np.linspace(-0.3, 0.3, 10_000), [0.6]])
    assert choose_format(crowd, 4).scale < 0.6 / 7


def test_sixteen_bits_leave_room_beyond_the_calibration() -> None:
    vectors = builtin.test_vectors("lenet300")
    graph = importers.load("lenet300-float", calibration=vectors.real_images[:32], bits=16)
    logits = reference.run(graph, graph.quantise_input(vectors.real_images))
    number_format = graph.format_of(graph.output.name)
    assert number_format is not None
    assert np.abs(number_format.dequantise(logits) - vectors.logits_float).max() < 0.05
    assert choose_format(np.array([0.9]), 16, headroom_bits=1) == Format(16, 14)


def test_no_calibration_inputs() -> None:
    with pytest.raises(NetworkError, match="calibration must have at least one input, not 0"):
        quantise(importers.load("lenet300-float"), np.zeros((0, 1, 28, 28)))


def test_integer_network() -> None:
    with pytest.raises(NetworkError, match="network must be a float network"):
        quantise(builtin.load("lenet300"), np.zeros((1, 1, 28, 28)))


def test_bias_beyond_its_format() -> None:
    layer = Conv(
        name="conv1",
        inputs=("input",),
        weights=np.full((1, 1, 1, 1), 2.0**-20),
        bias=np.array([1e6]),
    )
    graph = LayerGraph((Input(name="input", shape=(1, 1, 1)), layer))
    with pytest.raises(NetworkError, match="layer 'conv1': bias must fit int32/2"):
        quantise(graph, np.ones((1, 1, 1, 1)) * 2.0**-8)

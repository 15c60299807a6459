import numpy as np
import pytest

from networks import builtin
from networks.errors import NetworkError


@pytest.mark.parametrize("name", builtin.names())
def test_every_network_has_a_file_and_images_it_can_read(name: str) -> None:
    path = builtin.network_path(name)
    assert path is not None
    assert path.is_file()
    images, labels = builtin.test_images(name)
    assert images.shape[1:] == builtin.load(name).input.shape
    assert labels is None or len(labels) == len(images)


@pytest.mark.parametrize("name", [name for name in builtin.names() if name.startswith("lenet")])
def test_vectors_of_the_lenets(name: str) -> None:
    vectors = builtin.test_vectors(name)
    assert vectors.images.shape == (256, 1, 28, 28)
    assert vectors.logits.shape == vectors.logits_float.shape == (256, 10)
    assert vectors.real_images.min() == 0
    assert vectors.real_images.max() == pytest.approx(1)


@pytest.mark.parametrize(
    ("name", "densities"),
    [("lenet300", [0.08, 0.09, 0.26]), ("lenet5", [0.66, 0.12, 0.08, 0.19])],
)
def test_networks_are_pruned_to_the_published_densities(name: str, densities: list[float]) -> None:
    layers = builtin.load(name).compute_layers
    kept = [np.count_nonzero(layer.weights) / layer.weights.size for layer in layers]
    assert kept == pytest.approx(densities, abs=0.001)


def test_sparse_layer() -> None:
    layer = builtin.squeezenet_fire2_expand3x3()
    counts = np.count_nonzero(layer.weights[:8], axis=(1, 2, 3))
    assert counts.tolist() == [48, 40, 34, 52, 31, 41, 46, 40]
    assert np.mean(layer.inputs != 0) == pytest.approx(0.885, abs=0.001)
    graph = builtin.load("fire2-expand3x3")
    np.testing.assert_array_equal(graph.compute_layers[0].weights, layer.weights)
    with pytest.raises(NetworkError, match="no labels"):
        builtin.test_vectors("fire2-expand3x3")


def test_unknown_network() -> None:
    with pytest.raises(NetworkError, match=r"built-in network must be one of .*, not 'alexnet'"):
        builtin.test_vectors("alexnet")
    assert builtin.network_path("alexnet") is None

"""Images and labels from .npz files and built-in networks."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cosim.errors import ScenarioError
from cosim.inputs import Inputs, load_inputs

SHAPE = (5, 2, 3, 4)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "x.npz"


def test_bytes_stand_for_zero_to_one_unless_a_scale_is_given(path: Path) -> None:
    x = np.arange(120, dtype=np.uint8).reshape(SHAPE)
    np.savez(path, x=x, y=np.arange(5))
    inputs = load_inputs(str(path), "net")
    np.testing.assert_allclose(inputs.images, x / 255)
    assert inputs.labels is not None
    np.savez(path, x=x, x_scale=np.float32(0.5))
    inputs = load_inputs(str(path), "net")
    np.testing.assert_allclose(inputs.images, x * 0.5)
    assert inputs.labels is None


def test_floats_are_taken_as_they_are(path: Path) -> None:
    x = np.random.default_rng(1).normal(size=SHAPE).astype(np.float32)
    np.savez(path, x=x)
    np.testing.assert_array_equal(load_inputs(str(path), "net").images, x)


def test_built_in_networks_bring_their_test_images() -> None:
    inputs = load_inputs(None, "lenet300")
    assert inputs.images.shape == (256, 1, 28, 28)
    assert inputs.images.max() == pytest.approx(1)
    with pytest.raises(ScenarioError, match=r"input\.file must be given for network 'my\.onnx'"):
        load_inputs(None, "my.onnx")


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"z": np.zeros(3)}, "must hold an array x, not z"),
        ({}, "must hold an array x, not nothing"),
        ({"x": np.zeros((2, 3))}, r"x must have shape \(images, channels.*, not \(2, 3\)"),
        ({"x": np.zeros((0, 1, 2, 2))}, r"x must have shape .*, not \(0, 1, 2, 2\)"),
        ({"x": np.zeros(SHAPE, np.int32)}, "x must be uint8 or float, not int32"),
        ({"x": np.full(SHAPE, np.nan)}, r"x must be finite, not NaN or infinite \(image 0\)"),
        ({"x": np.where(np.arange(120) == 100, np.inf, 0).reshape(SHAPE)}, r"\(image 4\)"),
        ({"x": np.zeros(SHAPE), "x_scale": np.zeros(2)}, "x_scale must be one number"),
        ({"x": np.zeros(SHAPE), "x_scale": np.float32(0)}, "x_scale must be a positive number"),
        ({"x": np.zeros(SHAPE), "x_scale": np.float32("nan")}, "x_scale must be a positive"),
        ({"x": np.zeros(SHAPE), "x_scale": np.array("a")}, "x_scale must be one number"),
        ({"x": np.zeros(SHAPE), "y": np.zeros(4, int)}, "y must be 5 integers, not int64 of"),
        ({"x": np.zeros(SHAPE), "y": np.zeros(5)}, "y must be 5 integers, not float64"),
        ({"x": np.array([{}], dtype=object)}, "must be an .npz file of plain arrays"),
    ],
)
def test_wrong_arrays(path: Path, arrays: dict[str, Any], message: str) -> None:
    np.savez(path, **arrays)
    with pytest.raises(ScenarioError, match=message) as caught:
        load_inputs(str(path), "net")
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04 cut off"])
def test_damaged_files(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(ScenarioError, match=r"x\.npz: must be an \.npz file"):
        load_inputs(str(path), "net")


def test_files_of_another_kind(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.zeros(SHAPE))
    with pytest.raises(ScenarioError, match=r"must be an \.npz file"):
        load_inputs(str(tmp_path / "x.npy"), "net")
    with pytest.raises(ScenarioError, match=r"none\.npz: cannot be read \(No such file"):
        load_inputs(str(tmp_path / "none.npz"), "net")


def test_only_as_many_images_as_there_are() -> None:
    inputs = Inputs(np.arange(120.0).reshape(SHAPE), np.arange(5), "x.npz")
    chosen = inputs.select(2, 3)
    assert chosen.images[0, 0, 0, 0] == 48
    assert chosen.labels is not None
    assert list(chosen.labels) == [2, 3, 4]
    with pytest.raises(ScenarioError, match=r"images must be at most 3 \(inputs in x.npz .* not 4"):
        inputs.select(2, 4)
    with pytest.raises(ScenarioError, match="images must be at most 0"):
        inputs.select(9, 1)


def test_images_must_have_the_shape_of_the_network() -> None:
    inputs = Inputs(np.zeros(SHAPE), None, "x.npz")
    assert inputs.shaped_for((2, 3, 4)).shape == SHAPE
    assert inputs.shaped_for((24, 1, 1)).shape == (5, 24, 1, 1)
    message = r"x\.npz: x must have shape \(images, 4, 2, 3\), not \(5, 2, 3, 4\)"
    with pytest.raises(ScenarioError, match=message):
        inputs.shaped_for((4, 2, 3))
    with pytest.raises(ScenarioError, match=r"x must have shape \(images, 25, 1, 1\)"):
        inputs.shaped_for((25, 1, 1))

"""Built-in networks, trained and pruned on Fashion-MNIST (MIT licence), with their test vectors.

`lenet300` is LeNet-300-100, `lenet5` LeNet-5; both pruned to the densities of Han et al. 2015
(arXiv 1506.02626) and quantised to int8 with power-of-two scales. Names ending in `-float` are the
same networks before quantisation. `fire2-expand3x3` is one layer of the pruned SqueezeNet v1.0,
with the real map that it reads as its only image; it has no labels.
"""

from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from networks.errors import NetworkError
from networks.graph import LayerGraph

_FILES = {
    "lenet300": "lenet300-fashion-qdq-int8-pow2.onnx",
    "lenet5": "lenet5-fashion-qdq-int8-pow2.onnx",
    "lenet300-float": "lenet300-fashion-pruned.onnx",
    "lenet5-float": "lenet5-fashion-pruned.onnx",
    "fire2-expand3x3": "squeezenet-fire2-expand3x3.onnx",
}


@dataclass(frozen=True, eq=False)
class TestVectors:
    """Real test images and what the network makes of them.

    `images` are unsigned bytes `(256, 1, 28, 28)` that stand for `images * scale`, in [0, 1];
    `labels` the true classes; `logits` the golden int8 logits `(256, 10)` of the quantised network
    and `logits_float` those of the float network.
    """

    images: NDArray[np.uint8]
    scale: float
    labels: NDArray[np.uint8]
    logits: NDArray[np.int8]
    logits_float: NDArray[np.float32]

    @property
    def real_images(self) -> NDArray[np.float64]:
        """The images as real numbers in [0, 1]."""
        return self.images * np.float64(self.scale)


@dataclass(frozen=True, eq=False)
class SparseLayer:
    """One pruned convolution: weights OIHW, bias, a real input map `(channels, height, width)`."""

    weights: NDArray[np.float32]
    bias: NDArray[np.float32]
    inputs: NDArray[np.float32]


def names() -> tuple[str, ...]:
    """Names of all built-in networks."""
    return tuple(_FILES)


def load(name: str) -> LayerGraph:
    """The layer graph of a built-in network; raises NetworkError on an unknown name."""
    from networks import importers  # here, because importers looks names up in this module

    _check_name(name)
    return importers.load(name)


def network_path(name: str) -> Path | None:
    """The ONNX file of a built-in network, or None if there is none of that name."""
    return _data(_FILES[name]) if name in _FILES else None


def test_vectors(name: str) -> TestVectors:
    """The test vectors of a LeNet; raises NetworkError on any other name."""
    _check_name(name)
    if not name.startswith("lenet"):
        raise NetworkError(f"{name} has images, but no labels or golden results")
    with np.load(_data(f"{name.removesuffix('-float')}-fashion-testvec.npz")) as file:
        return TestVectors(
            file["x"],
            float(file["x_scale"]),
            file["y"],
            file["logits_int8_pow2"],
            file["logits_float"],
        )


def test_images(name: str) -> tuple[NDArray[np.float64], NDArray[np.int64] | None]:
    """Real test images `(images, channels, height, width)` of a built-in network and their labels.

    Raises NetworkError on an unknown name.
    """
    if name == "fire2-expand3x3":
        return squeezenet_fire2_expand3x3().inputs[None].astype(np.float64), None
    vectors = test_vectors(name)
    return vectors.real_images, vectors.labels.astype(np.int64)


def squeezenet_fire2_expand3x3() -> SparseLayer:
    """Layer fire2/expand3x3 of the pruned SqueezeNet v1.0: 64 filters of 16x3x3, a 55x55 map."""
    with np.load(_data("squeezenet_fire2_expand3x3.npz")) as file:
        return SparseLayer(file["weights"], file["bias"], file["inputs"])


def _check_name(name: str) -> None:
    if name not in _FILES:
        raise NetworkError(f"built-in network must be one of {', '.join(_FILES)}, not '{name}'")


def _data(name: str) -> Path:
    return Path(str(resources.files("networks") / "data" / name))

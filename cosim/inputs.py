"""The images of a run: from an .npz file, or the test images of a built-in network."""

import zipfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cosim.errors import ScenarioError
from networks import builtin
from networks.layers import Shape

UINT8_SCALE = 1 / 255
"""What the integer 1 of a uint8 image without `x_scale` stands for: images in [0, 1]."""


@dataclass(frozen=True, eq=False)
class Inputs:
    """Real images `(images, channels, height, width)`, labels or None, and where they are from."""

    images: NDArray[np.float64]
    labels: NDArray[np.int64] | None
    origin: str

    def select(self, first: int, count: int) -> "Inputs":
        """`count` images from number `first`; raises ScenarioError if there are not as many."""
        available = len(self.images) - first
        if count > available:
            raise ScenarioError(
                f"images must be at most {max(0, available)} (inputs in {self.origin} from number "
                f"{first}), not {count}"
            )
        labels = None if self.labels is None else self.labels[first : first + count]
        return replace(self, images=self.images[first : first + count], labels=labels)

    def shaped_for(self, shape: Shape) -> NDArray[np.float64]:
        """The images in the shape a network reads; raises ScenarioError if they do not fit."""
        found = self.images.shape[1:]
        is_vector = shape[1:] == (1, 1) and shape[0] == int(np.prod(found))
        if found != shape and not is_vector:
            raise ScenarioError(
                f"{self.origin}: x must have shape (images, {', '.join(map(str, shape))}), "
                f"not {self.images.shape}"
            )
        return self.images.reshape(len(self.images), *shape)


def load_inputs(file: str | None, network: str) -> Inputs:
    """Inputs from an .npz file, or the test images of the built-in network of that name.

    The file holds `x` (uint8 or float, images x channels x height x width), optionally `x_scale`
    (the real number that 1 stands for; by default 1/255 for uint8, 1 for floats) and labels `y`.
    Raises ScenarioError on any other content.
    """
    if file is None:
        if network not in builtin.names():
            raise ScenarioError(f"input.file must be given for network '{network}'")
        images, labels = builtin.test_images(network)
        return Inputs(images, labels, f"the test images of {network}")
    return _read_npz(Path(file))


def _read_npz(path: Path) -> Inputs:
    try:
        archive = np.load(path, allow_pickle=False)
        if not isinstance(archive, np.lib.npyio.NpzFile):
            raise ScenarioError(f"{path}: must be an .npz file")
        with archive:
            arrays = {name: archive[name] for name in archive.files}
    except OSError as error:
        raise ScenarioError(f"{path}: cannot be read ({error.strerror or error})") from error
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        raise ScenarioError(f"{path}: must be an .npz file of plain arrays ({error})") from error
    if "x" not in arrays:
        found = ", ".join(arrays) or "nothing"
        raise ScenarioError(f"{path}: must hold an array x, not {found}")
    return Inputs(_images(path, arrays), _labels(path, arrays), str(path))


def _images(path: Path, arrays: dict[str, NDArray]) -> NDArray[np.float64]:
    x = arrays["x"]
    if x.ndim != 4 or x.shape[0] == 0:
        raise ScenarioError(
            f"{path}: x must have shape (images, channels, height, width), not {x.shape}"
        )
    if x.dtype != np.uint8 and not np.issubdtype(x.dtype, np.floating):
        raise ScenarioError(f"{path}: x must be uint8 or float, not {x.dtype}")
    scale = arrays.get("x_scale", np.array(UINT8_SCALE if x.dtype == np.uint8 else 1.0))
    if scale.size != 1 or not np.issubdtype(scale.dtype, np.number):
        raise ScenarioError(f"{path}: x_scale must be one number, not {scale.dtype} {scale.shape}")
    factor = float(scale.reshape(()))
    if not np.isfinite(factor) or factor <= 0:
        raise ScenarioError(f"{path}: x_scale must be a positive number, not {factor}")
    images = x.astype(np.float64) * factor
    if not np.isfinite(images).all():
        index = int(np.flatnonzero(~np.isfinite(images).reshape(len(images), -1).all(axis=1))[0])
        raise ScenarioError(f"{path}: x must be finite, not NaN or infinite (image {index})")
    return images


def _labels(path: Path, arrays: dict[str, NDArray]) -> NDArray[np.int64] | None:
    if "y" not in arrays:
        return None
    y = arrays["y"]
    if y.shape != (len(arrays["x"]),) or not np.issubdtype(y.dtype, np.integer):
        raise ScenarioError(
            f"{path}: y must be {len(arrays['x'])} integers, not {y.dtype} of shape {y.shape}"
        )
    return y.astype(np.int64)

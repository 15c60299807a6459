"""Where numba keeps what it compiled: a directory for each state of the sources.

Numba forgets what it compiled when the file of a function changes. But functions of other files are
compiled into it, and constants of others still, so that after an update it could go on with what
the sources before said. `NUMBA_CACHE_DIR` names a directory that is used whatever the sources are.
"""

import hashlib
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import platformdirs
from numba import config

CACHE_VARIABLE = "SPARSE_COSIM_CACHE"
NUMBA_VARIABLE = "NUMBA_CACHE_DIR"

_ROOT = Path(__file__).resolve().parents[1]
CONSTANT_SOURCES = ("hdl/config.py", "hdl/lists.py", "hdl/packets.py")
"""Files that compiled functions have constants from, besides each other."""


def cache_directory() -> Path:
    """Where results of slow tools are kept from run to run; `SPARSE_COSIM_CACHE` names another."""
    given = os.environ.get(CACHE_VARIABLE)
    return Path(given) if given else platformdirs.user_cache_path("sparse-cosim")


def compiled_sources(root: Path = _ROOT) -> list[Path]:
    """All files under `root` that decide what is compiled, in a fixed order."""
    written = [path for name in ("cosim", "networks") for path in (root / name).rglob("*.py")]
    compiled = [path for path in written if b"njit" in path.read_bytes()]
    return sorted(compiled) + [root / name for name in CONSTANT_SOURCES]


def key(sources: Iterable[Path]) -> str:
    """A name that changes with the content of any of the files."""
    digest = hashlib.sha256()
    for path in sources:
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


def use() -> None:
    """Makes numba keep what is compiled from now on where no other state of the sources looks.

    If nothing can be written there, numba looks for another place.
    """
    if NUMBA_VARIABLE not in os.environ:
        kept = cache_directory() / "numba" / key(compiled_sources())
        with suppress(OSError):
            kept.mkdir(parents=True, exist_ok=True)
            config.CACHE_DIR = str(kept)  # type: ignore[attr-defined]

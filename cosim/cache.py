"""Results of slow tools, kept in a directory of the user's from run to run.

`SPARSE_COSIM_CACHE` names another directory. Everything in it can be deleted at any time.
"""

import fcntl
import hashlib
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from cosim.errors import ScenarioError
from networks.numba_cache import CACHE_VARIABLE, cache_directory

Note = Callable[[str], None]
"""Is told what takes long, one line."""


def key(parts: Iterable[str]) -> str:
    """A name for what depends on all of `parts` and nothing else."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:24]


def cached(name: str, make: Callable[[Path], None]) -> Path:
    """The directory of that name, which `make` fills if it is not there yet.

    It appears as a whole; of two processes that want it one makes it and the other waits. Raises
    ScenarioError if the cache cannot be written, and what `make` raises.
    """
    root = cache_directory()
    folder = root / name
    if folder.is_dir():
        return folder
    try:
        root.mkdir(parents=True, exist_ok=True)
        with (root / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not folder.is_dir():
                with tempfile.TemporaryDirectory(dir=root, prefix=".make-") as temporary:
                    work = Path(temporary) / "work"
                    work.mkdir()
                    make(work)
                    work.rename(folder)
    except OSError as error:
        raise ScenarioError(
            f"{CACHE_VARIABLE}: cache directory {root} must be writable ({error.strerror})"
        ) from error
    return folder

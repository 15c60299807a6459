"""Compiled functions are not taken over from other sources."""

import os
import subprocess
import sys
from pathlib import Path

from networks import numba_cache

SOURCE = "from numba import njit\n"
CALLER = """
import os
os.environ["SPARSE_COSIM_CACHE"] = {cache!r}
import sys
sys.path.insert(0, {root!r})
from networks import numba_cache
numba_cache.use()
from networks.caller import call
print(call(1))
"""


def write(root: Path, factor: int) -> None:
    """A package with a compiled function that has another one's in it."""
    for name in ("networks/callee.py", "networks/caller.py", *numba_cache.CONSTANT_SOURCES):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    (root / "cosim").mkdir(exist_ok=True)
    real = Path(numba_cache.__file__)
    (root / "networks" / "numba_cache.py").write_text(real.read_text())
    (root / "networks" / "callee.py").write_text(
        f"{SOURCE}\n@njit(inline='always')\ndef times(x):\n    return {factor} * x\n"
    )
    (root / "networks" / "caller.py").write_text(
        f"{SOURCE}from networks.callee import times\n\n"
        "@njit(cache=True)\ndef call(x):\n    return times(x)\n"
    )


def test_a_change_in_another_file_is_seen(tmp_path: Path) -> None:
    """Numba alone goes on with what it compiled: the calling function's file is the same."""
    root, found = tmp_path / "package", []
    program = CALLER.format(cache=str(tmp_path / "cache"), root=str(root))
    for factor in (2, 3):
        write(root, factor)
        environment = {k: v for k, v in os.environ.items() if k != numba_cache.NUMBA_VARIABLE}
        run = subprocess.run(
            [sys.executable, "-c", program],
            check=True, capture_output=True, text=True, cwd=tmp_path, env=environment,
        )  # fmt: skip
        found.append(run.stdout.strip())
    assert found == ["2", "3"]


def test_all_files_with_compiled_functions_count() -> None:
    names = {path.name for path in numba_cache.compiled_sources()}
    assert {"pipe_steps.py", "pipe_state.py", "durations.py", "balance.py", "config.py"} <= names


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    environment = os.environ | {numba_cache.CACHE_VARIABLE: str(tmp_path / "file")}
    environment.pop(numba_cache.NUMBA_VARIABLE, None)
    program = "import networks; from numba import config; print(config.CACHE_DIR)"
    run = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True, env=environment
    )
    assert run.stdout.strip() == ""

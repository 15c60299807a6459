"""Analyses, elaborates and replays converted HDL with GHDL, Icarus Verilog and Verilator.

A tool that is missing fails the test that needs it.
"""

import re
import subprocess
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from hdl.convert import Language
from hdl.port_recorder import PortRecorder
from hdl.testbench import write_testbench

TOOL_TIMEOUT_S = 1200


def in_fresh_process(function: Callable[..., Any], *arguments: Any) -> Any:
    """Calls a module-level function in a new process: MyHDL's names grow with each conversion."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def run_tool(*command: str | Path, directory: Path) -> str:
    """What the tool printed; a non-zero exit status is a failure that shows it."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=directory,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=TOOL_TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}"
    return done.stdout


def elaborate_vhdl(files: Sequence[Path], top: str, directory: Path) -> None:
    """Analyses each file, in order, and elaborates `top`; no warning is let pass."""
    for file in files:
        assert run_tool("ghdl", "-a", "--std=08", file.resolve(), directory=directory) == ""
    assert run_tool("ghdl", "-e", "--std=08", top, directory=directory) == ""


def elaborate_verilog(files: Sequence[Path], top: str, directory: Path) -> Path:
    """Compiles `top` with Icarus; returns the program for `vvp`. No warning is let pass."""
    program = directory / f"{top}.vvp"
    sources = [file.resolve() for file in files]
    printed = run_tool(
        *("iverilog", "-g2005", "-Wall", "-Wno-timescale", "-s", top, "-o", program),
        *sources,
        directory=directory,
    )
    assert printed == ""
    return program


def lint_verilog(files: Sequence[Path], top: str, directory: Path) -> None:
    """Lets Verilator read the files; its errors, not its style warnings, fail."""
    run_tool(
        *("verilator", "--lint-only", "-Wno-fatal", "--top-module", top),
        *(file.resolve() for file in files),
        directory=directory,
    )


def replay(
    files: Sequence[Path], recorder: PortRecorder, language: Language, directory: Path
) -> str:
    """Replays the recorded run on the emitted files; returns the testbench's verdict, one line.

    `passed N cycles`, or `cycle N port P expected X got Y`.
    """
    bench = write_testbench(recorder, language, directory)
    top = f"{recorder.top_name}_tb"
    if language == "vhdl":
        elaborate_vhdl([*files, bench], top, directory)
        command = ["ghdl", "-r", "--std=08", top]
    else:
        command = ["vvp", "-n", str(elaborate_verilog([*files, bench], top, directory))]
    done = subprocess.run(
        command, cwd=directory, text=True, capture_output=True, timeout=TOOL_TIMEOUT_S, check=False
    )
    verdicts = re.findall(r"^(?:passed|cycle) .*$", done.stdout, re.MULTILINE)
    assert len(verdicts) == 1, done.stdout + done.stderr
    assert "warning" not in done.stdout + done.stderr, done.stdout + done.stderr
    return str(verdicts[0])

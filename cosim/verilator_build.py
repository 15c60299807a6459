"""Builds the shared library of an accelerator: Verilog, Verilator to C++, a compiler.

The library is cached (`cosim.cache`) by the Verilog, the tools and their options.
"""

import functools
import os
import shlex
import shutil
import subprocess
from importlib import resources
from pathlib import Path

from cosim import compiled_abi
from cosim.cache import Note, cached, key
from cosim.errors import ToolError
from cosim.verilog_source import simulation_verilog
from hdl.config import AcceleratorConfig
from hdl.convert import TOP_NAME

VERILATOR_OPTIONS = (
    "--cc", "-O3", "--x-assign", "0", "--x-initial", "0", "--noassert", "-Wno-fatal", "-Wno-lint",
    "-Wno-style", "--top-module", TOP_NAME, "--prefix", f"V{TOP_NAME}",
)  # fmt: skip
# Nothing but the C interface is visible: libraries of several accelerators share a process.
COMPILER_OPTIONS = (
    "-std=c++17", "-O2", "-fPIC", "-fvisibility=hidden", "-fno-gnu-unique", "-w",
)  # fmt: skip
LIBRARY_NAME = "engine.so"


def build_library(config: AcceleratorConfig, *, trace: bool, note: Note | None = None) -> Path:
    """The library of `compiled_engine.cpp` for an accelerator; `trace`: it can write waveforms.

    Raises ToolError, one line, if a tool is missing or fails.
    """
    verilator = _find("verilator")
    compiler = shlex.split(os.environ.get("CXX", "g++"))
    _find(compiler[0])
    version = _version(verilator)
    shim = resources.files("cosim").joinpath("compiled_engine.cpp").read_text(encoding="utf-8")
    abi = compiled_abi.header(config)
    verilog = simulation_verilog(config, note)
    options = (*VERILATOR_OPTIONS, *(("--trace",) if trace else ()))
    depends = (verilog, shim, abi, version, *options, *compiler, *COMPILER_OPTIONS)

    def make(folder: Path) -> None:
        if note is not None:
            note("compiling the accelerator with Verilator")
        runtime = _runtime(verilator, compiler, trace=trace)
        source, all_sources = folder / f"{TOP_NAME}.v", folder / "all.cpp"
        source.write_text(verilog)
        _run([verilator, *options, "--Mdir", str(folder), str(source)], "verilator")
        (folder / "abi.h").write_text(abi)
        (folder / "engine.cpp").write_text(shim)
        # one unit: every file would read the same large headers
        names = sorted(file.name for file in folder.glob("*.cpp"))
        all_sources.write_text("".join(f'#include "{name}"\n' for name in names))
        objects = [str(file) for file in sorted(runtime.glob("*.o"))]
        command = _compile(verilator, compiler, trace=trace)
        output = ["-shared", "-o", str(folder / LIBRARY_NAME)]
        _run([*command, *output, f"-I{folder}", str(all_sources), *objects], compiler[0])
        for file in folder.iterdir():
            if file.name != LIBRARY_NAME:
                file.unlink()

    return cached(f"library-{key(depends)}", make) / LIBRARY_NAME


def _runtime(verilator: str, compiler: list[str], *, trace: bool) -> Path:
    """The directory of Verilator's own objects, which all libraries contain."""
    names = ["verilated.cpp", "verilated_threads.cpp"] + ["verilated_vcd_c.cpp"] * trace
    depends = (_version(verilator), *names, *compiler, *COMPILER_OPTIONS)

    def make(folder: Path) -> None:
        command = _compile(verilator, compiler, trace=trace)
        for name in names:
            source = _include(verilator) / name
            output = str(folder / f"{source.stem}.o")
            _run([*command, "-c", "-o", output, str(source)], compiler[0])

    return cached(f"runtime-{key(depends)}", make)


def _compile(verilator: str, compiler: list[str], *, trace: bool) -> list[str]:
    include = _include(verilator)
    paths = [f"-I{include}", f"-I{include / 'vltstd'}"]
    definitions = [f"-DVM_TRACE={int(trace)}", "-DVM_SC=0", "-DVL_INCLUDE_OPT=include"]
    return [*compiler, *COMPILER_OPTIONS, *paths, *definitions]


@functools.cache
def _include(verilator: str) -> Path:
    return Path(_run([verilator, "--getenv", "VERILATOR_ROOT"], "verilator").strip()) / "include"


@functools.cache
def _version(verilator: str) -> str:
    return _run([verilator, "--version"], "verilator").strip()


def _find(tool: str) -> str:
    path = shutil.which(tool)
    if path is None:
        raise ToolError(f"{tool} must be installed for the compiled engine, but is not in PATH")
    return path


def _run(command: list[str], tool: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = [line for line in (done.stderr + done.stdout).splitlines() if line.strip()]
        found = [line for line in lines if "error" in line.lower()]
        reason = (found or lines or [f"exit status {done.returncode}"])[0]
        raise ToolError(f"{tool} failed to build the compiled engine: {reason.strip()}")
    return done.stdout

"""The compiled engine's building: cached, shared, and refused in one line if it cannot be."""

import os
import re
import shutil
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from cosim import cache, verilator_build
from cosim.cache import cached
from cosim.compiled_engine import CompiledEngine
from cosim.engine import Inputs
from cosim.errors import ScenarioError, ToolError
from cosim.rtl_engine import RtlEngine
from cosim.verilog_source import count_fast, simulation_verilog
from hdl import bit_operations
from tests.cosim.test_bridge import PERIOD_PS, PORTS_CONFIG, play_network
from tests.hdl.bench import small_config


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(cache.CACHE_VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tools that were run, but for their versions."""
    run, seen = verilator_build._run, []

    def note(command: list[str], tool: str) -> str:
        if "--version" not in command and "--getenv" not in command:
            seen.append(tool)
        return run(command, tool)

    monkeypatch.setattr(verilator_build, "_run", note)
    return seen


def test_a_library_is_built_once(
    empty_cache: Path, commands: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    notes: list[str] = []
    built = verilator_build.build_library(PORTS_CONFIG, trace=False, note=notes.append)
    assert built.is_file()
    assert len(notes) == 2
    assert "verilator" in commands
    assert "g++" in commands
    commands.clear()
    assert verilator_build.build_library(PORTS_CONFIG, trace=False, note=notes.append) == built
    assert commands == []
    assert len(notes) == 2
    leftovers = [path.name for path in empty_cache.iterdir() if path.name.startswith(".")]
    assert leftovers == []
    # another option is another library, of the same Verilog
    monkeypatch.setattr(
        verilator_build, "COMPILER_OPTIONS", (*verilator_build.COMPILER_OPTIONS, "-O0")
    )
    other = verilator_build.build_library(PORTS_CONFIG, trace=False, note=notes.append)
    assert other != built
    assert notes[2:] == ["compiling the accelerator with Verilator"]


def _fill(root: str, number: int) -> str:
    os.environ[cache.CACHE_VARIABLE] = root

    def make(folder: Path) -> None:
        # whoever else is here at the same time is seen
        (Path(root) / "makers").open("a").write(f"{number}\n")
        (folder / "result").write_text(str(number))

    return (cached("thing", make) / "result").read_text()


def test_two_processes_that_want_the_same_make_it_once(tmp_path: Path) -> None:
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        results = list(pool.map(_fill, [str(tmp_path)] * 6, range(6)))
    assert len(set(results)) == 1
    assert (tmp_path / "makers").read_text().split() == [results[0]]


def test_what_fails_leaves_nothing_behind(empty_cache: Path) -> None:
    def fail(folder: Path) -> None:
        (folder / "half").write_text("")
        raise ToolError("broken")

    with pytest.raises(ToolError, match="broken"):
        cached("thing", fail)
    assert not (empty_cache / "thing").exists()
    assert cached("thing", lambda folder: None).is_dir()


def test_a_cache_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv(cache.CACHE_VARIABLE, str(tmp_path / "file"))
    with pytest.raises(ScenarioError, match=r"^SPARSE_COSIM_CACHE: .*file must be writable"):
        cached("thing", lambda folder: None)


@pytest.mark.parametrize(
    ("tools", "message"),
    [
        ((), "verilator must be installed for the compiled engine, but is not in PATH"),
        (("verilator",), "g++ must be installed for the compiled engine, but is not in PATH"),
    ],
)
def test_missing_tools(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tools: tuple[str, ...], message: str
) -> None:
    for tool in tools:
        found = shutil.which(tool)
        assert found is not None
        (tmp_path / tool).symlink_to(found)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolError, match=re.escape(message)):
        CompiledEngine(PORTS_CONFIG, PERIOD_PS)


@pytest.mark.parametrize(
    ("name", "options"),
    [("VERILATOR_OPTIONS", ("--no-such-option",)), ("COMPILER_OPTIONS", ("-fno-such-option",))],
)
def test_failing_tools(
    empty_cache: Path, monkeypatch: pytest.MonkeyPatch, name: str, options: tuple[str, ...]
) -> None:
    monkeypatch.setattr(verilator_build, name, (*getattr(verilator_build, name), *options))
    pattern = r"^(verilator|g\+\+) failed to build the compiled engine: .*no-such-option[^\n]*$"
    with pytest.raises(ToolError, match=pattern):
        CompiledEngine(PORTS_CONFIG, PERIOD_PS)
    assert not list(empty_cache.glob("library-*/*"))


def test_every_bit_operation_is_counted_fast() -> None:
    """None is left as converted; `tests/equivalence` shows that the built-ins give the same."""
    verilog = simulation_verilog(small_config(units=3))
    functions = re.findall(r"function \[.*?endfunction", verilog, re.DOTALL)
    assert len(functions) >= 3 * len(vars(bit_operations.SYNTHESIS))
    for name in vars(bit_operations.SYNTHESIS):
        assert any(f"_{name};" in function for function in functions), name
    assert all("$countones" in function and "begin" not in function for function in functions)


def test_an_unknown_function_is_left_alone() -> None:
    other = "function [6-1:0] MYHDL1_zeros;\n    input [32-1:0] vector;\nbegin\nend\nendfunction"
    assert count_fast(other) == other


def changes(file: Path, names: tuple[str, ...]) -> dict[str, list[tuple[int, int]]]:
    """Times and values of some signals in a VCD file, from the first non-zero value on."""
    codes: dict[str, str] = {}
    found: dict[str, list[tuple[int, int]]] = {name: [] for name in names}
    time_ps = 0
    for line in file.read_text().splitlines():
        words = line.split()
        if words[:1] == ["$var"] and words[4] in names:
            codes.setdefault(words[3], words[4])
        elif line.startswith("#"):
            time_ps = int(line[1:])
        elif line[:1] in "01bs" and words:
            value, code = (words[0][1:], words[1]) if line[0] in "bs" else (line[0], line[1:])
            if code in codes and re.fullmatch("[01]+", value):
                history = found[codes[code]]
                if int(value, 2) != (history[-1][1] if history else 0):
                    history.append((time_ps, int(value, 2)))
    return found


def test_waveforms_are_those_of_the_hardware(tmp_path: Path) -> None:
    """Every edge of clock, reset and handshakes at the same picosecond, gated gaps included."""
    files = {}
    for name, kind in (("rtl", RtlEngine), ("compiled", CompiledEngine)):
        files[name] = tmp_path / f"{name}.vcd"
        engine = kind(PORTS_CONFIG, PERIOD_PS, files[name])
        play_network(engine, PORTS_CONFIG, pause_ps=50_000)
        engine.close()
    text = files["compiled"].read_text()
    assert re.search(r"\$timescale\s+1ps\s+\$end", text)
    names = ("aclk", "aresetn", "interrupt")
    shown = changes(files["compiled"], names)
    assert shown == changes(files["rtl"], names)
    assert len(shown["aclk"]) > 1000
    assert len(shown["interrupt"]) >= 4
    for stream in ("s_axis_tvalid", "m_axis_tvalid", "monitor_job"):
        assert f" {stream} " in text


def test_waveforms_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"waveforms cannot be written to .*no/where\.vcd"):
        CompiledEngine(PORTS_CONFIG, PERIOD_PS, tmp_path / "no" / "where.vcd")


def test_several_at_once_do_not_know_of_each_other() -> None:
    engines = [CompiledEngine(PORTS_CONFIG, PERIOD_PS) for _ in range(2)]
    first, second = engines
    first.cycle(PERIOD_PS, Inputs(reset=True))
    first.cycle(2 * PERIOD_PS, Inputs(read=0))
    second.cycle(PERIOD_PS, Inputs(reset=True))
    assert first.cycle(3 * PERIOD_PS, Inputs()).read_data is not None
    assert second.cycle(2 * PERIOD_PS, Inputs()).read_data is None
    for engine in engines:
        engine.close()

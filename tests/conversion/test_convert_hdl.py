"""The command line that emits HDL: files in compile order, one clear line for what it cannot do."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from hdl.config import AcceleratorConfig
from hdl.convert import convert

ROOT = Path(__file__).parents[2]


def convert_hdl(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "scripts/convert_hdl.py", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("language", "names"),
    [("vhdl", ["pck_myhdl_011.vhd", "accelerator.vhd"]), ("verilog", ["accelerator.v"])],
)
def test_prints_the_files_it_wrote(language: str, names: list[str], tmp_path: Path) -> None:
    out = tmp_path / "new" / "folder"
    done = convert_hdl(
        "--accelerator", "dense", "--units", "2", "--language", language, "--out", out
    )
    assert (done.returncode, done.stderr) == (0, "")
    files = [Path(line) for line in done.stdout.splitlines()]
    assert files == [out / name for name in names]
    assert all(file.stat().st_size for file in files)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--accelerator", "list", "--lookahead", "3"], "lookahead must be 1, 2 or 4, not 3"),
        (["--bits", "9"], "bits must be 8, 16 or 32, not 9"),
        (["--units", "0"], "units must be greater than or equal to 1, not 0"),
        (["--units", "65"], "units must be less than or equal to 64, not 65"),
        (["--accelerator", "sparse"], "'sparse' is not one of"),
        (["--products-per-multiplier", "2"], "products_per_multiplier must be 1, or 2 in dense"),
        (["--language", "systemc"], "'systemc' is not one of"),
        (["--unit", "8"], "No such option"),
    ],
)
def test_bad_input_gives_one_line(arguments: list[str], message: str, tmp_path: Path) -> None:
    done = convert_hdl(*arguments, "--out", tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ")
    assert message in line
    assert list(tmp_path.iterdir()) == []


def test_out_must_be_a_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = convert_hdl("--out", tmp_path / "file" / "below")
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert str(tmp_path / "file") in line


def test_out_is_required() -> None:
    done = convert_hdl()
    assert done.returncode == 2
    assert done.stderr == "error: Missing option '--out'.\n"


def test_verilog_is_the_same_each_time_and_has_no_disable(tmp_path: Path) -> None:
    """Yosys refuses `disable`, which MyHDL writes at the end of functions (`bitmap` has some)."""
    config = AcceleratorConfig(kind="bitmap", units=1)
    texts = [convert(config, "verilog", tmp_path / name)[0].read_text() for name in ("a", "b")]
    assert texts[0] == texts[1]
    assert "endfunction" in texts[0]
    assert "disable" not in texts[0]


def test_initial_values_are_events_in_system_verilog(tmp_path: Path) -> None:
    """A combinational process whose inputs never change must have run once."""
    config = AcceleratorConfig(kind="bitmap", units=1)
    (file,) = convert(config, "verilog", tmp_path)
    text = file.read_text()
    assert not re.search(r"^reg .*=", text, re.MULTILINE)
    set_later = re.findall(r"^initial (\w+) = ", text, re.MULTILINE)
    assert len(set_later) == len(set(set_later)) > 20
    processes = [match.start() for match in re.finditer(r"^always ", text, re.MULTILINE)]
    assert text.index(f"\ninitial {set_later[0]} = ") > max(processes)

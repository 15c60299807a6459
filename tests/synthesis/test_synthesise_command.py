"""The command line: figures as JSON, a table, and one clear line for what cannot be done."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SMALL = (
    "--accelerator=dense",
    "--units=1",
    "--activation-elements=1024",
    "--weight-words=256",
    "--bias-entries=256",
)


def synthesise(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "scripts/synthesise.py", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_writes_figures_and_prints_tables(tmp_path: Path) -> None:
    done = synthesise(*SMALL, "--cache", tmp_path / "cache", "--json", tmp_path / "area.json")
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "area.json").read_text())
    assert report["scope"] == "accelerator"
    assert set(report) >= {"lut", "ff", "block_ram", "dsp", "fmax_mhz", "parts", "tools", "hash"}
    assert set(report["parts"]) >= {"bus", "mac", "collector", "control", "activations"}
    assert report["core"]["scope"] == "core"
    assert report["core"]["lut"] < report["lut"]
    assert report["dsp"] == report["core"]["dsp"] == 1
    assert report["configuration"]["activation_elements"] == 1024
    for title in ("dense accelerator on ecp5", "dense core on ecp5"):
        assert title in done.stdout
    assert str(report["core"]["lut"]) in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--accelerator", "sparse"], "'sparse' is not one of"),
        (["--bits", "9"], "bits must be 8, 16 or 32, not 9"),
        (["--units", "0"], "units must be greater than or equal to 1, not 0"),
        (["--lookahead", "3"], "'3' is not one of"),
        (["--products-per-multiplier", "2"], "products_per_multiplier must be 1, or 2 in dense"),
        (["--target", "asic"], "'asic' is not one of"),
        (["--target", "xilinx", "--place-and-route"], "target must be ecp5 to place and route"),
        (["--seeds", "0"], "0 is not in the range"),
        (["--activation-elements", "1000"], "activation_elements must be a power of two, not 1000"),
        (["--list-words", "8"], "list_words must be greater than or equal to 16, not 8"),
        (["--cores-only"], "No such option"),
        (["--json", "no/such/folder/area.json"], "directory must exist to write there"),
    ],
)
def test_bad_input_gives_one_line(arguments: list[str], message: str) -> None:
    done = synthesise(*arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ")
    assert message in line


def test_cache_must_be_writable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = synthesise(*SMALL, "--cache", tmp_path / "file" / "below")
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert str(tmp_path / "file") in line

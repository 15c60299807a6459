"""The hand-off folder: what it says can be done with it is done, as it says it."""

import json
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from hdl import handoff
from hdl.config import AcceleratorConfig
from hdl.convert import Language
from hdl.example_run import ExampleRun, run_example
from hdl.handoff import write_handoff
from hdl.hierarchy import find_blocks
from scripts.example_network import make_example
from tests.conversion.harness import lint_verilog, run_tool
from tests.conversion.test_accelerator import SMALL_MEMORIES

LANGUAGES: tuple[Language, ...] = ("vhdl", "verilog")
FUSESOC = (sys.executable, "-m", "fusesoc.main", "--cores-root", ".")


@pytest.fixture(scope="module")
def run() -> ExampleRun:
    """A small accelerator; its results are the reference's."""
    config = AcceleratorConfig.model_validate({"kind": "bitmap", "units": 2, **SMALL_MEMORIES})
    example = make_example(config)
    recorded = run_example(config, example.beats, example.result_words)
    example.check(recorded.results)
    wrong = [recorded.results[0] ^ 1, *recorded.results[1:]]
    with pytest.raises(RuntimeError, match="example run must give logits"):
        example.check(wrong)
    return recorded


@pytest.fixture(scope="module")
def folders(
    run: ExampleRun, tmp_path_factory: pytest.TempPathFactory
) -> dict[Language, tuple[Path, tuple[Path, ...]]]:
    """The folder of each language, and its HDL files; not to be written to."""
    found: dict[Language, tuple[Path, tuple[Path, ...]]] = {}
    for language in LANGUAGES:
        folder = tmp_path_factory.mktemp(language) / "new"
        found[language] = folder, write_handoff(run, language, folder)
    return found


def copy_of(folder: Path, to: Path) -> Path:
    for path in folder.iterdir():
        if path.is_file():
            (to / path.name).write_bytes(path.read_bytes())
    return to


def commands(folder: Path) -> list[str]:
    """The shell commands in the README, line by line."""
    blocks = re.findall(r"```sh\n(.*?)```", (folder / "README.md").read_text(), re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]


def simulate(folder: Path) -> str:
    """What the testbench prints, started as the README says."""
    lines = [line for line in commands(folder) if not line.startswith("fusesoc")]
    done = subprocess.run(
        ["sh", "-e", "-c", "\n".join(lines)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout


@pytest.mark.parametrize("language", LANGUAGES)
def test_readme_simulates(
    folders: dict[Language, tuple[Path, tuple[Path, ...]]],
    run: ExampleRun,
    language: Language,
    tmp_path: Path,
) -> None:
    folder, files = folders[language]
    order = (folder / "compile_order.txt").read_text().splitlines()
    assert [folder / name for name in order] == list(files)
    assert simulate(copy_of(folder, tmp_path)).splitlines()[0] == f"passed {run.cycles} cycles"
    assert f"`passed {run.cycles} cycles`" in (folder / "README.md").read_text()


@pytest.mark.parametrize("language", LANGUAGES)
def test_testbench_finds_what_is_wrong(
    folders: dict[Language, tuple[Path, tuple[Path, ...]]],
    run: ExampleRun,
    language: Language,
    tmp_path: Path,
) -> None:
    """A changed vector, vectors that end early, no vectors."""
    folder = copy_of(folders[language][0], tmp_path)
    vectors = folder / "accelerator_vectors.txt"
    lines = vectors.read_text().splitlines()
    inputs, outputs = lines[100].split()
    changed = f"{inputs} {int(outputs, 16) ^ 1:0{len(outputs)}x}"
    vectors.write_text("\n".join([*lines[:100], changed, *lines[101:]]) + "\n")
    assert "cycle 100 port " in simulate(folder)
    vectors.write_text("\n".join(lines[:-7]) + "\n")
    assert f"cycle {run.cycles - 7} vectors end, of {run.cycles} cycles" in simulate(folder)
    vectors.unlink()
    assert "passed" not in simulate(folder)


@pytest.mark.parametrize("language", LANGUAGES)
def test_fusesoc(
    folders: dict[Language, tuple[Path, tuple[Path, ...]]],
    run: ExampleRun,
    language: Language,
    tmp_path: Path,
) -> None:
    folder = copy_of(folders[language][0], tmp_path)
    (line,) = [line for line in commands(folder) if line.startswith("fusesoc")]
    name, *arguments = line.split()
    assert [name, *arguments[:2]] == ["fusesoc", "--cores-root", "."]
    vlnv = arguments[-1]
    shown = run_tool(*FUSESOC, "core", "show", vlnv, directory=folder)
    assert vlnv in shown
    assert re.findall(r"^(\w+) +:", shown, re.MULTILINE) == ["default", "sim", "vivado"]
    printed = run_tool(*FUSESOC, *arguments[2:], directory=folder)
    assert f"passed {run.cycles} cycles" in printed
    run_tool(*FUSESOC, "run", "--setup", "--target", "vivado", vlnv, directory=folder)
    (project,) = [p for p in folder.rglob("*.tcl") if "set_property top" in p.read_text()]
    text = project.read_text()
    for file in (*folders[language][1], Path("accelerator_vivado.v")):
        assert f"/{file.name}" in text
    assert "set_property top accelerator_vivado " in text


def test_wrapper_fits_the_design(
    folders: dict[Language, tuple[Path, tuple[Path, ...]]], tmp_path: Path
) -> None:
    folder, files = folders["verilog"]
    lint_verilog([*files, folder / "accelerator_vivado.v"], "accelerator_vivado", tmp_path)


def test_datasheet(folders: dict[Language, tuple[Path, tuple[Path, ...]]], run: ExampleRun) -> None:
    """A page for every block, with its docstring, its ports and a waveform of them."""
    folder, _ = folders["vhdl"]
    pages = (folder / "DATASHEET.md").read_text().split("\n## ")[1:]
    blocks = find_blocks(run.blocks[0].instance)
    assert [page.splitlines()[0] for page in pages] == [block.name for block in blocks]
    drawn = set()
    for page, block in zip(pages, blocks, strict=True):
        assert block.doc in page
        for port in block.ports:
            assert f"| `{port.name}` | {port.direction} | " in page
        for link in re.findall(r"\]\((timing/\S+)\)", page):
            drawn.add(link)
            svg = folder / link
            ElementTree.parse(svg)
            wave = json.loads(svg.with_suffix(".json").read_text())
            lengths = {len(row["wave"]) for row in _rows(wave["signal"])}
            assert len(lengths) == 1
            names = {row["name"].removesuffix("[0]") for row in _rows(wave["signal"])}
            assert names <= {port.name for port in block.ports}
    svgs = {str(path.relative_to(folder)) for path in (folder / "timing").glob("*.svg")}
    assert drawn == svgs
    # what the run works on is seen to work
    assert {f"timing/{name}.svg" for name in ("accelerator", "loader", "store")} <= drawn


def _rows(signals: list) -> list[dict]:
    return [row for item in signals for row in ([item] if isinstance(item, dict) else item[1:])]


def test_documents_do_not_depend_on_the_language(
    folders: dict[Language, tuple[Path, tuple[Path, ...]]],
) -> None:
    (vhdl, _), (verilog, _) = folders["vhdl"], folders["verilog"]
    names = ["DATASHEET.md", "registers.md", "registers.h", "accelerator_vectors.txt"]
    names += [f"timing/{path.name}" for path in (vhdl / "timing").iterdir()]
    for name in names:
        assert (vhdl / name).read_bytes() == (verilog / name).read_bytes()
    assert not [path.name for path in vhdl.iterdir() if path.name.startswith(".")]


def test_over_an_older_one(
    folders: dict[Language, tuple[Path, tuple[Path, ...]]], run: ExampleRun, tmp_path: Path
) -> None:
    """The same files come out each time, over the old ones; what else is there stays."""
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "registers.h").write_text("old")
    (tmp_path / "timing").mkdir()
    write_handoff(run, "vhdl", tmp_path)
    assert (tmp_path / "notes.txt").read_text() == "mine"
    (tmp_path / "notes.txt").unlink()
    first, second = (
        {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*.*")}
        for folder in (folders["vhdl"][0], tmp_path)
    )
    assert first == second
    assert str(tmp_path.parent).encode() not in b"".join(second.values())


def test_nothing_is_left_of_a_failed_one(
    run: ExampleRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def convert(_config: object, _language: object, directory: Path) -> tuple[Path, ...]:
        (directory / "accelerator.v").write_text("module accelerator; endmodule\n")
        return (directory / "accelerator.v",)

    def fail(*_: object) -> None:
        raise RuntimeError("no datasheet")

    monkeypatch.setattr(handoff, "convert", convert)
    monkeypatch.setattr(handoff, "write_datasheet", fail)
    for out in (tmp_path, tmp_path / "new" / "folder"):
        with pytest.raises(RuntimeError, match="no datasheet"):
            write_handoff(run, "verilog", out)
        assert list(tmp_path.iterdir()) == []


def test_a_run_that_does_not_end(monkeypatch: pytest.MonkeyPatch) -> None:
    config = AcceleratorConfig.model_validate({"kind": "dense", "units": 1, **SMALL_MEMORIES})
    monkeypatch.setattr("hdl.example_run.LIMIT_CYCLES", 50)
    with pytest.raises(RuntimeError, match="example run must end within 50 cycles"):
        run_example(config, [], 1)


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("units", [1, 8, 16])
@pytest.mark.parametrize("kind", ["bitmap", "list", "dense"])
def test_every_kind(kind: str, units: int, language: Language, tmp_path: Path) -> None:
    """Default memories; the results are the reference's, the testbench passes, FuseSoC runs it."""
    config = AcceleratorConfig.model_validate({"kind": kind, "units": units})
    example = make_example(config)
    run = run_example(config, example.beats, example.result_words)
    example.check(run.results)
    write_handoff(run, language, tmp_path)
    assert simulate(tmp_path).splitlines()[0] == f"passed {run.cycles} cycles"
    (line,) = [line for line in commands(tmp_path) if line.startswith("fusesoc")]
    printed = run_tool(*FUSESOC, *line.split()[3:], directory=tmp_path)
    assert f"passed {run.cycles} cycles" in printed

"""Pages of runs, sweeps and trade-offs as the command line makes them, looked at in Chromium."""

import json
import re
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from cosim import cli
from cosim.density_map import FULLY_CONNECTED, density_map
from cosim.designs import variants
from cosim.scenario import load_board, load_scenario
from tests.system.conftest import SCENARIOS, Outcome, Small, load_script

WIDTHS = {"phone": (390, 844), "desktop": (1280, 900)}
KINDS = ("run", "pair", "estimate", "sweep", "tradeoff")


@dataclass(frozen=True)
class Made:
    """Files of each kind, and the page made of each."""

    folder: Path

    def source(self, kind: str) -> Path:
        names = {"sweep": "sweep.sqlite", "pair": "run.json"}
        return self.folder / names.get(kind, f"{kind}.json")

    def page(self, kind: str) -> Path:
        return self.folder / f"{kind}.html"


def call(script: str, command: str, *arguments: object) -> None:
    status = cli.main(getattr(load_script(script), command), [str(each) for each in arguments])
    assert status == 0, arguments


def write_report(*arguments: object) -> int:
    command = load_script("report").write_report
    return cli.main(command, [str(argument) for argument in arguments])


def write_tradeoff(small: Small, path: Path) -> None:
    """A small network's contenders on two boards, and a coarse density map."""
    call(
        "tradeoff", "tradeoff", small.scenario, "--network", small.network, "--board", "zynq7020",
        "--board", "ecp5-25", "--bits", 8, "--engine", "estimate", "--json", path, "--quiet",
    )  # fmt: skip
    data = json.loads(path.read_text())
    board = load_board("zynq7020")
    assert board.fpga is not None
    known = variants(8, board.fpga.family)
    data["density_map"] = density_map(
        load_scenario(SCENARIOS / "lenet300-list.toml"),
        board,
        FULLY_CONNECTED,
        8,
        [variant for variant in known if variant.kind == "list"][:1],
        [variant for variant in known if variant.kind == "dense"][:1],
        (0.1, 0.3, 1.0),
        (0.2, 1.0),
    )
    path.write_text(json.dumps(data))


@pytest.fixture(scope="module")
def made(small: Small, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """All kinds of files, from the commands that write them."""
    files = Made(tmp_path_factory.mktemp("pages"))
    for name, engine, kind in (
        ("run", "fast", "list"), ("other", "fast", "dense"), ("estimate", "estimate", "bitmap"),
    ):  # fmt: skip
        call(
            "run_scenario", "run_scenario", small.scenario, "--engine", engine, "--accelerator",
            kind, "--json", files.folder / f"{name}.json", "--quiet",
        )  # fmt: skip
    sweep = files.folder / "sweep.toml"
    sweep.write_text(
        f'scenario = "{small.scenario}"\n[set]\nrun.engine = "estimate"\n'
        '[[axes]]\nkey = "accelerator.kind"\nvalues = ["list", "dense"]\n'
        '[[axes]]\nkey = "accelerator.units"\nvalues = [1, 2, 4]\n'
        '[[axes]]\nkey = "board.dma.burst_beats"\nvalues = [16, 32]\n'
    )
    store = files.source("sweep")
    call("sweep", "sweep_scenarios", sweep, "--out", store, "--jobs", 1, "--quiet")
    write_tradeoff(small, files.source("tradeoff"))
    for kind in KINDS:
        more = ("--compare", files.folder / "other.json") if kind == "pair" else ()
        assert write_report(files.source(kind), "--out", files.page(kind), *more) == 0
    return files


@dataclass
class Opened:
    """A page in the browser, and what went wrong while it loaded."""

    page: Page
    complaints: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = shutil.which("chromium")
    assert path is not None, "chromium must be installed: scripts/install_tools.sh"
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path)
        yield started
        started.close()


def open_page(browser: Browser, file: Path, width: str, scheme: Any) -> Opened:
    """Opens a file without a network."""
    across, down = WIDTHS[width]
    context = browser.new_context(
        viewport={"width": across, "height": down}, color_scheme=scheme, offline=True
    )
    opened = Opened(context.new_page())
    opened.page.on("console", lambda message: opened.complaints.append(message.text))
    opened.page.on("pageerror", lambda error: opened.complaints.append(str(error)))
    opened.page.on(
        "request",
        lambda request: (
            None
            if request.url.startswith(("file:", "data:"))
            else opened.complaints.append(request.url)
        ),
    )
    opened.page.goto(file.as_uri())
    return opened


FIGURES = """
() => [...document.querySelectorAll("figure")].map(figure => {
  const shown = [...figure.querySelectorAll("svg")].filter(svg => svg.checkVisibility());
  const outer = shown[0].getBoundingClientRect();
  const scale = outer.width / shown[0].viewBox.baseVal.width;
  const texts = [...shown[0].querySelectorAll("text")];
  const outside = texts.filter(text => {
    const inner = text.getBoundingClientRect();
    return inner.left < outer.left - 3 || inner.right > outer.right + 3
      || inner.top < outer.top - 3 || inner.bottom > outer.bottom + 3;
  });
  return {
    name: figure.id,
    shown: shown.length,
    width: outer.width,
    height: outer.height,
    smallest: Math.min(...texts.map(text => scale * parseFloat(getComputedStyle(text).fontSize))),
    outside: outside.map(text => text.textContent),
  };
})
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", list(WIDTHS))
@pytest.mark.parametrize("kind", KINDS)
def test_page_in_the_browser(
    browser: Browser, made: Made, kind: str, width: str, scheme: str
) -> None:
    opened = open_page(browser, made.page(kind), width, scheme)
    page = opened.page
    assert opened.complaints == []
    across = WIDTHS[width][0]
    assert page.evaluate("document.documentElement.scrollWidth") <= across
    figures = page.evaluate(FIGURES)
    assert len(figures) >= 2
    for figure in figures:
        assert figure["shown"] == 1, figure
        assert across >= figure["width"] > 300, figure
        assert figure["height"] > 60, figure
        assert figure["smallest"] >= 8.5, figure
        assert figure["outside"] == [], figure
    # tables that are too wide scroll in their own box
    assert page.evaluate(
        "[...document.querySelectorAll('.scroll')].every(box => box.clientWidth <= innerWidth)"
    )
    page.evaluate("document.querySelectorAll('details').forEach(part => { part.open = true })")
    assert page.evaluate("document.documentElement.scrollWidth") <= across
    colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (colour == "rgb(255, 255, 255)") == (scheme == "light")
    assert page.locator("header .answer").inner_text().strip().endswith(".")
    page.context.close()


def test_bars_change_colour_with_the_scheme(browser: Browser, made: Made) -> None:
    fills = []
    for scheme in ("light", "dark"):
        page = open_page(browser, made.page("run"), "desktop", scheme).page
        fills.append(
            page.evaluate(
                "[...document.querySelectorAll('#breakdown .wide path')]"
                ".map(path => getComputedStyle(path).fill)"
            )
        )
        page.context.close()
    assert "rgb(34, 136, 51)" in fills[0]
    assert "rgb(34, 136, 51)" not in fills[1]


@pytest.mark.parametrize("kind", KINDS)
def test_page_needs_nothing_else(made: Made, kind: str) -> None:
    text = made.page(kind).read_text()
    links = set(re.findall(r'(?:src|href)="([^"]*)"', text))
    assert {link for link in links if not link.startswith(("#", "data:"))} == set()
    addresses = set(re.findall(r"https?://[^\s\"'<>)]+", text))
    assert addresses <= {"http://www.w3.org/1999/xlink", "http://www.w3.org/2000/svg"}
    ids = re.findall(r'\bid="([^"]+)"', text)
    assert len(ids) == len(set(ids))


def test_answer_and_tables_say_what_the_run_says(made: Made) -> None:
    report, other = (
        json.loads((made.folder / name).read_text()) for name in ("run.json", "other.json")
    )
    text = made.page("pair").read_text()
    assert f"{report['latency_ns']['mean'] / 1000:.1f} µs an image on zynq7020" in text
    ratio = other["latency_ns"]["mean"] / report["latency_ns"]["mean"]
    assert f"{ratio:.2f} times faster than dense x2" in text
    for layer in report["layers"]:
        useful = layer["macs_useful"] / report["units"] / report["images"]
        cycles = layer["cycles"] / report["images"]
        assert f'<td class="number">{cycles - useful:,.0f}</td>' in text
    assert "constant of the gem5-Aladdin model, never measured on a board" in text


def test_estimates_say_so(made: Made) -> None:
    text = made.page("estimate").read_text()
    assert "is estimated to take" in text
    assert "There is none: estimates simulate nothing." in text


def test_sweep_shows_what_failed_and_what_decides(made: Made) -> None:
    text = made.page("sweep").read_text()
    with sqlite3.connect(made.source("sweep")) as store:
        failed = store.execute("SELECT COUNT(*) FROM points WHERE status = 'failed'").fetchone()[0]
    assert failed > 0
    assert f"{failed} failed" in text
    assert "What failed" in text
    assert "accelerator.units" in text


def test_figures_as_files(made: Made, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    assert write_report(made.source("run"), "--out", page, "--figures", tmp_path) == 0
    drawn = set(re.findall(r'<figure id="([^"]+)"', page.read_text()))
    assert {file.stem for file in tmp_path.glob("*.svg")} == drawn
    assert {file.stem for file in tmp_path.glob("*.png")} == drawn
    for name in drawn:
        assert (tmp_path / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        assert "var(--" not in (tmp_path / f"{name}.svg").read_text()


def test_the_same_file_gives_the_same_page(made: Made, tmp_path: Path) -> None:
    assert write_report(made.source("run"), "--out", tmp_path / "again.html") == 0
    assert (tmp_path / "again.html").read_bytes() == made.page("run").read_bytes()


def test_wrong_input_is_one_line(
    made: Made, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "broken.json"
    broken.write_text("{")
    newer = tmp_path / "newer.json"
    newer.write_text('{"schema": 7, "kind": "tradeoff"}')
    database = tmp_path / "other.sqlite"
    with sqlite3.connect(database) as connection:
        connection.execute("CREATE TABLE something (name TEXT)")
    older = tmp_path / "older.json"
    older.write_text('{"schema": 1}')
    report = json.loads(made.source("run").read_text())
    report["layers"][0]["cycles"] = "many"
    wrong = tmp_path / "wrong.json"
    wrong.write_text(json.dumps(report))
    map_file = tmp_path / "map.json"
    data = json.loads(made.source("tradeoff").read_text())
    del data["density_map"][0]["ratio"][0]
    map_file.write_text(json.dumps(data))
    out = tmp_path / "page.html"
    run, store = made.source("run"), made.source("sweep")
    for arguments, message in (
        ([broken], "must be the JSON of a run or a trade-off, or a sweep store"),
        ([newer], "must be a trade-off of schema 1, not 7"),
        ([older], "older.json: key estimated is missing"),
        ([wrong], "layers.0.cycles must be a valid number, not 'many'"),
        ([map_file], "ratio must be 3 lists of 2 numbers"),
        ([database], "must be a sweep store"),
        ([tmp_path / "missing.json"], "cannot be read"),
        ([run, "--compare", store], "must be the JSON of a run to compare with"),
        ([store, "--compare", run], "must be the JSON of a run for --compare"),
        ([run, "--figures", tmp_path / "nowhere"], "must be a directory"),
    ):
        capfd.readouterr()
        outcome = Outcome(write_report(*arguments, "--out", out), *capfd.readouterr())
        assert outcome.status == 2
        assert message in outcome.stderr
        assert len(outcome.stderr.splitlines()) == 1
        assert not out.exists()

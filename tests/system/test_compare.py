"""Runs side by side, in a table and in a figure."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from cosim import cli
from tests.system.conftest import Outcome, RunToJson, Small, load_script

Compare = Callable[..., Outcome]


@pytest.fixture
def compare(capfd: pytest.CaptureFixture[str]) -> Compare:
    command = load_script("compare").compare_runs

    def run(*arguments: object) -> Outcome:
        capfd.readouterr()
        status = cli.main(command, [str(argument) for argument in arguments])
        return Outcome(status, *capfd.readouterr())

    return run


@pytest.fixture
def results(run_to_json: RunToJson, small: Small, tmp_path: Path) -> list[Path]:
    paths = []
    for accelerator in ("bitmap", "dense"):
        report = run_to_json(small.scenario, "--images", 1, "--accelerator", accelerator)
        paths.append(tmp_path / f"{accelerator}.json")
        paths[-1].write_text(json.dumps(report))
    return paths


def test_table_and_figure(compare: Compare, results: list[Path], tmp_path: Path) -> None:
    for suffix, start in (("png", b"\x89PNG"), ("svg", b"<?xml")):
        figure = tmp_path / f"figure.{suffix}"
        outcome = compare(*results, "--figure", figure)
        assert outcome.status == 0
        assert outcome.stderr == ""
        assert figure.read_bytes().startswith(start)
    bitmap, dense = (json.loads(path.read_text()) for path in results)
    speed_up = dense["latency_ns"]["total"] / bitmap["latency_ns"]["total"]
    lines = [line for line in outcome.stdout.splitlines() if "speed-up" in line]
    assert f"{speed_up:.2f}" in lines[0]
    for layer in bitmap["layers"]:
        assert any(layer["name"] in line for line in outcome.stdout.splitlines())


def test_wrong_input_is_one_line(compare: Compare, results: list[Path], tmp_path: Path) -> None:
    broken = tmp_path / "broken.json"
    broken.write_text("{")
    other = tmp_path / "other.json"
    other.write_text('{"schema": 7}')
    for arguments, message in (
        ([], "Missing argument"),
        (results[:1], "runs to compare must be two or more, not 1"),
        ([*results, broken], "broken.json: must be the JSON of a run"),
        ([*results, other], "other.json: must be the JSON of a run, schema 1, not 7"),
        ([*results, tmp_path / "none.json"], "none.json: cannot be read"),
        ([*results, "--figure", tmp_path / "x.gif"], "figure must be one of .png, .svg, .pdf"),
        ([*results, "--figure", tmp_path / "none" / "x.png"], "directory must exist"),
    ):
        outcome = compare(*arguments)
        assert outcome.status == 2
        assert outcome.stdout == ""
        assert outcome.stderr.startswith("error: ")
        assert outcome.stderr.count("\n") == 1
        assert message in outcome.stderr
    assert not list(tmp_path.glob("*.png"))

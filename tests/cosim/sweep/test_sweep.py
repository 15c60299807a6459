"""Sweeps into a store: what is there is not run again, what fails or dies costs itself only."""

import os
import signal
import sqlite3
from pathlib import Path

import pytest

from cosim.errors import Interrupted, ScenarioError, ToolError
from cosim.evaluate import evaluate
from cosim.scenario import load_scenario
from cosim.sweep import point as point_module
from cosim.sweep import workers
from cosim.sweep.keys import point_key
from cosim.sweep.plan import Plan
from cosim.sweep.point import Outcome, run_point
from cosim.sweep.store import Store, StoredPoint, read_points
from cosim.sweep.sweep import Tally, run_sweep
from tests.cosim.sweep.conftest import LATENCIES, UNITS, WritePlan


def run(plan: Plan, path: Path, **options: object) -> Tally:
    with Store(path) as store:
        return run_sweep(plan, store, **({"jobs": 1} | options))  # type: ignore[arg-type]


def test_points_are_those_of_single_runs(write_plan: WritePlan, tmp_path: Path) -> None:
    plan = write_plan(UNITS + LATENCIES)
    assert run(plan, tmp_path / "a.sqlite") == Tally(12, 0, 12, 0)
    stored = list(read_points(tmp_path / "a.sqlite"))
    assert [point.settings for point in stored] == [point.settings for point in plan.points]
    for planned, point in zip(plan.points, stored, strict=True):
        assert planned.scenario is not None
        expected = evaluate(planned.scenario)
        assert point.report is not None
        assert point.report | {"wall_s": 0} == expected | {"wall_s": 0}
        assert (point.sweep, point.status, point.error) == ("sweep", "done", None)
        assert point.key == point_key(planned.scenario)


def test_two_processes_store_the_same(write_plan: WritePlan, tmp_path: Path) -> None:
    plan = write_plan(UNITS)
    run(plan, tmp_path / "one.sqlite")
    assert run(plan, tmp_path / "two.sqlite", jobs=2) == Tally(3, 0, 3, 0)

    def results(name: str) -> dict[str, object]:
        points = read_points(tmp_path / name)
        return {p.key: (p.report or {}) | {"wall_s": 0} for p in points}

    assert results("one.sqlite") == results("two.sqlite")


def test_an_interrupted_sweep_goes_on(
    write_plan: WritePlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, path = write_plan(UNITS + LATENCIES), tmp_path / "a.sqlite"
    ran: list[str] = []

    def counted(key: str, scenario: str) -> Outcome:
        ran.append(key)
        if len(ran) == 6:
            raise KeyboardInterrupt
        return run_point(key, scenario)

    monkeypatch.setattr(workers, "run_point", counted)
    with pytest.raises(Interrupted, match="after 5 of 12 points"):
        run(plan, path)
    before = {point.key: point for point in read_points(path)}
    assert list(before) == ran[:5]
    assert run(plan, path) == Tally(12, 5, 7, 0)
    assert sorted(ran) == sorted([*{*ran}, ran[5]])
    after = {point.key: point for point in read_points(path)}
    assert after | before == after
    assert run(plan, path) == Tally(12, 12, 0, 0)


def test_a_point_that_fails_is_stored_with_its_line(write_plan: WritePlan, tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    plan = write_plan(
        '[[axes]]\nkey = "host.timeout_us"\nvalues = [100.0, 5000.0]\n'
        '[[axes]]\nkey = "board.memory.read_latency_ns"\nvalues = [200.0, 1e6]\n'
        '[[axes]]\nkey = "accelerator.bias_entries"\nvalues = [1024, 1000]\n'
    )
    assert run(plan, path) == Tally(8, 0, 8, 5)
    failed = [point for point in read_points(path) if point.status == "failed"]
    assert all(point.report is None for point in failed)
    assert all(point.error and "\n" not in point.error for point in failed)
    powers = [point for point in failed if "must be a power of two, not 1000" in str(point.error)]
    timeouts = [point for point in failed if str(point.error).startswith("timeout at ")]
    assert (len(powers), len(timeouts)) == (4, 1)
    assert run(plan, path) == Tally(8, 8, 0, 5)
    assert run(plan, path, retry=True) == Tally(8, 3, 5, 5)


def test_an_error_of_ours_fails_the_point_too(
    write_plan: WritePlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: object) -> dict[str, object]:
        raise ValueError("two\nlines")

    monkeypatch.setattr(point_module, "evaluate", broken)
    assert run(write_plan(UNITS), tmp_path / "a.sqlite") == Tally(3, 0, 3, 3)
    errors = {point.error for point in read_points(tmp_path / "a.sqlite")}
    assert errors == {"ValueError: two lines"}


def test_a_process_that_dies_takes_its_own_point_only(
    write_plan: WritePlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, path = write_plan(UNITS + LATENCIES), tmp_path / "a.sqlite"
    scenario = plan.points[4].scenario
    assert scenario is not None
    deadly = point_key(scenario)

    def deadly_point(key: str, text: str) -> Outcome:
        if key == deadly:
            os.kill(os.getpid(), signal.SIGKILL)
        return run_point(key, text)

    monkeypatch.setattr(workers, "run_point", deadly_point)
    assert run(plan, path, jobs=2) == Tally(12, 0, 12, 1)
    (failed,) = (point for point in read_points(path) if point.status == "failed")
    assert (failed.key, failed.error) == (deadly, workers.LOST)


def test_a_worker_with_other_files_is_refused(write_plan: WritePlan, scenario: Path) -> None:
    point = write_plan(UNITS).points[0].scenario
    assert point is not None
    key = point_key(point)
    (scenario.parent / "images.npz").unlink()
    with pytest.raises(ToolError, match="worker must have the code and the files of the sweep"):
        run_point(key, point.model_dump_json())


def test_keys_depend_on_what_is_in_files_and_not_on_where_they_are(
    scenario: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = load_scenario(scenario)
    network = scenario.parent / "tiny.onnx"
    copy = scenario.parent / "copy"
    copy.mkdir()
    for name in ("tiny.toml", "tiny.onnx", "images.npz"):
        (copy / name).write_bytes((scenario.parent / name).read_bytes())
    key = point_key(first)
    assert point_key(load_scenario(copy / "tiny.toml")) == key
    assert point_key(load_scenario(scenario, changes={"host.timeout_us": 1.0})) != key
    images = scenario.parent / "images.npz"
    before = images.read_bytes()
    images.write_bytes(before + b" ")
    assert point_key(first) != key
    images.write_bytes(before)
    network.write_bytes(network.read_bytes() + b" ")
    assert point_key(first) != key
    monkeypatch.setattr("cosim.sweep.keys.code_version", lambda: "other code")
    assert point_key(load_scenario(copy / "tiny.toml")) != key


def test_readers_see_the_newest_of_the_same_settings(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    points = [
        StoredPoint(key, "s", {"a": value}, "failed", None, key, 0.5, "code")
        for key, value in (("k1", 1), ("k2", 2), ("k3", 1))
    ]
    with Store(path) as store:
        for point in points:
            store.put(point)
    assert list(read_points(path)) == points[1:]
    assert list(read_points(path, newest=False)) == points


def test_what_is_no_store_is_left_alone(tmp_path: Path) -> None:
    text, other = tmp_path / "text.sqlite", tmp_path / "other.sqlite"
    text.write_text("not a database, but long enough to look at it " * 30)
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE things (a)")
    before = {path: path.read_bytes() for path in (text, other)}
    for path in (text, other):
        with pytest.raises(ScenarioError, match="must be a sweep store"):
            Store(path)
        with pytest.raises(ScenarioError, match="must be a sweep store"):
            list(read_points(path))
    assert {path: path.read_bytes() for path in (text, other)} == before
    with pytest.raises(ScenarioError, match="not found"):
        list(read_points(tmp_path / "none.sqlite"))
    with pytest.raises(ScenarioError, match="directory must exist"):
        Store(tmp_path / "none" / "a.sqlite")


def test_a_store_without_points_is_not_left_behind(tmp_path: Path) -> None:
    with Store(tmp_path / "a.sqlite"):
        pass
    assert list(tmp_path.iterdir()) == []

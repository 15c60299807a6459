"""The sweep command as a user calls it, and ends it."""

import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cosim import cli
from cosim.sweep.store import StoredPoint, read_points
from tests.system.conftest import SCRIPTS, Small, load_script

POINTS = 24

WAIT_S = 120


@pytest.fixture
def sweep(small: Small, tmp_path: Path) -> Path:
    """A sweep file of the small network."""
    file = tmp_path / "latency.toml"
    file.write_text(
        f'scenario = "{small.scenario}"\nset.run.engine = "fast"\nset.input.images = 4\n[[axes]]\n'
        f'key = "board.memory.read_latency_ns"\nlow = 100.0\nhigh = 300.0\nsteps = {POINTS}\n'
    )
    return file


def command(sweep: Path, store: Path, *options: str) -> list[str]:
    return [sys.executable, str(SCRIPTS / "sweep.py"), str(sweep), "--out", str(store), *options]


def wait_for_points(process: subprocess.Popen[str], store: Path, points: int) -> None:
    """Until as many are in the store."""
    for _ in range(WAIT_S * 50):
        if process.poll() is not None:
            break
        try:
            with sqlite3.connect(f"file:{store}?mode=ro", uri=True) as connection:
                if connection.execute("SELECT COUNT(*) FROM points").fetchone()[0] >= points:
                    return
        except sqlite3.Error:
            pass  # not there yet
        time.sleep(0.02)
    raise AssertionError(f"{points} points must be there: {process.communicate()}")


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL], ids=["interrupt", "kill"])
def test_an_ended_sweep_goes_on_where_it_was(sweep: Path, tmp_path: Path, end: int) -> None:
    store = tmp_path / "points.sqlite"
    process = subprocess.Popen(
        command(sweep, store, "--jobs", "2"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    wait_for_points(process, store, 2)
    process.send_signal(end)
    _, errors = process.communicate(timeout=WAIT_S)
    before = list(read_points(store))
    assert 2 <= len(before) < POINTS
    if end == signal.SIGINT:
        assert process.returncode == cli.INTERRUPTED
        assert errors == (
            f"interrupted after {len(before)} of {POINTS} points, all in {store}; "
            "the same command goes on from there\n"
        )
    again = subprocess.run(
        command(sweep, store, "--jobs", "2"), capture_output=True, text=True, timeout=WAIT_S
    )
    assert (again.returncode, again.stderr) == (0, "")
    assert again.stdout == (
        f"{POINTS} points in {store}: {POINTS - len(before)} run now, "
        f"{len(before)} there already, 0 failed\n"
    )
    after = list(read_points(store))
    assert after[: len(before)] == before
    assert len({point.key for point in after}) == POINTS


def test_failures_are_listed(small: Small, tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    file, store = tmp_path / "some.toml", tmp_path / "points.sqlite"
    file.write_text(
        f'scenario = "{small.scenario}"\nset.run.engine = "fast"\n[[axes]]\n'
        'key = "host.timeout_us"\nvalues = [0.1, 5000.0]\n'
    )
    script = load_script("sweep")
    arguments = [str(file), "--out", str(store), "--jobs", "1"]
    assert cli.main(script.sweep_scenarios, arguments) == 0
    out, err = capfd.readouterr()
    assert err == ""
    first, second = out.splitlines()
    assert first == f"2 points in {store}: 2 run now, 0 there already, 1 failed"
    assert second.startswith("failed: host.timeout_us=0.1: timeout at ")
    failed, done = read_points(store)
    assert (failed.status, done.status) == ("failed", "done")
    assert isinstance(done, StoredPoint)
    assert done.report is not None
    assert done.report["images"] == 2
    assert cli.main(script.sweep_scenarios, [*arguments, "--quiet"]) == 0
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none.toml"], "none.toml: cannot be read (No such file or directory)"),
        (["--out", "none/a.sqlite"], "none/a.sqlite: directory must exist to write there"),
        (["--jobs", "2", "--cluster", "tcp://a:1"], "--jobs must not be given with --cluster"),
        (["--jobs", "0"], "Invalid value for '--jobs': 0 is not in the range x>=1"),
        (["--set", "run.engin=fast"], "unknown key run.engin; did you mean 'engine'?"),
        (["--cluster", "nowhere"], "no Dask scheduler answers at nowhere"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_use_in_one_line(
    sweep: Path,
    tmp_path: Path,
    capfd: pytest.CaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.iterdir())
    files = [] if arguments[0].endswith(".toml") else [str(sweep)]
    monkeypatch.setattr("cosim.sweep.workers.CONNECT_S", 0.5)
    assert cli.main(load_script("sweep").sweep_scenarios, [*files, *arguments]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert message in err
    assert sorted(tmp_path.iterdir()) == before

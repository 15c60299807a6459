"""Sweeps on a real Dask scheduler with two workers on this machine."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from distributed import Client

from cosim.errors import ToolError
from cosim.sweep import workers
from cosim.sweep.keys import point_key
from cosim.sweep.point import Outcome, run_point
from cosim.sweep.store import Store, read_points
from cosim.sweep.sweep import Tally, run_sweep
from tests.cosim.sweep.conftest import LATENCIES, UNITS, WritePlan

ROOT = Path(__file__).parents[3]

START_S = 60


class Cluster:
    """A scheduler, its address, and the processes of its workers."""

    def __init__(self, folder: Path, stack: ExitStack, *worker_options: str) -> None:
        self._stack = stack
        self._environment = os.environ | {
            "PYTHONPATH": str(ROOT),
            "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "1",
        }
        file = folder / "scheduler.json"
        self.scheduler = self._start(
            "scheduler", "--host", "127.0.0.1", "--port", "0", "--scheduler-file", file
        )
        self.workers = [
            self._start("worker", "--scheduler-file", file, "--nthreads", "1", *worker_options)
            for _ in range(2)
        ]
        with Client(scheduler_file=str(file), timeout=START_S, set_as_default=False) as client:
            client.wait_for_workers(2, timeout=START_S)
            self.address = client.scheduler.address

    def wait_until(self, condition: Callable[[Client], bool]) -> None:
        """Ask the scheduler until `condition` holds."""
        end = time.monotonic() + START_S
        with Client(self.address, timeout=START_S, set_as_default=False) as client:
            while not condition(client):
                assert time.monotonic() < end, "the scheduler never came to it"

    def _start(self, *arguments: object) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "dask", *map(str, arguments), "--no-dashboard"]
        process = subprocess.Popen(
            command, env=self._environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self._stack.callback(process.wait)
        self._stack.callback(process.terminate)
        return process


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Cluster]]:
    with ExitStack() as stack:
        yield lambda *options: Cluster(tmp_path, stack, *options)


@pytest.mark.parametrize("idle", [False, True])
def test_nothing_is_lost_with_a_worker(
    write_plan: WritePlan, tmp_path: Path, start: Callable[..., Cluster], idle: bool
) -> None:
    """One of two workers is killed when a third of the points is there.

    Or, if `idle`, when all points have been run, two thirds of them not yet taken up.
    """
    plan, cluster = write_plan(UNITS + LATENCIES), start("--no-nanny")
    with Store(tmp_path / "local.sqlite") as store:
        run_sweep(plan, store, jobs=1)
    killed = cluster.workers[0]

    def kill_one(done: int, failed: int, total: int) -> None:
        if done == total // 3:
            if idle:
                cluster.wait_until(lambda client: not any(client.processing().values()))
            killed.send_signal(signal.SIGKILL)
            killed.wait()
            cluster.wait_until(lambda client: len(client.scheduler_info()["workers"]) == 1)

    with Store(tmp_path / "cluster.sqlite") as store:
        tally = run_sweep(plan, store, jobs=1, cluster=cluster.address, progress=kill_one)
    assert killed.returncode == -signal.SIGKILL
    assert tally == Tally(12, 0, 12, 0)
    found, expected = (
        {p.key: (p.report or {}) | {"wall_s": 0} for p in read_points(tmp_path / f"{name}.sqlite")}
        for name in ("cluster", "local")
    )
    assert found == expected


def test_a_point_that_kills_its_workers_fails_by_itself(
    write_plan: WritePlan,
    tmp_path: Path,
    start: Callable[..., Cluster],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nannies start workers again; the scheduler gives a point up that has cost two of them."""
    plan, cluster = write_plan(UNITS), start("--nanny")
    assert plan.points[1].scenario is not None
    deadly = point_key(plan.points[1].scenario)

    def deadly_point(key: str, text: str) -> Outcome:
        if key == deadly:
            os.kill(os.getpid(), signal.SIGKILL)
        return run_point(key, text)

    monkeypatch.setattr(workers, "run_point", deadly_point)
    with Store(tmp_path / "a.sqlite") as store:
        tally = run_sweep(plan, store, jobs=1, cluster=cluster.address)
    assert tally == Tally(3, 0, 3, 1)
    (failed,) = (p for p in read_points(tmp_path / "a.sqlite") if p.status == "failed")
    assert (failed.key, failed.error) == (deadly, workers.LOST)


def test_a_lost_scheduler_in_one_line(
    write_plan: WritePlan, tmp_path: Path, start: Callable[..., Cluster]
) -> None:
    plan, cluster = write_plan(UNITS + LATENCIES), start("--no-nanny")
    with (
        pytest.raises(ToolError, match=f"^the Dask scheduler at {cluster.address} was lost$"),
        Store(tmp_path / "a.sqlite") as store,
    ):
        run_sweep(
            plan,
            store,
            jobs=1,
            cluster=cluster.address,
            progress=lambda done, failed, total: cluster.scheduler.kill(),
        )


def test_no_scheduler_in_one_line(
    write_plan: WritePlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "CONNECT_S", 0.5)
    with (
        pytest.raises(ToolError, match=r"no Dask scheduler answers at tcp://127.0.0.1:1 \("),
        Store(tmp_path / "a.sqlite") as store,
    ):
        run_sweep(write_plan(UNITS), store, jobs=1, cluster="tcp://127.0.0.1:1")
    assert not (tmp_path / "a.sqlite").exists()

"""How many points of a sweep a second, on one process and on two: LeNet-300, `fast` engine.

Processes have run a point before the clock starts, so that compilation is not counted.
"""

from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from cosim.sweep.plan import Plan, load_plan
from cosim.sweep.store import Store
from cosim.sweep.sweep import run_sweep

SCENARIO = Path(__file__).parents[1] / "scripts" / "scenarios" / "lenet300-list.toml"
POINTS = 40


def plan(folder: Path, points: int, low_ns: float, high_ns: float) -> Plan:
    file = folder / "sweep.toml"
    file.write_text(
        f'scenario = "{SCENARIO}"\nset.run.engine = "fast"\n[[axes]]\n'
        f'key = "board.memory.read_latency_ns"\nlow = {low_ns}\nhigh = {high_ns}\n'
        f"steps = {points}\n"
    )
    return load_plan(file)


@pytest.mark.parametrize("jobs", [1, 2])
def test_points(benchmark: BenchmarkFixture, tmp_path: Path, jobs: int) -> None:
    with Store(tmp_path / "points.sqlite") as store:
        run_sweep(plan(tmp_path, 4 * jobs, 50.0, 60.0), store, jobs=jobs)
        sweep = plan(tmp_path, POINTS, 100.0, 400.0)
        tally = benchmark.pedantic(run_sweep, (sweep, store), {"jobs": jobs}, rounds=1)
    assert (tally.run, tally.failed) == (POINTS, 0)
    benchmark.extra_info["points_per_s"] = round(POINTS / benchmark.stats.stats.mean, 2)

"""How fast each engine simulates one LeNet-5 inference, bridge and SimPy system included."""

import time
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from cosim.run import execute, prepare
from cosim.scenario import load_scenario

SCENARIOS = Path(__file__).parents[1] / "scripts" / "scenarios"

cycles_per_s: dict[tuple[str, str], float] = {}
"""Of each kind and engine, in processor time, which other work on the machine disturbs less."""


@pytest.mark.parametrize("kind", ["bitmap", "list", "dense"])
@pytest.mark.parametrize("engine", ["rtl", "compiled"])
def test_lenet5(benchmark: BenchmarkFixture, kind: str, engine: str) -> None:
    """The same run for every engine, set-up of weights included; the build is not timed."""
    changes = {"input.images": 1, "run.engine": engine}
    prepared = prepare(load_scenario(SCENARIOS / f"lenet5-{kind}.toml", changes=changes))
    if engine == "compiled":
        execute(prepared)
    rounds = 1 if engine == "rtl" else 5
    start_s = time.process_time()
    run = benchmark.pedantic(execute, args=(prepared,), rounds=rounds)
    rate = run.record.active_cycles * rounds / (time.process_time() - start_s)
    cycles_per_s[kind, engine] = rate
    benchmark.extra_info["cycles"] = run.record.active_cycles
    benchmark.extra_info["kcycles_per_s"] = round(rate / 1000, 2)
    if (kind, "rtl") in cycles_per_s:
        benchmark.extra_info["ratio_to_rtl"] = round(rate / cycles_per_s[kind, "rtl"], 1)

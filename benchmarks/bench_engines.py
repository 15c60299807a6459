"""How fast each engine simulates an inference of LeNet-5, the SimPy system and set-up included.

Run as a whole (`make bench`) each row says how many times as fast as `rtl` an engine was in the
same run, in processor time, which other work on the machine disturbs less. Builds and compilation
are not timed.
"""

import gc
import time
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from cosim.run import execute, prepare
from cosim.scenario import load_scenario

SCENARIOS = Path(__file__).parents[1] / "scripts" / "scenarios"

KINDS = ("bitmap", "list", "dense")

IMAGES = {"rtl": 1, "compiled": 4, "fast": 20}

rates: dict[tuple[str, str], float] = {}
"""Cycles a second of each kind and engine."""


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("engine", list(IMAGES))
def test_inference(benchmark: BenchmarkFixture, kind: str, engine: str) -> None:
    """The clock cycles of the accelerator that are simulated, and images, a second."""
    changes = {"input.images": IMAGES[engine], "run.engine": engine}
    prepared = prepare(load_scenario(SCENARIOS / f"lenet5-{kind}.toml", changes=changes))
    if engine != "rtl":
        execute(prepared)
    # what the engine before has left is not this one's
    gc.collect()
    start_s = time.process_time()
    run = benchmark.pedantic(execute, args=(prepared,), rounds=1)
    spent_s = time.process_time() - start_s
    rates[kind, engine] = run.record.active_cycles / spent_s
    benchmark.extra_info["cycles"] = run.record.active_cycles
    benchmark.extra_info["kcycles_per_s"] = round(rates[kind, engine] / 1000, 2)
    benchmark.extra_info["images_per_s"] = round(IMAGES[engine] / spent_s, 2)
    if (kind, "rtl") in rates:
        ratio = rates[kind, engine] / rates[kind, "rtl"]
        benchmark.extra_info["ratio_to_rtl"] = round(ratio, 1)

"""Design points a second of the estimate, on LeNet-5: accelerators, clocks, memories, hosts."""

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from cosim.estimate.batch import estimate_many
from cosim.estimate.cycles import played_cycles
from cosim.estimate.filters import estimated_filters
from cosim.estimate.plan import plan_image
from cosim.estimate.report import statistics_of
from cosim.run import load_network
from cosim.scenario import load_scenario

SCENARIO = Path(__file__).parents[1] / "scripts" / "scenarios" / "lenet5-list.toml"
ACCELERATORS = [("dense", 1), ("list", 1), ("list", 2), ("list", 4), ("bitmap", 1)]
UNITS = (1, 2, 4, 8, 12, 16, 24, 32)
LIST_WORDS = (1024, 4096)


def columns(points: int) -> dict[str, Any]:
    """Every accelerator many times, with constants of the system drawn at random."""
    random = np.random.default_rng(1)
    built = itertools.cycle(itertools.product(ACCELERATORS, UNITS, LIST_WORDS))
    chosen = [next(built) for _ in range(points)]
    return {
        "accelerator.kind": [kind for (kind, _), _, _ in chosen],
        "accelerator.lookahead": [ahead for (_, ahead), _, _ in chosen],
        "accelerator.units": [units for _, units, _ in chosen],
        "accelerator.list_words": [words for _, _, words in chosen],
        "board.clocks.accelerator_mhz": random.uniform(50, 150, points),
        "board.memory.read_latency_ns": random.uniform(100, 400, points),
        "board.host.flush_line_ns": random.uniform(10, 120, points),
    }


@pytest.mark.parametrize("planned", ["again", "before"])
def test_design_points(benchmark: BenchmarkFixture, planned: str) -> None:
    """`again`: each of the 80 accelerators is planned anew in every round."""
    points = 20_000
    base = load_scenario(SCENARIO)
    given = columns(points)
    loaded = load_network(base)

    def run() -> None:
        if planned == "again":
            for kept in (plan_image, estimated_filters, played_cycles):
                kept.cache_clear()
        estimate_many(lambda bits: statistics_of(loaded, bits), base, given)

    benchmark.pedantic(run, rounds=3, warmup_rounds=1)
    rate = points / benchmark.stats.stats.min
    benchmark.extra_info["points_per_s"] = round(rate)

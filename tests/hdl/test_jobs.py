"""Whole accelerators at work on random jobs: the memory after them, and no product too many."""

from itertools import product
from typing import Any

import pytest

from hdl.config import SECTION_BITS, AcceleratorConfig
from hdl.port_recorder import PortRecorder
from hdl.registers import LOOPS
from tests.conversion.accelerator_run import run_beats
from tests.drivers import Access
from tests.hdl.jobs_at_random import RandomJobs, random_jobs
from tests.hdl.tasks_at_random import Loop, Task, job_config

KINDS = (("bitmap", 2), ("dense", 2), ("list", 1), ("list", 2), ("list", 4))
SIZES = ((8, 1), (8, 8), (16, 3), (32, 1), (32, 5))
SLOW_SIZES = ((8, 8), (32, 5))
"""All but one kind of the first are slow ones, and all of the second."""

CASES = [
    pytest.param(
        *kind,
        *size,
        seed,
        marks=pytest.mark.slow
        if size in SLOW_SIZES and (kind, size) != (("list", 2), (8, 8))
        else (),
    )
    for seed, (size, kind) in enumerate(product(SIZES, KINDS), start=100)
]


def check_jobs(config: AcceleratorConfig, seed: int, *, computes: int) -> PortRecorder:
    """Plays random jobs; checks the memory after them and how many products had no zero."""
    jobs = random_jobs(config, seed, computes=computes)
    recorder, received = run_beats(
        jobs.beats, len(jobs.results), config, [Access(0)], seed=seed, limit_cycles=20_000
    )
    assert received == jobs.results
    useful = recorder.port_index("monitor_useful")
    assert sum(row[useful].bit_count() for row in recorder.samples) == jobs.useful_products
    return recorder


@pytest.mark.parametrize(("kind", "lookahead", "bits", "units", "seed"), CASES)
def test_random_jobs(kind: str, lookahead: int, bits: int, units: int, seed: int) -> None:
    """Streams with gaps and waits; every other accelerator has scales of the channels' own."""
    config = job_config(
        kind,
        bits=bits,
        units=units,
        lookahead=lookahead,
        channel_scales=seed % 2 == 0,
        results=(1, 2, 16)[seed % 3],
    )
    recorder = check_jobs(config, seed, computes=3)
    useful, multiply = (recorder.port_index(f"monitor_{name}") for name in ("useful", "multiply"))
    if config.kind == "bitmap" or (config.kind == "list" and lookahead > 1):
        assert all(row[useful] == row[multiply] for row in recorder.samples), (
            "no operand must be zero"
        )


@pytest.mark.parametrize(("units", "seed"), [(2, 3), (6, 4)])
def test_random_jobs_on_shared_multipliers(units: int, seed: int) -> None:
    """Also with an odd number of channels, so that one unit of a pair has none."""
    config = job_config("dense", bits=8, units=units, products_per_multiplier=2)
    check_jobs(config, seed, computes=4)


@pytest.mark.parametrize(
    ("lookahead", "bits", "units", "seed"),
    [(2, 8, 2, 5), pytest.param(4, 16, 6, 6, marks=pytest.mark.slow), (2, 32, 4, 7)],
)
def test_random_jobs_with_partial_sums(lookahead: int, bits: int, units: int, seed: int) -> None:
    """Jobs of whole filters and jobs of halves, on one accelerator."""
    config = job_config(
        "list",
        bits=bits,
        units=units,
        lookahead=lookahead,
        partial_sums=True,
        channel_scales=units == 4,
    )
    check_jobs(config, seed, computes=5)


def biases_only(kind: str, channels: int, positions: int) -> Task:
    """A job without a product: results are biases, and come as fast as windows are walked."""
    walked = {"bitmap": SECTION_BITS, "dense": 1, "list": 0}[kind]
    loops = {level: Loop(positions if level == "x" else 1, 0) for level in LOOPS}
    return Task(
        loops,
        [[(offset, 0) for offset in range(walked)] for _ in range(channels)],
        list(range(1, channels + 1)),
        [(1, 0)] * channels,
        low=-128,
        high=127,
        unsigned_input=False,
        unsigned_output=False,
        output=256,
        pitch=channels,
        line=channels,
    )


@pytest.mark.parametrize(
    ("kind", "lookahead", "results"),
    [
        ("bitmap", 2, 2), ("list", 2, 16), ("dense", 2, 2),
        pytest.param("list", 1, 2, marks=pytest.mark.slow),
        pytest.param("bitmap", 2, 16, marks=pytest.mark.slow),
        pytest.param("list", 2, 2, marks=pytest.mark.slow),
    ],
)  # fmt: skip
def test_a_unit_that_waits_keeps_its_windows(kind: str, lookahead: int, results: int) -> None:
    """More results than the collector can take: it leaves the last units far behind the others."""
    changes: dict[str, Any] = {"activation_elements": 2048, "results": results}
    config = job_config(kind, bits=8, units=6, lookahead=lookahead, **changes)
    jobs = RandomJobs(config, seed=1)
    jobs.compute(biases_only(kind, channels=11, positions=70))
    jobs.store()
    _, received = run_beats(
        jobs.beats, len(jobs.results), config, [Access(0)], seed=2, limit_cycles=20_000
    )
    assert received == jobs.results

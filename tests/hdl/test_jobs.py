"""Whole accelerators at work on random jobs: the memory after them, and no product too many."""

from itertools import product

import pytest

from tests.conversion.accelerator_run import run_beats
from tests.drivers import Access
from tests.hdl.jobs_at_random import random_jobs
from tests.hdl.tasks_at_random import job_config

KINDS = (("bitmap", 2), ("dense", 2), ("list", 1), ("list", 2), ("list", 4))
SIZES = ((8, 1), (8, 8), (16, 3), (32, 1), (32, 5))
CASES = [(*kind, *size, seed) for seed, (size, kind) in enumerate(product(SIZES, KINDS), start=100)]


@pytest.mark.parametrize(("kind", "lookahead", "bits", "units", "seed"), CASES)
def test_random_jobs(kind: str, lookahead: int, bits: int, units: int, seed: int) -> None:
    """Streams with gaps and waits; every other accelerator has scales of the channels' own."""
    config = job_config(
        kind,
        bits=bits,
        units=units,
        lookahead=lookahead,
        channel_scales=seed % 2 == 0,
        results=(2, 16)[seed % 3 == 0],
    )
    jobs = random_jobs(config, seed, computes=4)
    recorder, received = run_beats(
        jobs.beats, len(jobs.results), config, [Access(0)], seed=seed, limit_cycles=20_000
    )
    assert received == jobs.results
    useful, multiply = (recorder.port_index(f"monitor_{name}") for name in ("useful", "multiply"))
    assert sum(row[useful].bit_count() for row in recorder.samples) == jobs.useful_products
    if config.kind == "bitmap" or (config.kind == "list" and lookahead > 1):
        assert all(row[useful] == row[multiply] for row in recorder.samples), (
            "no operand must be zero"
        )

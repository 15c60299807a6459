"""The fast job model against the RTL: results, cycles, every write and every counter."""

from typing import Any

import pytest

from hdl.config import AcceleratorConfig
from tests.cosim.fast.fast_jobs import run_fast
from tests.cosim.fast.random_jobs import MEMORIES, JobMaker, store_words
from tests.cosim.fast.rtl_jobs import run_rtl

JOBS = 5


def check_jobs(config: AcceleratorConfig, words: list[int], results: int) -> None:
    """Both on the same packets; says which job is the first that differs."""
    jobs, received = run_fast(config, words)
    limit = len(words) + 4 * results + 3 * sum(job.cycles for job in jobs) + 1000
    counted, wanted = run_rtl(config, words, results, limit_cycles=limit)
    computed = [job for job in counted if not job.stall_cycles["storing"]]
    assert len(computed) == len(jobs)
    for index, (fast, rtl) in enumerate(zip(jobs, computed, strict=True)):
        assert fast.times.tolist() == rtl.writes, f"writes of job {index}"
        assert fast.cycles == rtl.cycles, f"cycles of job {index}"
        assert fast.counts.macs_useful == rtl.macs_useful, f"job {index}"
        assert fast.counts.multiplications == rtl.multiplications, f"job {index}"
        assert fast.counts.stall_cycles == rtl.stall_cycles, f"job {index}"
    assert received == wanted


def random_stream(config: AcceleratorConfig, seed: int, jobs: int) -> tuple[list[int], int]:
    """Packets of random jobs, each followed by one that sends its results; words they send."""
    maker = JobMaker(config, seed)
    words: list[int] = []
    results = 0
    for _ in range(jobs):
        job = maker.job()
        words += job.loads + job.register_words()
        words += store_words(config, job.output_word, job.output_words)
        results += job.output_words
    return words, results


def configs() -> list[Any]:
    """Every kind, look-ahead, width and number of units at least once."""
    rows: list[tuple[Any, Any, Any, int, bool]] = [
        (kind, lookahead, bits, units, scales)
        for kind, lookahead in (
            ("bitmap", 2), ("dense", 2), ("list", 1), ("list", 2), ("list", 4),
        )
        for bits, units, scales in (
            (8, 1, False), (8, 8, False), (16, 3, True), (32, 5, False),
        )
    ]  # fmt: skip
    return [
        pytest.param(
            AcceleratorConfig(
                kind=kind, lookahead=lookahead, bits=bits, units=units, channel_scales=scales,
                **MEMORIES,
            ),
            id=f"{kind}{lookahead}-{bits}bits-{units}units",
        )
        for kind, lookahead, bits, units, scales in rows
    ]  # fmt: skip


def many_results() -> list[Any]:
    """Units in which more than two finished filters can wait."""
    return [
        pytest.param(
            AcceleratorConfig(kind=kind, units=8, results=16, **MEMORIES), id=f"{kind}-16results"
        )
        for kind in ("bitmap", "list")
    ]


@pytest.mark.parametrize("config", [*configs(), *many_results()])
@pytest.mark.parametrize("seed", [1])
def test_random_jobs(config: AcceleratorConfig, seed: int) -> None:
    words, results = random_stream(config, seed, JOBS)
    check_jobs(config, words, results)

"""The fast job model against the RTL: results, cycles, every write and every counter."""

from typing import Any

import numpy as np
import pytest

from hdl.config import AcceleratorConfig
from networks.program import Offload
from networks.schedule import compile_network
from tests.cosim.fast.fast_jobs import run_fast
from tests.cosim.fast.random_jobs import MEMORIES, JobMaker, store_words
from tests.cosim.fast.rtl_jobs import run_rtl
from tests.hdl.networks_at_random import small_image, small_network
from tests.hdl.program_memory import ProgramMemory


def check_jobs(config: AcceleratorConfig, words: list[int], results: int) -> None:
    """Both on the same packets; says which job is the first that differs."""
    jobs, received = run_fast(config, words)
    limit = len(words) + 4 * results + 3 * sum(job.cycles for job in jobs) + 1000
    counted, wanted = run_rtl(config, words, results, limit_cycles=limit)
    computed = [job for job in counted if not job.stall_cycles["storing"]]
    assert len(computed) == len(jobs) > 0
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


def config(kind: Any, bits: Any, units: int, **changes: Any) -> Any:
    """A test parameter; `list2` is the kind `list` with a look-ahead of 2."""
    name, lookahead = kind.rstrip("124"), kind.lstrip("bitmapdensl")
    values = {"lookahead": int(lookahead or 2), **MEMORIES, **changes}
    accelerator = AcceleratorConfig(kind=name, bits=bits, units=units, **values)
    return pytest.param(accelerator, id="-".join((kind, f"{bits}bits", f"{units}units", *changes)))


KINDS = ("bitmap", "dense", "list1", "list2", "list4")
FEW = [
    config("bitmap", 8, 4, results=16),
    config("dense", 16, 3, channel_scales=True),
    config("list1", 8, 4),
    config("list2", 8, 8),
    config("list1", 32, 2, results=16),
    config("list4", 16, 3),
    config("list2", 8, 8, partial_sums=True),
]
MANY = [
    config(kind, bits, units, **changes)
    for kind in KINDS
    for bits, units, changes in (
        (8, 1, {}),
        (8, 8, {"results": 16}),
        (16, 3, {"channel_scales": True}),
        (32, 5, {}),
        (8, 17, {"channel_scales": True}),
    )
] + [
    config("list2", 16, 2, partial_sums=True),
    config("list4", 32, 6, partial_sums=True, channel_scales=True),
    config("list2", 8, 16, partial_sums=True),
    config("list4", 8, 8, partial_sums=True, results=16),
]


@pytest.mark.parametrize("accelerator", FEW)
def test_random_jobs(accelerator: AcceleratorConfig) -> None:
    words, results = random_stream(accelerator, 1, 4)
    check_jobs(accelerator, words, results)


@pytest.mark.slow
@pytest.mark.parametrize("accelerator", MANY)
@pytest.mark.parametrize("seed", [2, 3])
def test_many_random_jobs(accelerator: AcceleratorConfig, seed: int) -> None:
    words, results = random_stream(accelerator, seed, 6)
    check_jobs(accelerator, words, results)


@pytest.mark.parametrize(("kind", "groups"), [*((kind, False) for kind in KINDS), ("bitmap", True)])
def test_compiled_network(kind: str, groups: bool) -> None:
    """What the compiler makes of a small network, two images."""
    sizes = {"activation_elements": 1024, "weight_words": 128, "list_words": 512}
    accelerator = config(kind, 8, 3, **sizes).values[0]
    graph = small_network(11)
    program = compile_network(graph, accelerator, memory_base_bytes=0x1000, groups=groups)
    memory = ProgramMemory(program)
    words = memory.words(program.setup)
    results = 0
    for seed in (1, 2):
        memory.write_image(small_image(graph, seed))
        for step in program.steps:
            assert isinstance(step, Offload), "the host must have nothing to compute"
            words += memory.words(step.send)
            results += sum(part.length_bytes for part in step.receive) // 4
    check_jobs(accelerator, words, results)


@pytest.mark.slow
def test_units_in_step() -> None:
    """One window, many filters: units wait for each other, which costs where their work differs."""
    accelerator = AcceleratorConfig(kind="bitmap", units=4, **MEMORIES)
    cycles: dict[bool, list[int]] = {False: [], True: []}
    for seed in range(2):
        for in_step, found in cycles.items():
            job = JobMaker(accelerator, seed).job(filters=18, in_step=in_step)
            words = job.loads + job.register_words()
            words += store_words(accelerator, job.output_word, job.output_words)
            check_jobs(accelerator, words, job.output_words)
            found.append(run_fast(accelerator, words)[0][0].cycles)
    assert all(np.array(cycles[True]) >= cycles[False])
    assert sum(cycles[True]) > sum(cycles[False])

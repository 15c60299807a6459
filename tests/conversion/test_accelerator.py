"""The emitted VHDL and Verilog of every accelerator, cycle by cycle against the MyHDL model."""

from itertools import product
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from hdl.config import AcceleratorConfig
from hdl.convert import TOP_NAME, Language, convert
from hdl.packets import Destination, Header, packet
from hdl.registers import BY_NAME, ERROR_UNKNOWN_DESTINATION
from networks import reference
from tests.conversion.accelerator_run import (
    Run,
    random_accesses,
    random_image,
    random_network,
    run_beats,
    run_image,
)
from tests.conversion.harness import elaborate_verilog, elaborate_vhdl, lint_verilog, replay
from tests.drivers import Access
from tests.hdl.jobs_at_random import random_jobs
from tests.hdl.tasks_at_random import job_config

OKAY, SLVERR = 0, 2
SMALL_MEMORIES = {
    "activation_elements": 512,
    "weight_words": 128,
    "bitmap_words": 256,
    "bias_entries": 32,
}
LANGUAGES = pytest.mark.parametrize("language", get_args(Language))
KINDS = (("bitmap", 2), ("dense", 2), ("list", 1), ("list", 2), ("list", 4))
SHARED = {"units": 4, "products_per_multiplier": 2, "channel_scales": True}
"""Units of `dense` that share multipliers: a configuration beside the matrix."""
FAST = {
    ("bitmap", 2, 8, 4),
    ("dense", 2, 16, 8),
    ("list", 1, 32, 1),
    ("list", 2, 8, 4),
    ("list", 4, 16, 1),
}
"""Each kind, width and number of units at least once, and what both kinds of units differ in."""


def matrix() -> list[pytest.ParameterSet]:
    """Every kind, width and number of units; scales and queues of results vary among them."""
    cases = []
    for index, (kind, bits, units) in enumerate(product(KINDS, (8, 16, 32), (1, 4, 8))):
        config = job_config(
            kind[0],
            lookahead=kind[1],
            bits=bits,
            units=units,
            weight_words=512,
            list_words=256,
            channel_scales=index % 2 == 0,
            results=(1, 2, 16)[(index + index // 3) % 3],
        )
        name = f"{kind[0]}-{kind[1]}-{bits}-{units}"
        marks = () if (*kind, bits, units) in FAST else pytest.mark.slow
        cases.append(pytest.param(config, id=name, marks=marks))
    assert len(FAST) == sum(not case.marks for case in cases)
    cases.append(pytest.param(job_config("dense", bits=8, **SHARED), id="dense-shared-8-4"))
    parts = job_config("list", bits=8, units=4, lookahead=2, partial_sums=True)
    cases.append(pytest.param(parts, id="list-parts-8-4"))
    return cases


@pytest.fixture(scope="module", params=matrix())
def small_run(request: pytest.FixtureRequest) -> tuple[AcceleratorConfig, Run]:
    """A small network and random jobs, while registers are accessed; all results are checked."""
    config: AcceleratorConfig = request.param
    seed = config.bits + config.units
    graph = random_network(
        seed, config.bits, unsigned=config.units != 4, scaled=config.channel_scales
    )
    image = random_image(graph, seed)
    accesses = random_accesses(seed)
    jobs = random_jobs(config, seed, computes=2)
    run = run_image(
        graph,
        image,
        config,
        accesses,
        seed=seed,
        limit_cycles=30_000,
        rest=jobs.beats,
        rest_words=len(jobs.results),
    )
    version = BY_NAME["VERSION"].decode(accesses[0].read_data or 0)
    assert (version["units"], version["bits"]) == (config.units, config.bits)
    assert {access.response for access in accesses} == {OKAY, SLVERR}
    assert all(access.response == SLVERR for access in accesses if access.strobe != 0xF)
    np.testing.assert_array_equal(run.logits[:, 0, 0], reference.run(graph, image[None])[0])
    assert run.rest == jobs.results
    return config, run


@LANGUAGES
def test_small_accelerator(
    small_run: tuple[AcceleratorConfig, Run], language: Language, tmp_path: Path
) -> None:
    config, run = small_run
    files = convert(config, language, tmp_path)
    verdict = replay(files, run.recorder, language, tmp_path)
    assert verdict == f"passed {len(run.recorder.samples)} cycles"


@LANGUAGES
def test_bad_packet_and_clear(language: Language, tmp_path: Path) -> None:
    """The error path: interrupt, refused input, recovery by CONTROL.clear."""
    config = AcceleratorConfig.model_validate({"kind": "bitmap", "units": 1, **SMALL_MEMORIES})
    good = packet(Header(Destination.BIASES, 4), [1, 2, 3, 4])
    unknown = [15 << 28, 0]
    beats = [(word, False) for word in (*good, *unknown, *good)]
    offset = {name: register.offset for name, register in BY_NAME.items()}
    polls = [Access(offset["STATUS"]) for _ in range(8)]
    reads = [Access(offset[name]) for name in ("ERROR", "INTERRUPT_STATUS", "STATUS")]
    after = [Access(offset[name]) for name in ("ERROR", "INTERRUPT_STATUS", "STATUS")]
    accesses = [
        Access(offset["INTERRUPT_ENABLE"], BY_NAME["INTERRUPT_ENABLE"].encode(error=1)),
        *polls,
        *reads,
        Access(offset["CONTROL"], BY_NAME["CONTROL"].encode(clear=1)),
        *polls,
        *after,
    ]
    recorder, _ = run_beats(beats, 0, config, accesses, seed=5, limit_cycles=2000)
    error, interrupt, status = (access.read_data or 0 for access in reads)
    assert error == ERROR_UNKNOWN_DESTINATION
    assert BY_NAME["INTERRUPT_STATUS"].decode(interrupt) == {"done": 0, "error": 1}
    assert BY_NAME["STATUS"].decode(status)["failed"] == 1
    assert [access.read_data for access in after] == [0, 0, 0]
    levels = [sample[recorder.port_index("interrupt")] for sample in recorder.samples]
    assert set(levels) == {0, 1}
    assert levels[-1] == 0
    files = convert(config, language, tmp_path)
    assert replay(files, recorder, language, tmp_path) == f"passed {len(recorder.samples)} cycles"


@pytest.mark.parametrize(
    ("kind", "lookahead"),
    [
        ("dense", 2),
        pytest.param("list", 2, marks=pytest.mark.slow),
        pytest.param("bitmap", 2, marks=pytest.mark.slow),
        pytest.param("list", 1, marks=pytest.mark.slow),
        pytest.param("list", 4, marks=pytest.mark.slow),
    ],
)
def test_default_size_elaborates(kind: str, lookahead: int, tmp_path: Path) -> None:
    config = AcceleratorConfig.model_validate({"kind": kind, "lookahead": lookahead})
    elaborate_vhdl(convert(config, "vhdl", tmp_path), TOP_NAME, tmp_path)
    files = convert(config, "verilog", tmp_path)
    elaborate_verilog(files, TOP_NAME, tmp_path)
    lint_verilog(files, TOP_NAME, tmp_path)

"""A network behind the bridge: the fast engine does at every instant what the RTL does."""

from typing import Any

import numpy as np
import pytest

from cosim.engines import create_engine
from cosim.fast.engine import FastEngine
from hdl.config import AcceleratorConfig
from networks.schedule import compile_network
from tests.equivalence.engine_run import CLOCK, MinimalHost
from tests.hdl.bench import small_config
from tests.hdl.networks_at_random import small_image, small_network

SIZES = {
    "activation_elements": 1024, "weight_words": 128, "bitmap_words": 256, "list_words": 512,
}  # fmt: skip


def play(engine: Any, config: AcceleratorConfig, seed: int) -> Any:
    graph = small_network(seed)
    program = compile_network(graph, config, memory_base_bytes=0x1000)
    images = [small_image(graph, index) for index in (1, 2)]
    host = MinimalHost(
        program,
        graph,
        engine,
        images,
        pause_ps=123_456,
        receive_gap_ps=3 * CLOCK.period_ps,
        depth_beats=4,
    )
    try:
        return host.play()
    finally:
        engine.close()


@pytest.mark.parametrize(("kind", "seed"), [("bitmap", 9), ("dense", 18), ("list", 21)])
def test_every_instant(kind: str, seed: int) -> None:
    config = small_config(kind=kind, units=3, **SIZES)
    fast = FastEngine(config, CLOCK.period_ps)
    run, wanted = play(fast, config, seed), play(create_engine(config, "rtl", CLOCK), config, seed)
    np.testing.assert_array_equal(run.results, wanted.results)
    for name in ("beats", "interrupts_ps", "register_cycles", "register_jobs", "end_ps"):
        assert getattr(run, name) == getattr(wanted, name), name
    assert len(fast.jobs) == len(wanted.jobs) > 2
    for index, (job, rtl) in enumerate(zip(fast.jobs, wanted.jobs, strict=True)):
        for name in ("start_ps", "end_ps", "cycles", "macs_useful", "multiplications"):
            assert getattr(job, name) == getattr(rtl, name), f"{name} of job {index}"
        assert job.stall_cycles == rtl.stall_cycles, f"job {index}"

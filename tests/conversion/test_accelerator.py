"""The emitted VHDL and Verilog of both accelerators, cycle by cycle against the MyHDL model."""

from pathlib import Path

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

OKAY, SLVERR = 0, 2
SMALL_MEMORIES = {
    "activation_elements": 512,
    "weight_words": 128,
    "bitmap_words": 256,
    "bias_entries": 32,
}
SMALL = [
    AcceleratorConfig.model_validate({"kind": kind, "units": units, **SMALL_MEMORIES})
    for kind, units in (("bitmap", 1), ("bitmap", 3), ("bitmap", 8), ("dense", 1), ("dense", 8))
]


def config_name(config: AcceleratorConfig) -> str:
    return f"{config.kind}-{config.units}"


@pytest.fixture(scope="module", params=SMALL, ids=config_name)
def small_run(request: pytest.FixtureRequest) -> tuple[AcceleratorConfig, Run]:
    """A small random network on a small accelerator; logits and register accesses checked."""
    config: AcceleratorConfig = request.param
    graph = random_network(seed=7)
    image = random_image(graph, seed=8)
    accesses = random_accesses(seed=9)
    run = run_image(graph, image, config, accesses, seed=10, limit_cycles=30_000)
    version = BY_NAME["VERSION"].decode(accesses[0].read_data or 0)
    assert (version["units"], version["bits"]) == (config.units, config.bits)
    assert {access.response for access in accesses} == {OKAY, SLVERR}
    assert all(access.response == SLVERR for access in accesses if access.strobe != 0xF)
    np.testing.assert_array_equal(run.logits[:, 0, 0], reference.run(graph, image[None])[0])
    return config, run


@pytest.mark.parametrize("language", ["vhdl", "verilog"])
def test_small_accelerator(
    small_run: tuple[AcceleratorConfig, Run], language: Language, tmp_path: Path
) -> None:
    config, run = small_run
    files = convert(config, language, tmp_path)
    verdict = replay(files, run.recorder, language, tmp_path)
    assert verdict == f"passed {len(run.recorder.samples)} cycles"


@pytest.mark.parametrize("language", ["vhdl", "verilog"])
def test_bad_packet_and_clear(language: Language, tmp_path: Path) -> None:
    """The error path: interrupt, refused input, recovery by CONTROL.clear."""
    config = AcceleratorConfig.model_validate({"kind": "bitmap", "units": 3, **SMALL_MEMORIES})
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


@pytest.mark.parametrize("kind", ["bitmap", "dense"])
def test_default_size_elaborates(kind: str, tmp_path: Path) -> None:
    config = AcceleratorConfig.model_validate({"kind": kind})
    elaborate_vhdl(convert(config, "vhdl", tmp_path), TOP_NAME, tmp_path)
    files = convert(config, "verilog", tmp_path)
    elaborate_verilog(files, TOP_NAME, tmp_path)
    lint_verilog(files, TOP_NAME, tmp_path)

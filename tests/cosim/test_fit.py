"""How many units fit a device."""

import pytest

from cosim.board import FpgaConfig
from cosim.fit import RESOURCES, clock_mhz, fit, used
from cosim.scenario import load_board
from hdl.config import AcceleratorConfig
from hdl.synthesis import comparison_memories


def config(kind: str, bits: int = 8, lookahead: int = 1, **changes: int) -> AcceleratorConfig:
    sizes = comparison_memories(kind, bits, lookahead)
    choice = {"kind": kind, "bits": bits, "lookahead": lookahead} | sizes | changes
    return AcceleratorConfig.model_validate(choice)


def fpga(board: str) -> FpgaConfig:
    found = load_board(board).fpga
    assert found is not None
    return found


@pytest.mark.parametrize("board", ["zynq7020", "ecp5-25", "ecp5-45", "ecp5-85"])
@pytest.mark.parametrize("kind", ["dense", "list", "bitmap"])
def test_what_fits_fits_and_more_does_not(board: str, kind: str) -> None:
    device = fpga(board)
    found = fit(config(kind), device)
    assert found.units >= 1
    assert max(found.used.values()) <= 1
    assert found.used == used(found.area, device)
    assert found.clock_mhz == clock_mhz(found.area, device) <= device.max_mhz
    if found.limited_by != "units":
        assert found.limited_by in RESOURCES
        more = fit(config(kind), device.model_copy(update={"lut_fill": 1.0}))
        assert more.units >= found.units


def test_next_to_nothing_fits_the_smallest_part() -> None:
    small = fpga("xc7s6")
    assert fit(config("bitmap"), small).units == 0
    assert fit(config("list"), small).units <= 2


def test_a_larger_device_holds_more() -> None:
    sizes = [fit(config("list"), fpga(board)).units for board in ("ecp5-25", "ecp5-45", "ecp5-85")]
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[-1]


def test_the_resource_that_runs_out_is_named() -> None:
    device = fpga("ecp5-85")
    few = device.available.model_copy(update={"dsp": device.reserved.dsp + 3})
    found = fit(config("dense"), device.model_copy(update={"available": few}))
    assert (found.units, found.limited_by) == (3, "dsp")

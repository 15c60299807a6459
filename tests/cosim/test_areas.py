"""Area and clock: measured points as they are, a fit between them, its error held back."""

import pytest

from cosim.areas import AreaModel, AreaPoint, area_model, held_back_errors, load_points
from cosim.board import Family
from cosim.errors import ScenarioError
from hdl.config import AcceleratorConfig
from hdl.synthesis import comparison_memories

FAMILIES: tuple[Family, ...] = ("ecp5", "xilinx")


def point(units: int, lut: int, fmax_mhz: float | None = 100.0) -> AreaPoint:
    config = AcceleratorConfig(kind="dense", units=units)
    return AreaPoint(config, lut, 2 * lut, 10, units, fmax_mhz)


@pytest.mark.parametrize("family", FAMILIES)
def test_measured_points_come_back_as_they_are(family: Family) -> None:
    model = area_model(family)
    for measured in load_points(family):
        area = model.area(measured.configuration)
        assert (area.lut, area.ff, area.dsp) == (measured.lut, measured.ff, measured.dsp)
        assert area.block_ram == measured.block_ram
        assert area.source == "measured"
        if measured.fmax_mhz is not None:
            assert area.fmax_mhz == measured.fmax_mhz


def test_a_line_goes_through_points_that_are_one() -> None:
    points = [point(2, 300, 120.0), point(4, 400, 110.0), point(16, 1000, 90.0)]
    area = AreaModel("ecp5", points, points).area(AcceleratorConfig(kind="dense", units=8))
    assert (area.lut, area.ff, area.dsp) == (600, 1200, 8)
    assert area.fmax_mhz == pytest.approx(100.0)
    assert area.source == "fitted over 2, 4, 16 units"


def test_deeper_memories_take_more_block_rams_and_nothing_else() -> None:
    model = area_model("ecp5")
    small = AcceleratorConfig(kind="dense", bits=8, units=8, **comparison_memories("dense", 8, 1))
    large = small.model_copy(update={"weight_words": 4 * small.weight_words})
    first, second = model.area(small), model.area(large)
    assert second.block_ram > first.block_ram
    assert (second.lut, second.ff, second.dsp) == (first.lut, first.ff, first.dsp)


def test_what_partial_sums_add_is_said_to_be_missing() -> None:
    plain = next(p.configuration for p in load_points("ecp5") if p.configuration.lookahead == 2)
    area = area_model("ecp5").area(plain.model_copy(update={"partial_sums": True}))
    assert area.source == "measured, without what adds partial sums"


def test_what_was_not_measured_is_refused() -> None:
    model = AreaModel("ecp5", [point(2, 300)], [point(2, 300)])
    with pytest.raises(ScenarioError, match="area of list K=2, 8 bits must be measured"):
        model.area(AcceleratorConfig(kind="list", lookahead=2))


@pytest.mark.parametrize("family", FAMILIES)
def test_the_fit_is_close_to_points_held_back(family: Family) -> None:
    errors = held_back_errors(load_points(family))
    assert len(errors) > 6
    inside = [
        (measured, each)
        for measured, each in errors
        if measured.configuration.units not in (2, max(p.configuration.units for p, _ in errors))
    ]
    for measured, each in inside:
        assert abs(each["lut"]) < 0.10, (measured, each)
        assert abs(each["ff"]) < 0.05, (measured, each)
        assert each["dsp"] == 0

"""Designs that fit a board, and who wins with them."""

from pathlib import Path

import pytest

from cosim.board import Board
from cosim.designs import Design, Needs, Variant, designs, variants
from cosim.evaluate import estimate
from cosim.scenario import Scenario, load_board, load_scenario
from cosim.tradeoff import contenders, rows, source_for
from networks import builtin

BASE = Path(__file__).parents[2] / "scripts" / "scenarios" / "recommend.toml"


@pytest.fixture(scope="module")
def base() -> Scenario:
    return load_scenario(BASE, changes={"network.source": "lenet300", "input.images": 1})


@pytest.fixture(scope="module")
def needs() -> Needs:
    return Needs.of(builtin.load("lenet300"))


def all_designs(variant: Variant, board: Board, needs: Needs) -> list[Design]:
    return list(designs(variant, board, needs))


def test_needs_are_those_of_the_network(needs: Needs) -> None:
    assert needs == Needs(784 + 300, 410, 266_200, 21_731)


@pytest.mark.parametrize("board", ["zynq7020", "ecp5-25", "ecp5-85"])
def test_every_design_fits(board: str, needs: Needs) -> None:
    device = load_board(board)
    assert device.fpga is not None
    for variant in variants(8, device.fpga.family):
        for design in all_designs(variant, device, needs):
            assert max(design.used.values()) <= 1
            assert design.config.kind == variant.kind
            assert design.clock_mhz <= device.fpga.max_mhz


def test_memory_grows_until_a_resource_is_full_or_all_weights_stay(needs: Needs) -> None:
    found = all_designs(Variant("list", 8, 1), load_board("zynq7020"), needs)
    by_units = {design.config.units: design for design in found if design.config.units <= 16}
    assert len(by_units) > 3
    for units, design in by_units.items():
        room = design.config.list_words * units
        assert room >= needs.nonzero_weights or design.used["block_ram"] > 0.5


def test_a_design_makes_a_scenario_of_its_own(base: Scenario, needs: Needs) -> None:
    board = load_board("ecp5-85")
    published = all_designs(Variant("bitmap", 8, published=True), board, needs)[0]
    scenario = published.scenario(base, board)
    assert scenario.accelerator == published.config
    assert scenario.board.clocks.accelerator_mhz == published.clock_mhz
    assert scenario.run.groups
    assert not scenario.run.balance
    assert scenario.network == base.network


def test_the_fastest_comes_first_and_says_what_decided(base: Scenario, needs: Needs) -> None:
    board = load_board("zynq7020")
    ordered = contenders(board, 8, needs, base, estimate=estimate, run=estimate)
    times = [contender.latency_ns for contender in ordered]
    assert times == sorted(times)
    assert {item.design.config.kind for item in ordered} >= {"list", "dense"}
    found = rows("lenet300", board, ordered)
    winner = found[0]
    assert [row["winner"] for row in found] == [True] + [False] * (len(found) - 1)
    # At the densities of this network, nothing dense comes near.
    assert winner["accelerator"].startswith("list")
    assert winner["rival"].startswith("dense")
    assert winner["margin"] > 1
    assert winner["decided_by"]


def test_wide_operands_come_from_the_float_network() -> None:
    assert source_for("lenet5", 8) == "lenet5"
    assert source_for("lenet5", 16) == "lenet5-float"
    assert source_for("fire2-expand3x3", 32) == "fire2-expand3x3"

"""Reloading the FPGA: the port's real rate, and policies that say when it pays."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosim.configuration_port import reload_ps
from cosim.errors import ScenarioError
from cosim.reload import Stage, each_stage, images_to_pay, look_ahead, never, plans
from cosim.scenario import load_board
from cosim.traffic import TrafficConfig
from cosim.units import PS_PER_US
from tests.cosim.conftest import load_board as changed_board

NAMES = ("dense", "list", "bitmap")

costs = st.fixed_dictionaries({name: st.integers(1, 1000) for name in NAMES})
stages = st.lists(
    st.builds(Stage, st.just("x"), st.integers(1, 50), costs, costs), min_size=1, max_size=5
)


def small_board(mbyte_s: float):
    fpga = load_board("zynq7020").fpga
    assert fpga is not None
    assert fpga.configuration is not None
    port = {"bitstream_bytes": 40_000, "mbyte_s": mbyte_s, "overhead_us": 10.0}
    return changed_board(fpga={"configuration": port})


def test_a_load_takes_overhead_and_the_bytes_at_the_ports_rate() -> None:
    expected_ps = (10 + 40_000 / 145) * PS_PER_US
    assert reload_ps(small_board(145.0)) == pytest.approx(expected_ps, rel=0.01)


def test_a_port_faster_than_the_bus_is_bound_by_the_bus() -> None:
    # 32 bits at 100 MHz carry 400 MB/s.
    taken_ps = reload_ps(small_board(5000.0)) - 10 * PS_PER_US
    assert taken_ps >= 40_000 / 400 * PS_PER_US


def test_other_masters_slow_a_fast_port_down() -> None:
    camera = TrafficConfig(name="camera", rate_mbyte_s=300.0, burst_bytes=64)
    board = small_board(400.0)
    assert reload_ps(board, (camera,)) > 1.05 * reload_ps(board)


def test_a_board_without_the_port_gives_one_line() -> None:
    with pytest.raises(ScenarioError, match=r"board\.fpga\.configuration must be there .* ecp5-25"):
        reload_ps(load_board("ecp5-25"))


@given(stages, st.integers(0, 5000))
def test_look_ahead_is_the_best_of_all_sequences(work: list[Stage], load_ps: int) -> None:
    def cost(names: tuple[str, ...]) -> int:
        loads = sum(a != b for a, b in itertools.pairwise(names))
        parts = zip(work, names, strict=True)
        return loads * load_ps + sum(stage.cost_ps(name) for stage, name in parts)

    best = min(cost(names) for names in itertools.product(NAMES, repeat=len(work)))
    found = look_ahead(work, load_ps)
    assert found.total_ps == best == cost(found.accelerators)
    assert all(found.total_ps <= plan.total_ps for plan in plans(work, load_ps))
    assert never(work, load_ps).loads == 0
    if load_ps == 0:
        assert each_stage(work, 0).total_ps == best


@given(costs, costs, st.sampled_from(NAMES), st.integers(0, 5000))
def test_reloading_pays_from_that_many_images_on(
    setup: dict[str, int], image: dict[str, int], loaded: str, load_ps: int
) -> None:
    def stays_ahead(images: int) -> bool:
        stage = Stage("x", images, setup, image)
        others = [stage.cost_ps(name) + load_ps for name in NAMES if name != loaded]
        return stage.cost_ps(loaded) <= min(others)

    images = images_to_pay(Stage("x", 1, setup, image), loaded, load_ps)
    if images is None:
        # No other is faster an image; it can only be ahead by a cheaper set-up.
        assert image[loaded] == min(image.values())
        return
    assert not stays_ahead(images)
    if images > 1:
        better = [name for name in NAMES if image[name] < image[loaded]]
        stage = Stage("x", images - 1, setup, image)
        assert all(stage.cost_ps(loaded) <= stage.cost_ps(name) + load_ps for name in better)

"""The energy model against published whole-board figures."""

import pytest

from cosim.energy import EnergyCounts, energy_uj
from cosim.units import PS_PER_S
from tests.cosim.conftest import load_board


@pytest.mark.parametrize(
    ("inferences_per_s", "published_uj"),
    # MLPerf Tiny v0.7 logs, PYNQ-Z2: AD, KWS, CNV-W1A1, RN07, RN08.
    [(52_760, 30.0), (57_257, 30.7), (661, 2_530), (36.6, 44_191), (130.8, 12_266)],
)
def test_static_power_explains_published_boards(
    inferences_per_s: float, published_uj: float
) -> None:
    counts = EnergyCounts(round(PS_PER_S / inferences_per_s), 0, 0, 0, 0)
    parts = energy_uj(counts, load_board().energy)
    assert 0.89 * published_uj < parts["board"] <= 1.005 * published_uj


def test_each_part_follows_its_own_count() -> None:
    energy = load_board(
        energy={
            "board_static_w": 2.0,
            "dram_byte_pj": 100.0,
            "bus_byte_pj": 10.0,
            "accelerator_cycle_pj": 50.0,
            "mac_pj": 4.0,
        }
    ).energy
    counts = EnergyCounts(1_000_000, 1000, 2000, 3000, 4000)
    assert energy_uj(counts, energy) == pytest.approx(
        {"board": 2.0, "dram": 0.1, "bus": 0.02, "accelerator": 0.15, "mac": 0.016}
    )

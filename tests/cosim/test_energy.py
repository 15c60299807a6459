"""The energy model against published whole-board figures."""

import pytest
from pydantic import ValidationError

from cosim.board import Constant
from cosim.energy import EnergyCounts, energy_uj, total
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
    counts = EnergyCounts(time_ps=PS_PER_S / inferences_per_s)
    parts = energy_uj(counts, load_board().energy)
    assert 0.89 * published_uj < parts["board"].value <= 1.005 * published_uj


def test_each_part_follows_its_own_count() -> None:
    energy = load_board().energy
    counts = EnergyCounts(
        time_ps=1_000_000,
        host_busy_ps=500_000,
        dram_bytes=1000,
        bus_bytes=2000,
        job_cycles=3000,
        macs=4000,
        bits=16,
        block_ram=10,
        lut=2000,
    )
    parts = energy_uj(counts, energy)
    assert {name: part.value for name, part in parts.items()} == pytest.approx(
        {
            "board": energy.static_w.value,
            "host": 0.5 * energy.host_busy_w.value,
            "dram": 1e-3 * energy.dram_byte_pj.value,
            "bus": 2e-3 * energy.bus_byte_pj.value,
            "mac": 4e-3 * energy.mac_16_pj.value,
            "block_ram": 0.03 * energy.block_ram_cycle_pj.value,
            "logic": 6 * energy.lut_cycle_pj.value,
        }
    )
    for part in (*parts.values(), total(parts)):
        assert part.low < part.value < part.high
    assert total(parts).value == pytest.approx(sum(part.value for part in parts.values()))


@pytest.mark.parametrize(("bits", "name"), [(8, "mac_8_pj"), (16, "mac_16_pj"), (32, "mac_32_pj")])
def test_a_wider_mac_costs_more(bits: int, name: str) -> None:
    energy = load_board().energy
    macs = energy_uj(EnergyCounts(macs=1e6, bits=bits), energy)["mac"]
    assert macs.value == pytest.approx(getattr(energy, name).value)


def test_a_constant_lies_within_its_band() -> None:
    with pytest.raises(ValidationError, match=r"value must be from 2.0 to 3.0, not 1.0"):
        Constant(value=1.0, low=2.0, high=3.0, source="here")

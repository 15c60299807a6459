"""Energy of a run: a large static part, board power times time, and small dynamic parts.

Each part is a quantity times a constant of the board file, which has a low and a high value beside
it; so a result has a band. Published board measurements show nearly the same power for different
accelerators, so run time dominates. Left out: what data look like (toggling), temperature, voltage.
"""

from dataclasses import dataclass

from cosim.board import Constant, EnergyConfig
from cosim.units import PS_PER_S

PJ_PER_UJ = 1_000_000
UJ_PER_J = 1_000_000


@dataclass(frozen=True)
class EnergyCounts:
    """What costs energy. `job_cycles` are accelerator cycles with a job running; `block_ram` and
    `lut` are what the accelerator takes, 0 where its area is not known."""

    time_ps: float = 0
    host_busy_ps: float = 0
    dram_bytes: float = 0
    bus_bytes: float = 0
    job_cycles: float = 0
    macs: float = 0
    bits: int = 8
    block_ram: int = 0
    lut: int = 0


@dataclass(frozen=True)
class Energy:
    """Microjoules, and between what bounds the constants let them be."""

    value: float
    low: float
    high: float


def energy_uj(counts: EnergyCounts, constants: EnergyConfig) -> dict[str, Energy]:
    """Energy by part: board, host, dram, bus, mac, block_ram, logic."""
    mac_pj = {8: constants.mac_8_pj, 16: constants.mac_16_pj, 32: constants.mac_32_pj}
    return {
        "board": _energy(constants.static_w, counts.time_ps / PS_PER_S * UJ_PER_J),
        "host": _energy(constants.host_busy_w, counts.host_busy_ps / PS_PER_S * UJ_PER_J),
        "dram": _energy(constants.dram_byte_pj, counts.dram_bytes / PJ_PER_UJ),
        "bus": _energy(constants.bus_byte_pj, counts.bus_bytes / PJ_PER_UJ),
        "mac": _energy(mac_pj[counts.bits], counts.macs / PJ_PER_UJ),
        "block_ram": _energy(
            constants.block_ram_cycle_pj, counts.job_cycles * counts.block_ram / PJ_PER_UJ
        ),
        "logic": _energy(constants.lut_cycle_pj, counts.job_cycles * counts.lut / PJ_PER_UJ),
    }


def total(parts: dict[str, Energy]) -> Energy:
    """The sum of all parts, all constants low or high at once."""
    return Energy(
        sum(part.value for part in parts.values()),
        sum(part.low for part in parts.values()),
        sum(part.high for part in parts.values()),
    )


def _energy(constant: Constant, quantity: float) -> Energy:
    return Energy(constant.value * quantity, constant.low * quantity, constant.high * quantity)

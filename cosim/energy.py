"""Energy of a run: a large static part, board power times time, and small dynamic parts.

The constants and their sources are in the board file. Published board measurements show nearly the
same power for very different accelerators, so run time dominates.
"""

from dataclasses import dataclass

from cosim.board import EnergyConfig
from cosim.units import PS_PER_S

PJ_PER_UJ = 1_000_000


@dataclass(frozen=True)
class EnergyCounts:
    """What costs energy; `unit_cycles` are accelerator cycles with a job running, times units."""

    time_ps: int
    dram_bytes: int
    bus_bytes: int
    unit_cycles: int
    macs: int


def energy_uj(counts: EnergyCounts, constants: EnergyConfig) -> dict[str, float]:
    """Microjoules by part: board, dram, bus, accelerator, mac."""
    return {
        "board": constants.board_static_w * counts.time_ps / PS_PER_S * 1e6,
        "dram": counts.dram_bytes * constants.dram_byte_pj / PJ_PER_UJ,
        "bus": counts.bus_bytes * constants.bus_byte_pj / PJ_PER_UJ,
        "accelerator": counts.unit_cycles * constants.accelerator_cycle_pj / PJ_PER_UJ,
        "mac": counts.macs * constants.mac_pj / PJ_PER_UJ,
    }

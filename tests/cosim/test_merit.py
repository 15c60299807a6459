"""Merit: speed-up over ideal dense multipliers for the clock and area it takes."""

from typing import Any

import pytest

from cosim.errors import ScenarioError
from cosim.merit import merits


def area(kind: str, lut: int, fmax_mhz: float | None, block_ram: int) -> dict[str, Any]:
    core = {"lut": lut, "fmax_mhz": fmax_mhz, "block_ram": block_ram}
    configuration = {"kind": kind, "bits": 8, "units": 8, "lookahead": 2}
    return core | {"configuration": configuration, "core": core}


RUN = {
    "network": "net",
    "bits": 8,
    "units": 8,
    "images": 2,
    "configuration": {"kind": "list", "bits": 8, "units": 8, "lookahead": 2},
    "layers": [
        {"runs_on": "accelerator", "cycles": 200, "macs_dense": 16_000, "macs_useful": 800},
        {"runs_on": "host", "cycles": 0, "macs_dense": 5, "macs_useful": 5},
    ],
}


def test_merit_is_speed_for_clock_and_area() -> None:
    (found,) = merits([RUN], [area("dense", 1000, 100.0, 10), area("list", 2000, 90.0, 30)])
    assert found.accelerator == "list K=2"
    assert found.cycles == 100
    assert found.speedup == pytest.approx(10)
    assert found.utilisation == pytest.approx(0.5)
    assert found.merit == pytest.approx(10 * 0.9 / 2)
    assert found.block_ram_merit == pytest.approx(10 * 0.9 / 3)


@pytest.mark.parametrize("clock", [None, 90.0])
def test_area_that_is_not_there(clock: float | None) -> None:
    areas = [area("list", 2000, clock, 30)]
    with pytest.raises(ScenarioError, match=r"area of .* must be placed and routed for net"):
        merits([RUN], areas)

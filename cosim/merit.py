"""What an accelerator is worth: speed against ideal dense multipliers, for its clock and area.

Merit is the speed-up over eight (or as many as there are units) dense multipliers that never wait,
times the clock and divided by the look-up tables, both relative to the dense accelerator's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cosim.errors import ScenarioError


@dataclass(frozen=True)
class Merit:
    """One network on one accelerator; ratios are to the dense accelerator of that width."""

    network: str
    accelerator: str
    bits: int
    cycles: float
    """Of all layers on the accelerator, an image."""
    speedup: float
    """Over dense multiplications / units."""
    utilisation: float
    """Useful multiplications / (cycles x units)."""
    clock_ratio: float
    lut_ratio: float
    block_ram_ratio: float

    @property
    def merit(self) -> float:
        """Speed-up for look-up tables."""
        return self.speedup * self.clock_ratio / self.lut_ratio

    @property
    def block_ram_merit(self) -> float:
        """Speed-up for block RAMs."""
        return self.speedup * self.clock_ratio / self.block_ram_ratio


def merits(runs: Sequence[dict[str, Any]], areas: Sequence[dict[str, Any]]) -> list[Merit]:
    """A merit for each run whose accelerator was placed; areas are reports of `hdl.synthesis`.

    Raises ScenarioError if no area is that of a run's accelerator, or the dense one of its width
    and units is missing.
    """
    placed = {_key(area["configuration"]): area.get("core", area) for area in areas}
    found = []
    for run in runs:
        configuration = run["configuration"]
        area = _find(placed, configuration, run["network"])
        dense = _find(placed, configuration | {"kind": "dense"}, run["network"])
        layers = [layer for layer in run["layers"] if layer["runs_on"] == "accelerator"]
        cycles = sum(layer["cycles"] for layer in layers) / run["images"]
        ideal = sum(layer["macs_dense"] for layer in layers) / run["images"] / run["units"]
        useful = sum(layer["macs_useful"] for layer in layers) / run["images"]
        found.append(
            Merit(
                run["network"],
                name_of(configuration),
                run["bits"],
                cycles,
                ideal / cycles,
                useful / cycles / run["units"],
                area["fmax_mhz"] / dense["fmax_mhz"],
                area["lut"] / dense["lut"],
                area["block_ram"] / dense["block_ram"],
            )
        )
    return found


def name_of(configuration: dict[str, Any]) -> str:
    """The accelerator's kind, with its look-ahead where it has one."""
    kind = str(configuration["kind"])
    return f"{kind} K={configuration['lookahead']}" if kind == "list" else kind


def _key(configuration: dict[str, Any]) -> tuple[Any, ...]:
    kind = configuration["kind"]
    own = (configuration["lookahead"],) if kind == "list" else ()
    return kind, configuration["bits"], configuration["units"], *own


def _find(
    placed: dict[tuple[Any, ...], dict[str, Any]], configuration: dict[str, Any], network: str
) -> dict[str, Any]:
    area = placed.get(_key(configuration))
    if area is None or area["fmax_mhz"] is None:
        what = f"{name_of(configuration)}, {configuration['bits']} bits, {configuration['units']}"
        raise ScenarioError(f"area of {what} units must be placed and routed for {network}")
    return area

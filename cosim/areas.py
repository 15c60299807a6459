"""Area and clock of any accelerator on a device: measured where it was, fitted in between.

`cosim/measured_areas/*.json` has what `scripts/measure_areas.py` got from Yosys (and, for ECP5,
from nextpnr). Look-up tables, registers and multipliers are straight lines in the number of units,
fitted through the points of one kind, look-ahead and width; block RAMs are computed from the shapes
of the memories (`hdl.block_rams`); the clock is interpolated over the logarithm of the units. Left
out: wider addresses of deeper memories, a few look-up tables a unit.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from cosim.board import Family
from cosim.errors import ScenarioError
from hdl.block_rams import block_rams, memory_shapes
from hdl.config import AcceleratorConfig

MEASURED = Path(str(resources.files("cosim"))) / "measured_areas"

CLOCK_FAMILY = "ecp5"
"""Only this family is placed and routed; others are assumed to reach its clock."""

FITTED = ("lut", "ff", "dsp")

Variant = tuple[str, int, int, int]
"""Kind, look-ahead (0 without), bits, products a multiplier."""


@dataclass(frozen=True)
class AreaPoint:
    """One accelerator that was synthesised; `fmax_mhz` is None without place and route."""

    configuration: AcceleratorConfig
    lut: int
    ff: int
    block_ram: int
    dsp: int
    fmax_mhz: float | None


@dataclass(frozen=True)
class Area:
    """What an accelerator takes; block RAMs of 18 Kbit. `source`: measured, or how it was found."""

    lut: int
    ff: int
    block_ram: int
    dsp: int
    fmax_mhz: float
    source: str
    clock_source: str

    def report(self) -> dict[str, Any]:
        """As the run's JSON has it."""
        return asdict(self)


class AreaModel:
    """Area and clock from measured points of one family, and points for the clock."""

    def __init__(
        self, family: Family, points: Sequence[AreaPoint], clocks: Sequence[AreaPoint]
    ) -> None:
        self._family: Family = family
        self._points = _by_variant(points)
        self._lines = {
            variant: {name: _Line.through(group, name) for name in FITTED}
            for variant, group in self._points.items()
            if len(group) > 1
        }
        self._clocks = _by_variant([point for point in clocks if point.fmax_mhz is not None])

    def knows(self, config: AcceleratorConfig) -> bool:
        """Whether an accelerator like that was measured at two numbers of units at least, and one
        was placed."""
        return variant_of(config) in self._lines and bool(self._placed(config))

    def area(self, config: AcceleratorConfig) -> Area:
        """The area of an accelerator; raises ScenarioError if none like it was measured."""
        points = self._points.get(variant_of(config), {})
        lines = self._lines.get(variant_of(config))
        exact = points.get(config.units)
        if exact is not None:
            lut, ff, dsp = exact.lut, exact.ff, exact.dsp
            source = "measured"
        elif lines is not None:
            lut, ff, dsp = (lines[name].at(config.units) for name in FITTED)
            source = f"fitted over {', '.join(map(str, sorted(points)))} units"
        else:
            raise ScenarioError(
                f"area of {_name(config)} must be measured for {self._family}, "
                "no figures are there (scripts/measure_areas.py)"
            )
        if config.partial_sums:
            source += ", without what adds partial sums"
        fmax_mhz, clock_source = self._clock(config)
        ram = block_rams(memory_shapes(config), self._family)
        return Area(lut, ff, ram, dsp, fmax_mhz, source, clock_source)

    def _placed(self, config: AcceleratorConfig) -> dict[int, AreaPoint]:
        """Placed points of its variant, with a product a multiplier if none has more."""
        plain = config.model_copy(update={"products_per_multiplier": 1})
        found = (self._clocks.get(variant_of(item), {}) for item in (config, plain))
        return next(filter(None, found), {})

    def _clock(self, config: AcceleratorConfig) -> tuple[float, str]:
        points = self._placed(config)
        if not points:
            raise ScenarioError(f"clock of {_name(config)} must be measured, no figures are there")
        units = sorted(points)
        clocks = [points[number].fmax_mhz or 0.0 for number in units]
        fmax_mhz = float(np.interp(math.log2(config.units), np.log2(units), clocks))
        if config.units in points:
            return fmax_mhz, f"measured on {CLOCK_FAMILY}"
        way = "interpolated" if units[0] < config.units < units[-1] else "as at the nearest point"
        return round(fmax_mhz, 2), f"{way}, {CLOCK_FAMILY}, {', '.join(map(str, units))} units"


@cache
def area_model(family: Family) -> AreaModel:
    """The model of a family, from its measured points."""
    return AreaModel(family, load_points(family), load_points(CLOCK_FAMILY))


@cache
def load_points(family: Family) -> tuple[AreaPoint, ...]:
    """What was measured for a family."""
    document = json.loads((MEASURED / f"{family}.json").read_text(encoding="utf-8"))
    return tuple(
        AreaPoint(AcceleratorConfig.model_validate(point.pop("configuration")), **point)
        for point in document["points"]
    )


def variant_of(config: AcceleratorConfig) -> Variant:
    """What the figures of an accelerator depend on, but for units and depths of memories."""
    lookahead = config.lookahead if config.kind == "list" else 0
    return config.kind, lookahead, config.bits, config.products_per_multiplier


def held_back_errors(points: Sequence[AreaPoint]) -> list[tuple[AreaPoint, dict[str, float]]]:
    """How far off the fit is at each point when that point is held back: relative errors."""
    found = []
    for group in _by_variant(points).values():
        if len(group) < 3:
            continue
        for units, point in group.items():
            others = {number: other for number, other in group.items() if number != units}
            errors = {
                name: _Line.through(others, name).at(units) / getattr(point, name) - 1
                for name in FITTED
            }
            found.append((point, errors))
    return found


def _by_variant(points: Sequence[AreaPoint]) -> dict[Variant, dict[int, AreaPoint]]:
    groups: dict[Variant, dict[int, AreaPoint]] = {}
    for point in points:
        config = point.configuration
        groups.setdefault(variant_of(config), {})[config.units] = point
    return groups


@dataclass(frozen=True)
class _Line:
    """A straight line over units, fitted to points, each weighted for its relative error."""

    slope: float
    offset: float

    @classmethod
    def through(cls, points: dict[int, AreaPoint], name: str) -> "_Line":
        numbers = sorted(points)
        values = [getattr(points[number], name) for number in numbers]
        weights = [1 / max(value, 1) for value in values]
        slope, offset = np.polyfit(numbers, values, 1, w=weights)
        return cls(float(slope), float(offset))

    def at(self, units: int) -> int:
        return max(0, round(self.slope * units + self.offset))


def _name(config: AcceleratorConfig) -> str:
    ahead = f" K={config.lookahead}" if config.kind == "list" else ""
    return f"{config.kind}{ahead}, {config.bits} bits"

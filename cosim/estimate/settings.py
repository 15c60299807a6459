"""Constants of a system as formulas read them: a number, or one for each of many design points."""

from collections.abc import Mapping
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cosim.scenario import Scenario
from cosim.units import PS_PER_NS, PS_PER_US

Numbers = float | NDArray[np.float64]


class Settings:
    """A scenario's constants; `columns` replace some, by dotted key, with one value a point."""

    def __init__(self, scenario: Scenario, columns: Mapping[str, NDArray] | None = None) -> None:
        self.scenario = scenario
        self._columns = columns or {}

    def __call__(self, key: str) -> Any:
        """The value of a dotted key, `board.host.call_ns`, or the array of its values."""
        if key in self._columns:
            return self._columns[key]
        return reduce(getattr, key.split("."), self.scenario)

    def ps(self, key: str) -> Numbers:
        """A key in nanoseconds, as whole picoseconds."""
        found: Numbers = np.rint(self(key) * PS_PER_NS)
        return found

    def period_ps(self, domain: str) -> Numbers:
        """The period of a clock, whole picoseconds as in `cosim.units.ClockDomain`."""
        found: Numbers = np.rint(PS_PER_US / self(f"board.clocks.{domain}_mhz"))
        return found

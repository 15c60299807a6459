"""How filters become lists: copies for neighbouring output positions, or parts, for idle units.

**Positions.** A weight list moved to the next output position is the same list with larger offsets.
So `list` can compute `p` neighbours of a row at one window, with `p` lists a filter, and windows
`p` positions apart: 20 filters keep 8 units as busy as 40, 16 filters 64 units as 64. Results lie
channel by channel, position by position, so that filter `f` of the `i`-th neighbour is output
channel `i * filters + f` of a tensor with `p` times as many; nothing in the hardware knows of it.
Weights take `p` times the room.

**Parts.** Where `list` is built with `partial_sums`, two lists can have half of a filter's words
each: `2f` and `2f + 1` those of filter `f`, on two neighbouring units, whose sums the collector
adds. Ten filters keep eight units as busy as twenty of half the length. Each part takes an entry of
the bias memory.
"""

from dataclasses import dataclass
from math import gcd

import numpy as np
from numpy.typing import NDArray

from hdl.config import REST_CYCLES
from networks.schedule.balance import assign


@dataclass(frozen=True)
class Division:
    """Lists of an operation: `parts` of each filter, and a copy of all for each of `positions`."""

    positions: int = 1
    parts: int = 1

    @property
    def lists(self) -> int:
        """Of a filter."""
        return self.positions * self.parts

    def spread(self, filters: NDArray) -> NDArray:
        """What belongs to filters in stored order, `(filters, ...)`, for each of their lists."""
        return np.concatenate([np.repeat(filters, self.parts, axis=0)] * self.positions)

    def words(self, filters: NDArray[np.float64]) -> NDArray[np.float64]:
        """Words of each list, of those of filters in stored order: the first part has one more."""
        part = np.tile(np.arange(self.parts), len(filters) * self.positions)
        return np.maximum(1.0, (self.spread(filters) + self.parts - 1 - part) // self.parts)

    def cycles(self, filters: NDArray[np.float64]) -> NDArray[np.float64]:
        """Cycles of each list, of those of filters in stored order."""
        if self.parts == 1:
            return self.spread(filters)
        return np.maximum(self.spread(filters) / self.parts, REST_CYCLES)


WHOLE = Division()


def stored_order(
    work: NDArray[np.float64], units: int, division: Division, *, balance: bool
) -> list[int]:
    """The stored order of an operation's filters.

    Parts of a filter are on neighbouring units: filters are shared out among pairs of units. Copies
    of a filter are on units `filters` apart, modulo `units`: if they go all the way round, what
    matters is how filters are shared out among the units' residues.
    """
    filters = len(work)
    if not balance:
        return list(range(filters))
    if division.parts > 1:
        return assign(work, units // division.parts)
    residues = gcd(filters, units)
    positions = division.positions
    return assign(work, units if positions % (units // residues) else residues)

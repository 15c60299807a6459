"""Filters of an operation as their statistics have them, in the order in which they are stored."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from hdl.config import REST_CYCLES, AcceleratorConfig
from networks.schedule.division import WHOLE, Division, stored_order
from networks.schedule.operation import Operation
from networks.schedule.weights import Part, StoredFilters, Tile
from networks.statistics import Durations, OperationStatistics
from networks.weight_lists import MIN_LIST_WORDS, list_words


@dataclass(frozen=True, eq=False)
class EstimatedFilters(StoredFilters):
    """What filters take and how long, one number each: `values` stored, `items` walked in a window
    (bitmap sections, list words, elements); `durations` of units that go at their own pace; so
    many neighbouring windows are `alike`."""

    config: AcceleratorConfig
    values: NDArray[np.int64]
    items: NDArray[np.int64]
    durations: Durations | None
    alike: int

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Values, or list words, of each filter."""
        return self.values

    @property
    def word_values(self) -> int:
        """Of a word of the weight memory."""
        return 1 if self.config.kind == "list" else self.config.lanes

    @property
    def least_words(self) -> int:
        """Words of the shortest list."""
        return MIN_LIST_WORDS if self.config.kind == "list" else 0

    def sections(self, part: Part) -> int:
        """Bitmap sections of each filter; 0 without bitmaps."""
        return int(self.items[0]) if self.config.kind == "bitmap" else 0

    def unit_values(self, tile: Tile) -> NDArray[np.int64]:
        """Values, or list words, of a tile by unit."""
        values = self.values[tile.first : tile.last]
        found = np.zeros(self.units, np.int64)
        np.add.at(found, np.arange(len(values)) % self.units, values)
        return found


@lru_cache(maxsize=8192)
def estimated_filters(
    operation: Operation,
    statistics: OperationStatistics,
    config: AcceleratorConfig,
    *,
    division: Division = WHOLE,
    balance: bool = True,
    groups: bool = False,
) -> EstimatedFilters:
    """An operation's filters, divided like that, on an accelerator; kept for later calls.

    `groups`: with several windows, a part for each of the groups that have a job of their own.
    """
    units, balanced = config.units, balance and config.kind != "dense"
    values, work = _filter_costs(statistics, config.kind, config.lookahead)
    own = np.array(stored_order(work, units, division, balance=balanced), np.int64)
    order = division.spread(own)
    stored = division.words(values[own]) if config.kind == "list" else values[order]
    items, durations = stored, None
    if config.kind == "bitmap":
        items, durations = np.full(len(order), statistics.sections), statistics.section_cycles
    elif config.independent_units:
        durations = statistics.word_cycles[config.lookahead]
    if durations is not None:
        durations = Durations(
            division.cycles(durations.mean[own]),
            division.cycles(durations.most[own]),
            durations.deviation[order] / np.sqrt(division.parts),
            durations.common,
        )
    size = units if groups and not operation.single_window else len(order)
    firsts = range(0, len(order), size)
    return EstimatedFilters(
        operation,
        units,
        tuple(Part(first, min(first + size, len(order))) for first in firsts),
        config,
        np.ceil(stored).astype(np.int64),
        np.ceil(items).astype(np.int64),
        durations,
        # all rows of a pooling window come before its neighbour
        max(1, round(statistics.alike * operation.pool.kernel[0] / division.positions)),
        division=division,
    )


def _filter_costs(
    statistics: OperationStatistics, kind: str, lookahead: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Of each filter: what is stored, and the work it is balanced by."""
    if kind == "dense":
        steps = np.full(statistics.filters, float(statistics.steps))
        return steps, steps
    if kind == "bitmap":
        return statistics.nonzero, statistics.assumed_cycles
    words = list_words(statistics.nonzero, lookahead)
    if lookahead == 1:
        return words, words
    return words, np.maximum(statistics.word_cycles[lookahead].mean, REST_CYCLES)

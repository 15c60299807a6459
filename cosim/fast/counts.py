"""Useful work and lost cycles of a job's units, counted as `cosim.monitor.JobMonitor` does."""

from dataclasses import dataclass, field
from typing import NamedTuple

from cosim.fast.latencies import Latencies
from cosim.fast.pipe_state import Pipes, PipeTimes
from cosim.monitor import STALL_CAUSES
from hdl.config import AcceleratorConfig


@dataclass(frozen=True)
class JobCounts:
    """Sums over the units of a job; with `macs_useful` the stalls sum to units x cycles."""

    macs_useful: int = 0
    multiplications: int = 0
    stall_cycles: dict[str, int] = field(default_factory=dict)


class Work(NamedTuple):
    """What independent units do in a job: `pairs` multiplied, and all `cycles` it takes them in the
    last stage, or the issue stage."""

    pairs: int
    cycles: int


def _counts(
    useful: int, multiplications: int, blocked: int, empty: int, waiting: int, finished: int
) -> JobCounts:
    stalls = (blocked, empty, multiplications - useful, waiting, finished, 0)
    return JobCounts(useful, multiplications, dict(zip(STALL_CAUSES, stalls, strict=True)))


def independent_counts(
    config: AcceleratorConfig,
    pipes: Pipes,
    times: PipeTimes,
    latencies: Latencies,
    cycles: int,
    useful: int,
    work: Work,
) -> JobCounts:
    """Counts of units with a pace of their own.

    In each cycle a busy last (or issue) stage has a pair, something without one, or waits;
    `latencies.multiply` later the monitor tells.
    """
    waits = int(times.waits.sum())
    spent = work.cycles + int(times.idle.sum())
    last = times.left[pipes.segments[1:] - 1] + latencies.multiply + 1
    finished = cycles * config.units - int(last.sum())
    waiting = int(last.sum()) - spent - waits
    return _counts(useful, work.pairs, waits, spent - work.pairs, waiting, finished)


def lockstep_counts(
    config: AcceleratorConfig,
    pipes: Pipes,
    times: PipeTimes,
    latencies: Latencies,
    cycles: int,
    useful: int,
    filters: int,
) -> JobCounts:
    """Counts of units in lockstep: all tell of a wait, only those with a filter multiply.

    In `dense` a unit has none in the last round if there are fewer channels left than units; a list
    goes on to its end.
    """
    units = config.units
    waits = int(times.waits.sum())
    items = pipes.items
    multiplications = busy = 0
    for unit in range(units):
        if config.kind == "dense":
            own = len(range(unit, filters, units))
        else:
            own = len(items) if unit < filters else 0
        last = max(int(times.left[own - 1]) if own else -1, times.last_wait)
        multiplications += int(items[:own].sum()) * pipes.windows
        busy += last + latencies.multiply + 1 if last >= 0 else 0
    finished = cycles * units - busy
    waiting = busy - multiplications - waits * units
    return _counts(useful, multiplications, waits * units, 0, waiting, finished)

"""From what each stage did in each cycle to job records and stage spans.

Engines note the accelerator's monitor outputs (`hdl.bundles.Monitor`) in a `MonitorLog`, a row a
clock cycle; `JobMonitor` counts whole columns of it at a time.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cosim.trace import Trace
from hdl.bundles import Monitor
from hdl.config import AcceleratorConfig

LOG_CYCLES = 2048
"""Rows of a log, and most cycles that are played in one go.

Enough to make counting cheap, few enough to stay in a cache and to notice that a system hangs.
"""


STALL_CAUSES = (
    "result_blocked",
    "no_pair",
    "zero_operand",
    "unit_waiting",
    "unit_finished",
    "storing",
)
"""Why a unit made no useful product in a cycle of a job; with the useful ones they sum to
units x cycles.

`result_blocked`: a finished filter waited for the collector; `no_pair`: a section or list word had
no useful pair; `zero_operand`: it multiplied a zero; `unit_waiting`: nothing had come yet, from the
job's start or until the next window; `unit_finished`: its filters were done before the job was;
`storing`: the job only sends results out.
"""

STAGES = ("load", "fetch", "operands", "multiply", "collect", "write", "store")
"""Stages with a track of their own in a trace, as `hdl.bundles.Monitor` shows them."""


def monitor_fields(config: AcceleratorConfig) -> dict[str, int]:
    """Name and width in bits of each monitor output, in the order of a log's columns."""
    return {name: len(signal) for name, signal in vars(Monitor(config)).items()}


class MonitorLog:
    """Monitor outputs of consecutive active cycles: `columns[field, cycle]`, the first `used`.

    `edges_ps` are the rising edges that end the cycles. Raises ValueError on a field of more than
    64 bits.
    """

    def __init__(self, config: AcceleratorConfig) -> None:
        widths = monitor_fields(config)
        self.fields = tuple(widths)
        for name, bits in widths.items():
            if bits > 64:
                raise ValueError(f"monitor output {name} must have at most 64 bits, not {bits}")
        self.edges_ps: NDArray[np.int64] = np.zeros(LOG_CYCLES, np.int64)
        self.columns: NDArray[np.uint64] = np.zeros((len(self.fields), LOG_CYCLES), np.uint64)
        self.used = 0

    @property
    def full(self) -> bool:
        """Says whether there is no row left."""
        return self.used == LOG_CYCLES

    def append(self, edge_ps: int, monitor: Mapping[str, int]) -> None:
        """Notes the cycle that ended at `edge_ps`."""
        self.edges_ps[self.used] = edge_ps
        self.columns[:, self.used] = [monitor[name] for name in self.fields]
        self.used += 1

    def column(self, name: str) -> NDArray[np.uint64]:
        """The field's values, one a cycle."""
        return self.columns[self.fields.index(name), : self.used]


@dataclass
class JobRecord:
    """One job the accelerator has run; unit counts are sums over its cycles."""

    start_ps: int
    end_ps: int = 0
    cycles: int = 0
    macs_useful: int = 0
    multiplications: int = 0
    stall_cycles: dict[str, int] = field(default_factory=lambda: dict.fromkeys(STALL_CAUSES, 0))


class JobMonitor:
    """Turns the rows of `log` into job records, and stage spans in a trace.

    `jobs` has what is counted so far; `count` brings it up to date and empties the log.
    """

    def __init__(self, config: AcceleratorConfig, period_ps: int, trace: Trace | None) -> None:
        self.log = MonitorLog(config)
        self.jobs: list[JobRecord] = []
        self._units = config.units
        self._period_ps = period_ps
        self._trace = trace
        self._running = False
        self._last_events = np.zeros(config.units, np.int64)
        self._stage_start_ps: dict[str, int] = {}

    def count(self) -> None:
        """Counts the cycles in the log."""
        log = self.log
        if not log.used:
            return
        job = np.concatenate(([self._running], log.column("job") != 0))
        if job.any():
            counts = self._unit_counts()
            cuts = np.flatnonzero(job[1:] != job[:-1]).tolist()
            starts = [0, *(cut for cut in cuts if cut > 0)]
            for start, end in zip(starts, [*starts[1:], log.used], strict=True):
                if job[start + 1]:
                    self._count_job(start, end, counts)
        self._running = bool(job[-1])
        if self._trace is not None:
            self._follow_stages(self._trace)
        log.used = 0

    def _unit_counts(self) -> dict[str, NDArray]:
        """Units at each kind of work and stall, in each cycle."""
        column = self.log.column
        multiply, useful = column("multiply"), column("useful")
        storing = (column("storing") != 0) * np.uint8(self._units)
        counts = {
            "multiplications": np.bitwise_count(multiply),
            "macs_useful": np.bitwise_count(useful),
            "zero_operand": np.bitwise_count(multiply & ~useful),
            "no_pair": np.bitwise_count(column("empty")),
            "result_blocked": np.bitwise_count(column("blocked")),
        }
        for values in counts.values():
            values[storing != 0] = 0
        return counts | {"storing": storing}

    def _count_job(self, start: int, end: int, counts: Mapping[str, NDArray]) -> None:
        edges_ps = self.log.edges_ps
        if start > 0 or not self._running:
            self.jobs.append(JobRecord(int(edges_ps[start]) - self._period_ps))
            self._last_events[:] = 0
        job = self.jobs[-1]
        job.end_ps = int(edges_ps[end - 1])
        sums = {name: int(values[start:end].sum()) for name, values in counts.items()}
        job.multiplications += sums["multiplications"]
        job.macs_useful += sums["macs_useful"]
        stalls = job.stall_cycles
        for cause in ("zero_operand", "no_pair", "result_blocked", "storing"):
            stalls[cause] += sums[cause]
        if not sums["storing"]:
            stalls["unit_waiting"] += self._waited(job.cycles, start, end)
        job.cycles += end - start
        if not stalls["storing"]:
            # until another event comes
            stalls["unit_finished"] = job.cycles * self._units - int(self._last_events.sum())

    def _waited(self, before: int, start: int, end: int) -> int:
        """Cycles that units had waited for what they did in these cycles of a job."""
        column = self.log.column
        events = (column("multiply") | column("empty") | column("blocked"))[start:end]
        waited = 0
        for unit in range(self._units):
            at = np.flatnonzero(events & np.uint64(1 << unit))
            if len(at):
                last = before + int(at[-1]) + 1
                waited += last - int(self._last_events[unit]) - len(at)
                self._last_events[unit] = last
        return waited

    def _follow_stages(self, trace: Trace) -> None:
        """Adds the spans that have ended, in order of their ends."""
        before_ps = self.log.edges_ps[: self.log.used] - self._period_ps
        ended: list[tuple[int, int, int]] = []
        for index, stage in enumerate(STAGES):
            busy = np.concatenate(([stage in self._stage_start_ps], self.log.column(stage) != 0))
            for cycle in np.flatnonzero(busy[1:] != busy[:-1]).tolist():
                time_ps = int(before_ps[cycle])
                if busy[cycle + 1]:
                    self._stage_start_ps[stage] = time_ps
                else:
                    ended.append((time_ps, index, self._stage_start_ps.pop(stage)))
        for end_ps, index, start_ps in sorted(ended):
            trace.span(f"stage {STAGES[index]}", STAGES[index], start_ps, end_ps)

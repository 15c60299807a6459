"""Counting whole logs of monitor outputs: the same as a cycle at a time, however the log is cut."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosim import monitor
from cosim.monitor import (
    LOG_CYCLES,
    STAGES,
    STALL_CAUSES,
    JobMonitor,
    JobRecord,
    MonitorLog,
    monitor_fields,
)
from cosim.trace import Trace
from tests.hdl.bench import small_config

PERIOD_PS = 10
FIELDS = {"zero_operand": "multiply", "no_pair": "empty", "result_blocked": "blocked"}
CONFIG = small_config(units=3)
Row = dict[str, int]


def random_rows(seed: int, cycles: int) -> list[tuple[int, Row]]:
    """Monitor outputs with jobs of some cycles, and gaps in time between jobs now and then."""
    random = np.random.default_rng(seed)
    widths = monitor_fields(CONFIG)
    rows, edge_ps, job, storing = [], 0, 0, 0
    for _ in range(cycles):
        edge_ps += PERIOD_PS
        if random.random() < 0.15:
            job, storing = 1 - job, int(random.random() < 0.3)
            edge_ps += 0 if job == 0 else PERIOD_PS * int(random.integers(0, 3))
        row = {name: int(random.integers(0, 1 << bits)) for name, bits in widths.items()}
        row |= {"job": job, "storing": job & storing}
        row["useful"] &= row["multiply"]
        row["empty"] &= ~row["multiply"]
        row["blocked"] &= ~(row["multiply"] | row["empty"])
        rows.append((edge_ps, row))
    return rows


def count_by_cycle(rows: list[tuple[int, Row]]) -> list[JobRecord]:
    """The rules applied to one unit in one cycle after the other."""
    jobs: list[JobRecord] = []
    idle = [0] * CONFIG.units
    for index, (edge_ps, row) in enumerate(rows):
        if not row["job"]:
            continue
        if index == 0 or not rows[index - 1][1]["job"]:
            jobs.append(JobRecord(edge_ps - PERIOD_PS))
            idle = [0] * CONFIG.units
        job = jobs[-1]
        job.end_ps, job.cycles = edge_ps, job.cycles + 1
        for unit in range(CONFIG.units):
            cause = next((c for c, f in FIELDS.items() if row[f] >> unit & 1), "unit_finished")
            if row["storing"]:
                job.stall_cycles["storing"] += 1
                continue
            if cause == "zero_operand":
                useful = row["useful"] >> unit & 1
                job.multiplications += 1
                job.macs_useful += useful
                job.stall_cycles[cause] += 1 - useful
            else:
                job.stall_cycles[cause] += 1
            if cause == "unit_finished":
                idle[unit] += 1
            else:
                # it had not finished after all
                job.stall_cycles["unit_finished"] -= idle[unit]
                job.stall_cycles["unit_waiting"] += idle[unit]
                idle[unit] = 0
    return jobs


def observe(rows: list[tuple[int, Row]], cuts: set[int], trace: Trace | None = None) -> JobMonitor:
    watcher = JobMonitor(CONFIG, PERIOD_PS, trace)
    for index, (edge_ps, row) in enumerate(rows):
        if index in cuts:
            watcher.count()
        watcher.log.append(edge_ps, row)
    watcher.count()
    return watcher


@given(st.integers(0, 1000), st.integers(1, 120), st.sets(st.integers(0, 119)))
def test_jobs_are_those_counted_by_cycle(seed: int, cycles: int, cuts: set[int]) -> None:
    rows = random_rows(seed, cycles)
    jobs = observe(rows, cuts).jobs
    assert jobs == count_by_cycle(rows)
    for job in jobs:
        stalls = sum(job.stall_cycles[cause] for cause in STALL_CAUSES)
        assert job.macs_useful + stalls == job.cycles * CONFIG.units


@given(st.integers(0, 1000), st.sets(st.integers(0, 79)))
def test_spans_do_not_depend_on_how_the_log_is_cut(seed: int, cuts: set[int]) -> None:
    rows = random_rows(seed, 80)
    whole, cut = Trace(), Trace()
    observe(rows, set(), whole)
    observe(rows, cuts, cut)
    assert cut.events() == whole.events()
    for stage in STAGES:
        # a stage's first idle cycle after a busy one ends a span
        ends = [
            edge_ps - PERIOD_PS
            for (_, before), (edge_ps, row) in pairwise(rows)
            if before[stage] and not row[stage]
        ]
        spans = [span for span in whole.spans if span.track == f"stage {stage}"]
        assert [span.end_ps for span in spans] == ends


def test_a_log_knows_when_it_is_full() -> None:
    log = MonitorLog(CONFIG)
    row = dict.fromkeys(log.fields, 0)
    for cycle in range(LOG_CYCLES):
        assert not log.full
        log.append(cycle, row)
    assert log.full


def test_outputs_too_wide_for_a_log(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(monitor, "monitor_fields", lambda config: {"job": 1, "fetch": 65})
    with pytest.raises(ValueError, match="output fetch must have at most 64 bits, not 65"):
        MonitorLog(CONFIG)

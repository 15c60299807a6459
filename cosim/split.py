"""One run on several processes: images in parts, and what they leave behind as of one run.

The system is in the same state whenever an image begins that follows another: the driver's last
step is a register access, which ends at an edge of the bus clock, and the work after it does not
depend on the data; what the memory and the arbiters remember comes from the same sequence of
requests. So a part begins with the image before its first, which is run and left out, and its
times are shifted to where they belong. This is exact, to the picosecond, if the shift is a whole
number of periods of both clocks of the logic; it always is where bus and accelerator have the same
clock. Elsewhere the accelerator's edges lie otherwise between the bus's, and each crossing of the
two may come up to a period earlier or later. Other masters go by a time of their own: with them a
run cannot be split.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, replace
from math import lcm
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Thread
from typing import Any

import numpy as np

from cosim.errors import Interrupted, ScenarioError, ToolError
from cosim.parallel import in_processes
from cosim.position import Position
from cosim.report import Run
from cosim.run import Prepared, execute, prepare
from cosim.scenario import Scenario
from cosim.system import PROGRESS_S, Counts, RunRecord

NOT_EXACT = (
    "times: bus and accelerator have different clocks, and their edges do not lie to each other "
    "as they would in one run"
)

Progress = Callable[[int, int], None]
"""Is told how many images are done, and of how many."""


@dataclass(frozen=True)
class Part:
    """Images in a row, from number `first` of the run; `before`: images that lead up to them."""

    first: int
    images: int
    before: int


@dataclass(frozen=True)
class Split:
    """How a run was split; `exact`: not a picosecond differs from the run in one process."""

    processes: int
    exact: bool

    def report(self) -> dict[str, Any]:
        """For the run's JSON document."""
        return {
            "processes": self.processes,
            "exact": self.exact,
            "may_differ": None if self.exact else NOT_EXACT,
        }


def parts(images: int, processes: int) -> list[Part]:
    """Parts that take about as long, the image that leads up to all but the first counted."""
    share, more = divmod(images + processes - 1, processes)
    found = [Part(0, share + (more > 0), 0)]
    for index in range(1, processes):
        size = share + (index < more) - 1
        if size > 0:
            found.append(Part(found[-1].first + found[-1].images, size, 1))
    return found


def execute_split(
    prepared: Prepared, processes: int, progress: Progress | None = None
) -> tuple[Run, Split]:
    """Runs what was prepared on at most so many processes.

    Raises what `cosim.run.execute` does, ScenarioError if there are other masters, and ToolError if
    one of the processes ends by itself.
    """
    start_s = time.perf_counter()
    scenario, images = prepared.scenario, len(prepared.images)
    if scenario.masters:
        raise ScenarioError(
            f"jobs must be 1 with other masters, not {processes}: what they do does not begin anew "
            "with each image"
        )
    planned = parts(images, processes)
    runs: dict[int, Run] = {}
    with _counted(len(planned), images, progress) as count:
        calls = [
            (index, _scenario_of(scenario, part), part.before, count.filename)
            for index, part in enumerate(planned)
        ]
        try:
            runs.update(in_processes(_run_part, calls, len(planned)))
        except KeyboardInterrupt as interrupt:
            raise Interrupted(
                f"after {count.sum()} of {images} images, in {len(planned)} parts"
            ) from interrupt
        except BrokenProcessPool as error:
            raise ToolError(
                f"a process of the run ended by itself (killed, or out of memory) after "
                f"{count.sum()} of {images} images"
            ) from error
    ordered = [runs[index] for index in range(len(planned))]
    record, exact = merge([run.record for run in ordered], planned, scenario)
    merged = replace(
        ordered[0],
        scenario=scenario,
        record=record,
        labels=prepared.labels,
        wall_s=time.perf_counter() - start_s,
    )
    return merged, Split(len(planned), exact)


def merge(
    records: Sequence[RunRecord], planned: Sequence[Part], scenario: Scenario
) -> tuple[RunRecord, bool]:
    """The record of all parts as of one run, and whether it is that run's to the picosecond."""
    clocks = scenario.board.clocks
    period_ps = lcm(clocks.bus.period_ps, clocks.accelerator.period_ps)
    merged, exact = records[0], True
    for record, part in zip(records[1:], planned[1:], strict=True):
        shift_ps = merged.images[-1].end_ps - record.images[part.before].start_ps
        exact &= shift_ps % period_ps == 0
        merged = _joined(merged, record, part.before, shift_ps)
    return merged, exact


@contextmanager
def _counted(parts: int, images: int, progress: Progress | None) -> Iterator[np.memmap]:
    """How many images each part has done, shared by file; `progress` is told the sum."""
    ended = Event()

    def watch(count: np.memmap) -> None:
        while progress is not None and not ended.wait(PROGRESS_S):
            progress(int(count.sum()), images)

    with TemporaryDirectory(prefix="sparse-cosim-") as folder:
        count = np.memmap(Path(folder) / "images", np.int64, "w+", shape=(parts,))
        watcher = Thread(target=watch, args=(count,), daemon=True)
        watcher.start()
        try:
            yield count
        finally:
            ended.set()
            watcher.join()


def _run_part(index: int, scenario_json: str, before: int, count_file: Path) -> tuple[int, Run]:
    count = np.memmap(count_file, np.int64, "r+")

    def follow(position: Position) -> None:
        count[index] = max(0, position.images - before)

    prepared = prepare(Scenario.model_validate_json(scenario_json))
    return index, execute(prepared, progress=follow)


def _scenario_of(scenario: Scenario, part: Part) -> str:
    first = scenario.input.first + part.first - part.before
    images = scenario.input.model_copy(update={"first": first, "images": part.images + part.before})
    return scenario.model_copy(update={"input": images}).model_dump_json()


def _joined(early: RunRecord, late: RunRecord, before: int, shift_ps: int) -> RunRecord:
    """Two records as one: what `late` did up to the end of its first `before` images is left out,
    and what `early` did after its last."""
    end_ps, start_ps = early.images[-1].end_ps, late.images[before].start_ps
    last, base = early.phase_ends[-1], late.phase_ends[before]

    def follow(counts: Counts) -> Counts:
        return Counts(*(a + b - c for a, b, c in zip(last, counts, base, strict=True)))

    return replace(
        early,
        images=(*early.images, *(_shifted(each, shift_ps) for each in late.images[before:])),
        jobs=(*early.jobs, *(_shifted(j, shift_ps) for j in late.jobs if j.start_ps >= start_ps)),
        host_spans=(
            *(span for span in early.host_spans if span.start_ps < end_ps),
            *(_shifted(s, shift_ps) for s in late.host_spans if s.start_ps >= start_ps),
        ),
        transfers_ps=(
            *early.transfers_ps,
            *((a + shift_ps, b + shift_ps) for a, b in late.transfers_ps if a >= start_ps),
        ),
        phase_ends=(*early.phase_ends, *map(follow, late.phase_ends[before + 1 :])),
        active_cycles=last.active_cycles + late.active_cycles - base.active_cycles,
        gated_cycles=last.gated_cycles + late.gated_cycles - base.gated_cycles,
    )


def _shifted(item: Any, shift_ps: int) -> Any:
    return replace(item, start_ps=item.start_ps + shift_ps, end_ps=item.end_ps + shift_ps)

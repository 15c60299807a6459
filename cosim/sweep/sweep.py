"""A sweep from its points to its store: what is there already is not run again."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from cosim.errors import Interrupted
from cosim.sweep.keys import code_version, invalid_key, point_key
from cosim.sweep.plan import Plan, Point
from cosim.sweep.point import Outcome
from cosim.sweep.store import Store, StoredPoint
from cosim.sweep.workers import run_here, run_on_cluster

Progress = Callable[[int, int, int], None]
"""Is told how many points are in the store, how many of those failed, and of how many."""


@dataclass(frozen=True)
class Tally:
    """How a sweep ended: points in all, found in the store, run now, and failed of all."""

    points: int
    found: int
    run: int
    failed: int


def run_sweep(
    plan: Plan,
    store: Store,
    *,
    jobs: int,
    cluster: str | None = None,
    retry: bool = False,
    progress: Progress | None = None,
) -> Tally:
    """Runs the points that are not in the store yet, each into it as soon as it is there.

    `retry`: runs those again that failed. Raises Interrupted, and ToolError if the cluster cannot
    be used; what is in the store by then stays.
    """
    points = {_key(point): point for point in plan.points}
    known = {key: status for key, status in store.known().items() if key in points}
    there = {key for key, status in known.items() if status == "done" or not retry}
    found, failed = len(there), sum(known[key] == "failed" for key in there)
    todo = {key: point for key, point in points.items() if key not in there}
    code = code_version()
    try:
        for outcome in _outcomes(todo, jobs, cluster):
            if progress is not None:
                progress(len(there), failed, len(points))
            store.put(_stored(plan.name, points[outcome.key], outcome, code))
            there.add(outcome.key)
            failed += outcome.report is None
    except KeyboardInterrupt as interrupt:
        raise Interrupted(
            f"after {len(there)} of {len(points)} points, all in {store.path}; "
            "the same command goes on from there"
        ) from interrupt
    if progress is not None:
        progress(len(there), failed, len(points))
    return Tally(len(points), found, len(there) - found, failed)


def _outcomes(todo: Mapping[str, Point], jobs: int, cluster: str | None) -> Iterator[Outcome]:
    scenarios = {}
    for key, point in todo.items():
        if point.scenario is None:
            yield Outcome(key, None, point.error, 0.0)
        else:
            scenarios[key] = point.scenario.model_dump_json()
    yield from run_on_cluster(scenarios, cluster) if cluster else run_here(scenarios, jobs)


def _key(point: Point) -> str:
    if point.scenario is None:
        return invalid_key(point.settings, str(point.error))
    return point_key(point.scenario)


def _stored(sweep: str, point: Point, outcome: Outcome, code: str) -> StoredPoint:
    return StoredPoint(
        key=outcome.key,
        sweep=sweep,
        settings=point.settings,
        status="failed" if outcome.report is None else "done",
        report=outcome.report,
        error=outcome.error,
        wall_s=outcome.wall_s,
        code=code,
    )

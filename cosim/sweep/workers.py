"""Where points are run: on processes of this machine, or on the workers of a Dask scheduler.

Either way a process that is lost loses nothing: its points are run again. A point that ends the
process it runs in (out of memory) fails by itself.
"""

from collections.abc import Iterator, Mapping
from concurrent.futures.process import BrokenProcessPool
from itertools import islice

from cosim.errors import ToolError
from cosim.parallel import AHEAD, in_processes
from cosim.sweep.point import Outcome, one_line, run_point

CONNECT_S = 10
"""How long to wait for the answer of a scheduler."""

LOST = "the process that ran it ended by itself (killed, or out of memory)"


def run_here(scenarios: Mapping[str, str], jobs: int) -> Iterator[Outcome]:
    """Outcomes, in the order in which they are there, of scenarios as JSON by their keys."""
    waiting = dict(scenarios)
    while waiting:
        try:
            for outcome in in_processes(run_point, list(waiting.items()), jobs):
                del waiting[outcome.key]
                yield outcome
        except BrokenProcessPool:
            # nobody knows which point it was: those handed out go one at a time
            for key in list(islice(waiting, jobs * AHEAD)):
                yield _run_alone(key, waiting.pop(key), jobs)


def _run_alone(key: str, scenario: str, jobs: int) -> Outcome:
    try:
        return next(in_processes(run_point, [(key, scenario)], jobs))
    except BrokenProcessPool:
        return Outcome(key, None, LOST, 0.0)


def run_on_cluster(scenarios: Mapping[str, str], address: str) -> Iterator[Outcome]:
    """The same on all workers of the Dask scheduler at `address`, such as tcp://host:8786.

    Dask itself rather than joblib's backend for it, which waits for ever for the result of a task
    that has cost several workers. Raises ToolError if the scheduler cannot be reached, or is lost.
    """
    try:
        from distributed import Client, as_completed
    except ImportError as error:
        raise ToolError(
            "a cluster needs Dask: install the extra `cluster` of this package"
        ) from error
    try:
        client = Client(address, timeout=CONNECT_S, set_as_default=False)
    except (OSError, ValueError) as error:
        raise ToolError(f"no Dask scheduler answers at {address} ({one_line(error)})") from error
    with client:
        futures = {
            client.submit(run_point, key, scenario, key=f"point-{key}"): key
            for key, scenario in scenarios.items()
        }
        for future, result in as_completed(
            futures, loop=client.loop, with_results=True, raise_errors=False
        ):
            key = futures.pop(future)
            # not by the future's status: its worker may be lost when its result is here already
            match result:
                case Outcome():
                    yield result
                case (_, error, _):
                    yield _failed_on_cluster(key, error)
                case _:
                    raise ToolError(f"the Dask scheduler at {address} was lost")


def _failed_on_cluster(key: str, error: BaseException) -> Outcome:
    from distributed import KilledWorker

    if isinstance(error, KilledWorker):
        return Outcome(key, None, LOST, 0.0)
    raise error

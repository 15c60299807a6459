"""The same function for many arguments, on several processes of this machine."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

Result = TypeVar("Result")

AHEAD = 2
"""Calls that are handed out for each process: one that runs, one that waits."""

PARENT_CHECK_S = 1.0


def cores() -> int:
    """Cores that this process may use."""
    from joblib import cpu_count  # takes a tenth of a second, which runs of one process need not

    return int(cpu_count())


def in_processes(
    function: Callable[..., Result], calls: Iterable[tuple[Any, ...]], jobs: int
) -> Iterator[Result]:
    """Results in the order in which they are there; with `jobs` of 1 in this process.

    Processes stay for further calls, so what they have loaded or compiled is reused. An interrupt
    at the terminal is for this process alone, which then ends the others. Raises what the function
    raises, and BrokenProcessPool if one of the processes ends by itself.
    """
    if jobs == 1:
        yield from (function(*call) for call in calls)
        return
    from joblib import Parallel, delayed

    parallel = Parallel(
        n_jobs=jobs,
        backend="loky",
        return_as="generator_unordered",
        batch_size=1,
        pre_dispatch=jobs * AHEAD,
        initializer=_start_worker,
    )
    with _interrupts_ignored():
        # processes start here, and inherit what is ignored until they can say it themselves
        results = parallel(delayed(function)(*call) for call in calls)
    try:
        yield from results
    finally:
        results.close()


def _start_worker() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()


def _end_with(parent: int) -> None:
    """Ends this process when its parent is gone, as after a kill: nobody wants its results."""
    while os.getppid() == parent:
        time.sleep(PARENT_CHECK_S)
    os._exit(1)


@contextmanager
def _interrupts_ignored() -> Iterator[None]:
    try:
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    except ValueError:  # not the main thread, which alone gets interrupts
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)

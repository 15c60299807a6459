"""The timing of a job: what the pipelines, the ring of windows and the collector do, by events.

Times are cycles from the one that starts the job, 0. A *pipe* is what walks windows: a unit, or all
units in lockstep. What it walks are *items* (bitmap section, list word, element), in *segments*
that end filters. Every stage of a pipe moves at the same clock edges, called edges here:

    walker -- `depth` edges --> out of the last stage -- sent, `result_latency` --> collector

The last stage lets an item go after its *duration*, the end of a filter only if there is room for
the result; nothing takes one cycle. So the times of edges follow from the durations. In a pipe that
`drops`, an issue stage behind the last stage takes over items with pairs, and spends the duration
there; the others are dropped, one a cycle, while it works.

In a segment only the last `depth` items count one by one: they are what lies between walker and
last stage when the walker leaves the window.
"""

from numba import njit

from cosim.fast.pipe_state import (
    DONE,
    LAST_WAIT,
    NEXT_PUSH,
    NEXT_TAKE,
    Pipes,
    PipeTimes,
    State,
    initial_state,
)
from cosim.fast.pipe_steps import edge, end_issue, push, serve, take


def simulate(p: Pipes) -> PipeTimes:
    """Plays a job of `p`; every pipe must have a segment that ends a filter."""
    s = initial_state(p)
    _play(p, s)
    return PipeTimes(s.takes, s.takers, s.waits, int(s.numbers[LAST_WAIT]), s.idle, s.left)


@njit(cache=True, _nrt=False)  # type: ignore[call-overload]
def _play(p: Pipes, s: State) -> None:
    """Event after event.

    What happens at one time sees what was before: filters end before edges of the same time, which
    they allow, and before the collector makes room. No array is made here, so that the compiler
    need not count references, which took most of the time.
    """
    numbers = s.numbers
    pipes = len(s.nexts)
    results = len(s.takes)
    while numbers[DONE] < results:
        now = min(numbers[NEXT_PUSH], numbers[NEXT_TAKE])
        for pipe in range(pipes):
            now = min(now, s.nexts[pipe], s.sents[pipe], s.serves[pipe])
        for pipe in range(pipes):
            if s.sents[pipe] == now:
                end_issue(p, s, pipe, now)
            if s.nexts[pipe] == now:
                edge(p, s, pipe, now)
        for pipe in range(pipes):
            if s.serves[pipe] == now:
                serve(p, s, pipe, now)
        if numbers[NEXT_PUSH] == now:
            push(p, s, now)
        if numbers[NEXT_TAKE] == now:
            take(p, s, now)

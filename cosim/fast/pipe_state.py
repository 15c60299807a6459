"""What a job's timing follows from, and the state of its simulation (`cosim.fast.pipe`)."""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

NEVER = 1 << 62
RING = 16
"""Windows of a pipe whose first edge is remembered: one a stage is enough."""

# Fields of a pipe; times are cycles.
(
    EDGE,  # number of edges so far
    WALKING,  # the walker is in a window
    WINDOW,  # the walker's window, the last one while it is in none
    LAST_EDGE,  # the edge at which the walker leaves the window
    READY,  # first time at which an edge can take the next window's first item
    SERVED,  # windows served
    SERVED_AT,  # time of the last of them
    WANTED,  # first time at which the next can be served
    BUSY,  # the last stage has something
    AT_WINDOW,  # window, item, segment and place in the segment of what the last stage has or will
    AT_ITEM,  # have next
    AT_SEGMENT,
    AT_PLACE,
    SINCE,  # first cycle of what it has
    WAITS,  # since when a filter's end waits for room, or -1
    ISSUING,  # segment whose last item the issue stage has or had
    HELD,  # what the last stage has must wait for the other pipes (in step)
    FREE,  # when the issue stage is done, NEVER while that is not known
    FIELDS,
) = range(19)

# Numbers of a simulation.
(
    PUSHED, NEXT_PUSH, LAST_TURN, NEXT_TAKE, LAST_TAKE, LAST_WAIT, DONE,
    ARRIVED,  # pipes that have sent their filter of the group at work (in step)
    GROUPS,  # groups that all have sent
    NUMBERS,
) = range(10)  # fmt: skip

# Fields of the head of a segment that drops items: items before the first that is issued; from that
# one's edge to the edge of the last item, to when the issue stage is done (0: nothing is issued);
# items dropped meanwhile while the issue stage had nothing.
DROPPED, LEAVES, FREES, IDLE, HEAD_FIELDS = range(5)


class Pipes(NamedTuple):
    """What decides a job's timing.

    `segments` `(pipes + 1)`: first segment of each pipe; `items` `(segments)`: their lengths;
    `heads` `(fields, segments, windows)`: how long all but a segment's last `depth` items take: a
    sum of cycles, or the four fields above if the pipe `drops`. `tails` `(segments, depth,
    windows)`: durations of the last `depth` items, or of all (from index 0 on) if there are fewer;
    a pipe that `drops` counts those without a pair as 0. `ends` `(segments + 1)`: first entry of
    each segment in `ended`, the units whose filter it ends. `shares_room`: a segment ends only when
    every unit has room, not only those whose filter it ends. `in_step`: the pipes begin their next
    segments together; there is one window. `parts`: units `2u` and `2u + 1` have a filter together,
    and the collector takes the results of both at once.
    """

    units: int
    windows: int
    depth: int
    takes_ahead: bool
    drops: bool
    clients: int
    lead: int
    places: int
    result_latency: int
    shares_room: bool
    in_step: bool
    parts: bool
    segments: NDArray[np.int64]
    items: NDArray[np.int64]
    heads: NDArray[np.int32]
    tails: NDArray[np.uint8]
    ends: NDArray[np.int64]
    ended: NDArray[np.int64]


class PipeTimes(NamedTuple):
    """`takes` `(results)`: when the collector took each result, in order; `takers`: of which unit.

    `waits` `(pipes)`: cycles in which a filter's end waited for room; `last_wait`: the last of them
    or -1; `idle` `(pipes)`: items dropped while the issue stage had nothing; `left` `(segments)`:
    when the last window's segments were sent.
    """

    takes: NDArray[np.int64]
    takers: NDArray[np.int64]
    waits: NDArray[np.int64]
    last_wait: int
    idle: NDArray[np.int64]
    left: NDArray[np.int64]


class State(NamedTuple):
    """State of a simulation: `nexts`, `sents` and `serves` are the times of each pipe's next edge,
    filter end in the issue stage, and window; `candidates` when each unit's oldest result can be
    taken."""

    pipes: NDArray[np.int64]
    firsts: NDArray[np.int64]
    lengths: NDArray[np.int64]
    nexts: NDArray[np.int64]
    sents: NDArray[np.int64]
    serves: NDArray[np.int64]
    waits: NDArray[np.int64]
    idle: NDArray[np.int64]
    left: NDArray[np.int64]
    pending: NDArray[np.int64]
    arrivals: NDArray[np.int64]
    arrived: NDArray[np.int64]
    taken: NDArray[np.int64]
    rests: NDArray[np.int64]
    candidates: NDArray[np.int64]
    takes: NDArray[np.int64]
    takers: NDArray[np.int64]
    numbers: NDArray[np.int64]


@njit(cache=True)
def initial_state(p: Pipes) -> State:
    """The state of a simulation of `p` at the start of its job."""
    pipes, units = len(p.segments) - 1, p.units
    results = len(p.ended) * p.windows
    state = State(
        np.zeros((pipes, FIELDS), np.int64),
        np.zeros((pipes, RING), np.int64),
        np.zeros(pipes, np.int64),
        np.full(pipes, NEVER, np.int64),
        np.full(pipes, NEVER, np.int64),
        np.full(pipes, NEVER, np.int64),
        np.zeros(pipes, np.int64),
        np.zeros(pipes, np.int64),
        np.zeros(len(p.items), np.int64),
        np.zeros(units, np.int64),
        np.zeros((units, p.places), np.int64),
        np.zeros(units, np.int64),
        np.zeros(units, np.int64),
        np.zeros(units, np.int64),
        np.full(units, NEVER, np.int64),
        np.zeros(results, np.int64),
        np.zeros(results, np.int64),
        np.zeros(NUMBERS, np.int64),
    )
    state.numbers[NEXT_PUSH] = state.numbers[LAST_TURN] = 1
    state.numbers[NEXT_TAKE] = NEVER
    state.numbers[LAST_TAKE] = state.numbers[LAST_WAIT] = -1
    for pipe in range(pipes):
        own = state.pipes[pipe]
        for segment in range(p.segments[pipe], p.segments[pipe + 1]):
            state.lengths[pipe] += p.items[segment]
        own[WINDOW], own[WAITS], own[SERVED_AT] = -1, -1, -NEVER
        own[SERVED] = 1
        own[AT_SEGMENT] = p.segments[pipe]
        # window 0 is served at 0; a walker that takes windows ahead of the edges has it at 1
        own[READY] = 2 if p.takes_ahead else 1
        own[WANTED] = 2 if p.takes_ahead else NEVER
        state.nexts[pipe] = own[READY]
    return state

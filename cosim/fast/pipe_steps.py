"""The events of a job's timing, each a step of the simulation in `cosim.fast.pipe`."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from cosim.fast.pipe_state import (
    ARRIVED,
    AT_ITEM,
    AT_PLACE,
    AT_SEGMENT,
    AT_WINDOW,
    BUSY,
    DONE,
    DROPPED,
    EDGE,
    FREE,
    FREES,
    GROUPS,
    HELD,
    IDLE,
    ISSUING,
    LAST_EDGE,
    LAST_TAKE,
    LAST_TURN,
    LAST_WAIT,
    LEAVES,
    NEVER,
    NEXT_PUSH,
    NEXT_TAKE,
    PUSHED,
    READY,
    RING,
    SERVED,
    SERVED_AT,
    SINCE,
    WAITS,
    WALKING,
    WANTED,
    WINDOW,
    Pipes,
    State,
)
from hdl.config import REST_CYCLES


@njit(inline="always")
def _schedule_serve(p: Pipes, s: State, pipe: int, now: int) -> None:
    """The ring turns to a client every `clients` cycles, and serves what it wants if it can."""
    own = s.pipes[pipe]
    if own[WANTED] < NEVER and own[SERVED] < s.numbers[PUSHED]:
        earliest = max(own[WANTED], now + 1)
        s.serves[pipe] = earliest + (pipe + 2 - earliest) % p.clients


@njit(inline="always")
def _ready(p: Pipes, s: State, unit: int) -> int:
    """From when on the collector can take a unit's oldest result; two `parts` go together."""
    if not p.parts:
        return int(s.candidates[unit])
    return NEVER if unit % 2 else int(max(s.candidates[unit], s.candidates[unit + 1]))


@njit(inline="always")
def _send(p: Pipes, s: State, pipe: int, segment: int, now: int) -> bool:
    """A filter's end leaves if there is room for its result; returns whether there was."""
    own = s.pipes[pipe]
    room = True
    if p.shares_room:
        for unit in range(p.units):
            room = room and s.pending[unit] < p.places
    else:
        for entry in range(p.ends[segment], p.ends[segment + 1]):
            room = room and s.pending[p.ended[entry]] < p.places
    if not room:
        if own[WAITS] < 0:
            own[WAITS] = now
        return False
    if own[WAITS] >= 0:
        s.waits[pipe] += now - own[WAITS]
        own[WAITS] = -1
        s.numbers[LAST_WAIT] = now - 1
    s.left[segment] = now
    for entry in range(p.ends[segment], p.ends[segment + 1]):
        unit = p.ended[entry]
        s.pending[unit] += 1
        arrival = now + p.result_latency
        s.arrivals[unit, s.arrived[unit] % p.places] = arrival
        if s.arrived[unit] == s.taken[unit]:
            s.candidates[unit] = max(arrival, s.rests[unit])
        s.arrived[unit] += 1
        first = max(_ready(p, s, unit & ~1 if p.parts else unit), s.numbers[LAST_TAKE] + 1)
        s.numbers[NEXT_TAKE] = min(s.numbers[NEXT_TAKE], first)
    if p.in_step:
        _arrive(p, s, now)
    return True


@njit(inline="always")
def _arrive(p: Pipes, s: State, now: int) -> None:
    """A pipe has sent a filter; the last of a group lets all begin the next in the cycle after."""
    numbers = s.numbers
    numbers[ARRIVED] += 1
    if numbers[ARRIVED] == len(s.nexts):
        numbers[ARRIVED] = 0
        numbers[GROUPS] += 1
        for pipe in range(len(s.nexts)):
            own = s.pipes[pipe]
            if own[HELD]:
                own[HELD] = 0
                own[SINCE] = max(own[SINCE], now + 1)
                schedule_edge(p, s, pipe)


@njit(inline="always")
def _count(p: Pipes, own: NDArray[np.int64]) -> int:
    """Items that the last stage takes in one go from its place on."""
    return max(1, p.items[own[AT_SEGMENT]] - p.depth - own[AT_PLACE])


@njit(inline="always")
def _tail(p: Pipes, own: NDArray[np.int64]) -> int:
    """Duration of the single item at the last stage's place."""
    segment = own[AT_SEGMENT]
    first = max(0, p.items[segment] - p.depth)
    return int(p.tails[segment, own[AT_PLACE] - first, own[AT_WINDOW]])


@njit(inline="always")
def _in_head(p: Pipes, own: NDArray[np.int64]) -> bool:
    return bool(own[AT_PLACE] < p.items[own[AT_SEGMENT]] - p.depth)


@njit(inline="always")
def schedule_edge(p: Pipes, s: State, pipe: int) -> None:
    """When what the last stage has since `SINCE` leaves it; not known while the issue stage is."""
    own = s.pipes[pipe]
    segment, window, since = own[AT_SEGMENT], own[AT_WINDOW], own[SINCE]
    if not p.drops:
        cycles = np.int64(p.heads[0, segment, window]) if _in_head(p, own) else _tail(p, own)
        s.nexts[pipe] = since + cycles - 1
        return
    if _in_head(p, own):
        if p.heads[FREES, segment, window] == 0:
            s.nexts[pipe] = since + _count(p, own) - 1
            return
        since += np.int64(p.heads[DROPPED, segment, window])
        after = np.int64(p.heads[LEAVES, segment, window])
    else:
        after = np.int64(0)
        if _tail(p, own) == 0 and own[AT_PLACE] + 1 < p.items[segment]:
            s.nexts[pipe] = since
            return
    s.nexts[pipe] = NEVER if own[FREE] == NEVER else max(since, own[FREE]) + after


@njit(inline="always")
def _issue(p: Pipes, s: State, pipe: int, now: int) -> None:
    """What leaves the last stage goes to the issue stage, unless it is dropped."""
    own = s.pipes[pipe]
    segment, window, since = own[AT_SEGMENT], own[AT_WINDOW], own[SINCE]
    free = own[FREE]
    if _in_head(p, own):
        dropped_until = now
        frees = np.int64(p.heads[FREES, segment, window])
        if frees > 0:
            dropped_until = since + np.int64(p.heads[DROPPED, segment, window]) - 1
            s.idle[pipe] += p.heads[IDLE, segment, window]
            own[FREE] = now - np.int64(p.heads[LEAVES, segment, window]) + frees
        s.idle[pipe] += max(0, dropped_until - max(free, since - 1))
        return
    pairs = _tail(p, own)
    if own[AT_PLACE] + 1 == p.items[segment]:
        own[FREE] = NEVER
        own[ISSUING] = segment
        s.sents[pipe] = now + max(pairs, 1)
    elif pairs > 0:
        own[FREE] = now + pairs
    elif now > free:
        s.idle[pipe] += 1


@njit(inline="always")
def end_issue(p: Pipes, s: State, pipe: int, now: int) -> None:
    """A filter's end is done in the issue stage."""
    own = s.pipes[pipe]
    s.sents[pipe] = NEVER
    if _send(p, s, pipe, own[ISSUING], now):
        own[FREE] = now
        if own[BUSY] and s.nexts[pipe] == NEVER:
            schedule_edge(p, s, pipe)


@njit(inline="always")
def edge(p: Pipes, s: State, pipe: int, now: int) -> None:
    """Every stage of the pipe moves, if the last one can let go what it has.

    Edges that concern nothing outside the pipe follow at once.
    """
    own = s.pipes[pipe]
    moves = True
    while moves:
        ends = False
        if own[BUSY]:
            count = _count(p, own)
            ends = own[AT_PLACE] + count == p.items[own[AT_SEGMENT]]
            if p.drops:
                _issue(p, s, pipe, now)
            elif ends and not _send(p, s, pipe, own[AT_SEGMENT], now):
                s.nexts[pipe] = NEVER
                break
            _pass(p, own, pipe, count, ends)
        else:
            own[EDGE] += 1
        if not own[WALKING] or own[EDGE] == own[LAST_EDGE]:
            _walk(p, s, pipe, now)
        own[BUSY] = 0
        s.nexts[pipe] = now + 1
        if own[AT_WINDOW] <= own[WINDOW]:
            first = s.firsts[pipe, own[AT_WINDOW] % RING]
            if first + own[AT_ITEM] == own[EDGE] + 1 - p.depth:
                own[BUSY] = 1
                own[SINCE] = now + 1
                if p.in_step and own[AT_SEGMENT] - p.segments[pipe] > s.numbers[GROUPS]:
                    own[HELD] = 1
                    s.nexts[pipe] = NEVER
                else:
                    schedule_edge(p, s, pipe)
        elif own[READY] > now:
            s.nexts[pipe] = own[READY]  # nothing under way: every cycle is an edge
        now = s.nexts[pipe]
        moves = _is_inner(p, own) and now < NEVER


@njit(inline="always")
def _pass(p: Pipes, own: NDArray[np.int64], pipe: int, count: int, ends: bool) -> None:
    """The last stage goes on to the next `count` items."""
    own[EDGE] += count
    own[AT_ITEM] += count
    own[AT_PLACE] += count
    if ends:
        own[AT_PLACE] = 0
        own[AT_SEGMENT] += 1
        if own[AT_SEGMENT] == p.segments[pipe + 1]:
            own[AT_SEGMENT] = p.segments[pipe]
            own[AT_ITEM] = 0
            own[AT_WINDOW] += 1


@njit(inline="always")
def _is_inner(p: Pipes, own: NDArray[np.int64]) -> bool:
    """Whether the next edge is in the middle of a segment for the last stage, of a window for the
    walker, and what it does follows from the pipe's state alone."""
    inner = own[BUSY] and own[WALKING] and (own[FREE] < NEVER or not p.drops)
    if inner:
        count = _count(p, own)
        inner = own[AT_PLACE] + count < p.items[own[AT_SEGMENT]]
        inner = inner and own[EDGE] + count < own[LAST_EDGE]
    return bool(inner)


@njit(inline="always")
def _walk(p: Pipes, s: State, pipe: int, now: int) -> None:
    """The walker enters and leaves windows at edges."""
    own = s.pipes[pipe]
    if not own[WALKING] and own[READY] <= now:
        own[WINDOW] += 1
        s.firsts[pipe, own[WINDOW] % RING] = own[EDGE]
        own[LAST_EDGE] = own[EDGE] + s.lengths[pipe] - 1
        own[WALKING] = 1
        if not p.takes_ahead:
            own[WANTED] = now + 1
            _schedule_serve(p, s, pipe, now)
    if own[WALKING] and own[EDGE] == own[LAST_EDGE]:
        own[WALKING] = 0
        own[READY] = NEVER
        if own[SERVED] > own[WINDOW] + 1:
            own[READY] = now + 1
            if p.takes_ahead:
                own[WANTED] = now + 1
                _schedule_serve(p, s, pipe, now)


@njit(inline="always")
def serve(p: Pipes, s: State, pipe: int, now: int) -> None:
    """The ring gives a pipe its next window."""
    own = s.pipes[pipe]
    s.serves[pipe] = NEVER
    own[SERVED] += 1
    own[SERVED_AT] = now
    own[WANTED] = NEVER
    if not own[WALKING] and own[READY] == NEVER:
        own[READY] = now + 1
        if p.takes_ahead:
            own[READY] = own[WANTED] = now + 2
            _schedule_serve(p, s, pipe, now)
        if not own[BUSY] and s.nexts[pipe] == NEVER:
            s.nexts[pipe] = own[READY]
    numbers = s.numbers
    if numbers[NEXT_PUSH] == NEVER and numbers[PUSHED] < p.windows:
        turns = (now - numbers[LAST_TURN] + p.clients - 1) // p.clients
        numbers[NEXT_PUSH] = numbers[LAST_TURN] + turns * p.clients


@njit(inline="always")
def push(p: Pipes, s: State, now: int) -> None:
    """A turn of all clients ends: one more window enters the ring, unless one is far behind.

    Whether it is was seen in its turn, before it may have been served.
    """
    numbers = s.numbers
    behind, served = False, False
    for pipe in range(len(s.nexts)):
        in_turn = s.pipes[pipe, SERVED_AT] > now - p.clients
        if numbers[PUSHED] - s.pipes[pipe, SERVED] + in_turn == p.lead:
            behind = True
            served = served or in_turn
    numbers[LAST_TURN] = now
    numbers[NEXT_PUSH] = now + p.clients if served or not behind else NEVER
    if not behind:
        numbers[PUSHED] += 1
        if numbers[PUSHED] == p.windows:
            numbers[NEXT_PUSH] = NEVER
        for pipe in range(len(s.nexts)):
            if s.serves[pipe] == NEVER:
                _schedule_serve(p, s, pipe, now)


@njit(inline="always")
def take(p: Pipes, s: State, now: int) -> None:
    """The collector takes a result: the lowest unit goes first, then rests."""
    numbers = s.numbers
    found = 0
    while _ready(p, s, found) > now:
        found += 1
    for unit in range(found, found + 1 + p.parts):
        s.takes[numbers[DONE]] = now
        s.takers[numbers[DONE]] = unit
        numbers[DONE] += 1
        s.pending[unit] -= 1
        s.rests[unit] = now + REST_CYCLES
        s.taken[unit] += 1
        s.candidates[unit] = NEVER
        if s.arrived[unit] > s.taken[unit]:
            arrival = s.arrivals[unit, s.taken[unit] % p.places]
            s.candidates[unit] = max(arrival, s.rests[unit])
        pipe = unit if len(s.nexts) > 1 else 0
        if s.pipes[pipe, WAITS] >= 0:
            if p.drops:
                s.sents[pipe] = now + 1
            else:
                s.nexts[pipe] = now + 1
    numbers[LAST_TAKE] = now
    numbers[NEXT_TAKE] = NEVER
    for unit in range(p.units):
        numbers[NEXT_TAKE] = min(numbers[NEXT_TAKE], max(_ready(p, s, unit), now + 1))

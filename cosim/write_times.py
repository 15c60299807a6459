"""When the bursts of a long write are filled, issued, granted and stored, many in one call.

The same recurrences as `cosim.s2mm`, `cosim.ports`, `cosim.memory` and `cosim.stream` play event by
event, for one master alone on its memory port and a source that has a word at each edge:

    put     a word an edge of the source, when the stream has a place
    take    at the first bus edge after the put, one an edge, when the FIFO has room for it
    issue   when a burst is full, and its data does not meet that of the one before
    grant   at a bus edge after the issue, the grant before, and the response of an older burst
    store   when all data is over on the bus; then the memory controller is free, or busy
    answer  gives room in the FIFO

All times are picoseconds. A call plays what happens before `limit_ps`.
"""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from cosim.dram_times import reserve
from cosim.read_times import NEVER


class Pace(NamedTuple):
    """What does not change: periods, latencies and sizes, of `cosim.board`'s sections."""

    bus_period_ps: int
    address_ps: int
    beat_ps: int
    outstanding: int
    response_ps: int
    latency_ps: int
    row_bytes: int
    gap_ps: int
    stream_places: int
    edge_period_ps: int


class Writes(NamedTuple):
    """The bursts, oldest first: `stored`, `granted`, `issued` and `full` have got so far.

    When all its data was there (`full_ps`) and over on the bus (`end_ps`), and when it was answered
    (`answer_ps`); a call fills them in. None is issued before `earliest_ps`. Durations on the DRAM
    bus as in `cosim.train.Shapes`.
    """

    address_bytes: NDArray[np.int64]
    length_bytes: NDArray[np.int64]
    words: NDArray[np.int64]
    beats: NDArray[np.int64]
    kind: NDArray[np.int64]
    durations_ps: NDArray[np.int64]
    earliest_ps: NDArray[np.int64]
    full_ps: NDArray[np.int64]
    end_ps: NDArray[np.int64]
    answer_ps: NDArray[np.int64]


class Free(NamedTuple):
    """From when on there is room: to issue a burst, for an address, for its data on the port and in
    the DRAM; and how many `words` the FIFO has room for."""

    issue_ps: int
    words: int
    address_ps: int
    data_ps: int
    dram_ps: int


class Start(NamedTuple):
    """What there is at `now_ps`; edges before `edge_ps` have been played.

    Words on the stream were put at some time; `places` more have a place at this very instant.
    """

    now_ps: int
    stored: int
    granted: int
    issued: int
    full: int
    free: Free
    after_read: int
    edge_ps: int
    places: int
    words: int
    """So many words are put, those on the stream included, the next one is not any more."""


class Reached(NamedTuple):
    """How far all is at the limit; `until_ps` is the earliest limit that would have changed it.

    `put` and `taken` words, those that were on the stream at the start included; the next one will
    be taken at `take_ps`, if that is known, else 0. `answered` bursts are over.
    """

    until_ps: int
    put: int
    taken: int
    take_ps: int
    full: int
    issued: int
    granted: int
    stored: int
    answered: int
    free: Free
    dram_busy_ps: int


@njit(cache=True)
def advance(
    limit_ps: int,
    pace: Pace,
    writes: Writes,
    start: Start,
    rows: NDArray[np.int64],
    ring_ps: NDArray[np.int64],
    put_ps: NDArray[np.int64],
) -> Reached:
    """Plays all that happens before `limit_ps`, at most until the last of the words is put.

    `rows`: the open row of each bank, -1 for none; changed. `ring_ps`: when the words on the stream
    were put. `put_ps`: gets when the words were put that are on the stream at the end.
    """
    places, bus_period = pace.stream_places, pace.bus_period_ps
    until = NEVER
    full, issued, granted, stored = start.full, start.issued, start.granted, start.stored
    issue_free, free_words, address_free, data_free, dram_free = start.free
    after_read, dram_busy = start.after_read, 0
    issue_ps = np.full(len(writes.words), start.now_ps, np.int64)
    issuing, granting, storing, putting = True, True, True, True

    put, taken, in_burst = len(ring_ps), 0, 0
    # of the word that has a place of the stream, and of the one that had it before
    puts = np.zeros(places, np.int64)
    takes = np.full(places, np.int64(-1))
    puts[:put] = ring_ps
    takes[put + start.places :] = start.now_ps
    last_take, next_take, edge = start.now_ps, 0, start.edge_ps
    answered, credit = 0, start.now_ps
    while True:
        # bursts that are full, as far as they get
        while issuing and issued < full:
            at = max(writes.full_ps[issued], writes.earliest_ps[issued], issue_free)
            if at >= limit_ps:
                issuing = False
                break
            issue_ps[issued] = at
            issue_free = at + (writes.beats[issued] + 1) * bus_period + pace.gap_ps
            issued += 1
        while True:
            while storing and stored < granted:
                at = writes.end_ps[stored]
                if at >= limit_ps:
                    storing = False
                    break
                begin, duration = reserve(
                    at,
                    dram_free,
                    writes.address_bytes[stored],
                    writes.length_bytes[stored],
                    writes.durations_ps[writes.kind[stored]],
                    after_read,
                    rows,
                    pace.row_bytes,
                )
                after_read = 0
                dram_free = begin + duration
                dram_busy += duration
                answer = max(at + pace.response_ps, begin + pace.latency_ps)
                writes.answer_ps[stored] = -(-answer // bus_period) * bus_period
                stored += 1
            oldest = granted - pace.outstanding
            if not granting or granted == issued or oldest >= stored:
                break
            at = max(issue_ps[granted], address_free)
            if oldest >= 0:
                at = max(at, writes.answer_ps[oldest])
            at = -(-at // bus_period) * bus_period
            if at >= limit_ps:
                granting = False
                break
            address_free = at + pace.address_ps
            first = -(-max(at + pace.address_ps, data_free) // bus_period) * bus_period
            end = first + writes.beats[granted] * pace.beat_ps
            data_free = -(-end // bus_period) * bus_period
            writes.end_ps[granted] = data_free
            granted += 1
        # words that are put while older ones wait on the stream
        while putting and put - taken < places:
            at = edge
            free_from = takes[put % places]
            if free_from >= at:
                at = (free_from // pace.edge_period_ps + 1) * pace.edge_period_ps
            if put == start.words:
                until, putting = min(until, at), False
            elif at >= limit_ps:
                putting = False
            else:
                puts[put % places] = at
                edge = at + pace.edge_period_ps
                put += 1
        # one word is taken
        if taken == put:
            break
        if free_words == 0:
            if answered == stored or writes.answer_ps[answered] >= limit_ps:
                break
            credit = writes.answer_ps[answered]
            free_words += writes.words[answered]
            answered += 1
        at = (max(puts[taken % places], last_take, credit) // bus_period + 1) * bus_period
        if at >= limit_ps:
            next_take = at
            break
        takes[taken % places] = last_take = at
        taken, free_words, in_burst = taken + 1, free_words - 1, in_burst + 1
        if in_burst == writes.words[full]:
            writes.full_ps[full] = at
            full, in_burst = full + 1, 0
    while answered < stored and writes.answer_ps[answered] < limit_ps:
        free_words += writes.words[answered]
        answered += 1
    for index in range(put - taken):
        put_ps[index] = puts[(taken + index) % places]
    return Reached(
        until,
        put,
        taken,
        next_take,
        full,
        issued,
        granted,
        stored,
        answered,
        Free(issue_free, free_words, address_free, data_free, dram_free),
        dram_busy,
    )

"""When the bursts of a long read are issued, granted, delivered and taken, many in one call.

The same recurrences as `cosim.mm2s`, `cosim.ports`, `cosim.memory` and `cosim.stream` play event by
event, for one master alone on its memory port and a consumer that takes a word at each edge but
some that are known:

    issue   after the one before, and when the FIFO has room for it
    grant   at a bus edge after the issue, the grant before, and the end of an older burst
    read    when the memory controller and the port's data lines are free
    put     a word a bus edge, when it is there and the stream has a place
    take    at the consumer's first edge after the put, one an edge

All times are picoseconds. A call plays what happens before `limit_ps`.
"""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from cosim.dram_times import reserve

NEVER = 1 << 62


class Pace(NamedTuple):
    """What does not change: periods, latencies and sizes, of `cosim.board`'s sections."""

    bus_period_ps: int
    address_ps: int
    port_beat_ps: int
    outstanding: int
    latency_ps: int
    row_bytes: int
    pipeline_ps: int
    words_a_beat: int
    stream_places: int
    edge_period_ps: int
    longest_gap_edges: int
    """Edges without a word, nor busy, after which the consumer may rest."""


class Reads(NamedTuple):
    """The bursts, oldest first: `gone` are emitted, `granted` and `issued` have got so far.

    `first_ps`, `end_ps` and `beat_ps` are those of `ReadDelivery`; a call fills them in. Durations
    on the DRAM bus as in `cosim.train.Shapes`.
    """

    address_bytes: NDArray[np.int64]
    length_bytes: NDArray[np.int64]
    words: NDArray[np.int64]
    beats: NDArray[np.int64]
    kind: NDArray[np.int64]
    durations_ps: NDArray[np.int64]
    first_ps: NDArray[np.int64]
    end_ps: NDArray[np.int64]
    beat_ps: NDArray[np.int64]


class Free(NamedTuple):
    """From when on there is room: to issue a burst, for an address, for its data on the port and in
    the DRAM, for a word on the stream; and how many `words` the FIFO has room for."""

    issue_ps: int
    words: int
    address_ps: int
    data_ps: int
    dram_ps: int
    slot_ps: int


class Start(NamedTuple):
    """What there is at `now_ps`; edges before `edge_ps` have been played."""

    now_ps: int
    gone: int
    granted: int
    issued: int
    free: Free
    after_write: int
    edge_ps: int
    busy_until_ps: int
    """The last edge at which the consumer does something without a word."""
    words_to_take: int
    """The consumer takes so many, the next one is not played any more."""
    last_edge_ps: int
    """No edge from here on is played."""
    stop: int
    """Of this burst, by number, no word is put."""


class Reached(NamedTuple):
    """How far all is at the limit; `until_ps` is the earliest limit that would have changed it.

    `sent` words of burst `emitted` are on the stream if `begun`; all are if `sent` is its length,
    the last put at `put_ps`. `taken` words, the last at `take_ps`.
    """

    until_ps: int
    issued: int
    granted: int
    emitted: int
    begun: bool
    sent: int
    put_ps: int
    taken: int
    take_ps: int
    free: Free
    dram_busy_ps: int


class Offer(NamedTuple):
    """What is left of a burst that is put on a stream, as in `cosim.beats.BeatBurst`: `sent` of its
    `words`, those in steps of `step_words`, the first at `first_ps`, the others `step_ps` apart."""

    period_ps: int
    first_ps: int
    step_ps: int
    step_words: int
    words: int
    sent: int
    slot_ps: int


NOTHING = Offer(1, 0, 0, 1, 0, 0, 0)


class Takes(NamedTuple):
    """`taken` words, the last at `take_ps`; the last of the `sent` ones was put at `put_ps`."""

    taken: int
    take_ps: int
    sent: int
    put_ps: int


@njit(cache=True)
def _free_edge(
    edge_ps: int, period_ps: int, blocked_ps: NDArray[np.int64], place: int
) -> tuple[int, int]:
    """The first edge from `edge_ps` on that is not blocked, and which blocked one is next."""
    while place < len(blocked_ps) and blocked_ps[place] <= edge_ps:
        if blocked_ps[place] == edge_ps:
            edge_ps += period_ps
        place += 1
    return edge_ps, place


@njit(cache=True)
def advance(
    limit_ps: int,
    pace: Pace,
    reads: Reads,
    start: Start,
    blocked_ps: NDArray[np.int64],
    rows: NDArray[np.int64],
    ring_ps: NDArray[np.int64],
    put_ps: NDArray[np.int64],
) -> Reached:
    """Plays all that happens before `limit_ps`, at most until the last burst would be issued.

    `blocked_ps`: edges, in order, that delay the word after the one before. `rows`: the open row of
    each bank, -1 for none; changed. `ring_ps`: when the words on the stream were put. `put_ps`:
    gets when the words were put that are on the stream at the end.
    """
    count = len(reads.words)
    places, edge_period = pace.stream_places, pace.edge_period_ps
    until = min(start.last_edge_ps, NEVER)
    issued, granted = start.issued, start.granted
    issue_from, free_words, address_free, data_free, dram_free, slot = start.free
    after_write, dram_busy = start.after_write, 0
    issue_ps = np.full(count, start.now_ps, np.int64)
    credit_ps = start.now_ps
    issuing, granting = True, True

    takes = np.full(places, np.int64(-1))
    puts = np.zeros(places, np.int64)
    words = 0  # put so far, those on the stream at the start included
    taken, take_ps = 0, start.edge_ps - edge_period
    last_take, block = take_ps, 0
    for at in ring_ps:
        puts[words % places] = at
        free, block = _free_edge(last_take + edge_period, edge_period, blocked_ps, block)
        last_take = max((at // edge_period + 1) * edge_period, free)
        takes[words % places] = last_take
        if words >= start.words_to_take:
            until = min(until, last_take)
        if last_take < limit_ps:
            taken, take_ps = taken + 1, last_take
        words += 1

    emitted, begun, sent = start.gone, False, 0
    last_put, free_from = start.now_ps, start.now_ps
    while True:
        # issue and grant what can be by now
        while issuing and issued < count and free_words >= reads.words[issued]:
            at = max(issue_from, credit_ps)
            if issued == count - 1:
                until = min(until, at)
                issuing = False
            elif at >= limit_ps:
                issuing = False
            else:
                issue_ps[issued] = at
                issue_from = at + pace.bus_period_ps
                free_words -= reads.words[issued]
                issued += 1
        while granting and granted < issued:
            at = max(issue_ps[granted], address_free)
            if granted >= pace.outstanding:
                at = max(at, reads.end_ps[granted - pace.outstanding])
            at = -(-at // pace.bus_period_ps) * pace.bus_period_ps
            if at >= limit_ps:
                granting = False
                break
            address_free = at + pace.address_ps
            begin, duration = reserve(
                at,
                dram_free,
                reads.address_bytes[granted],
                reads.length_bytes[granted],
                reads.durations_ps[reads.kind[granted]],
                after_write,
                rows,
                pace.row_bytes,
            )
            after_write = 0
            dram_free = begin + duration
            dram_busy += duration
            beat = max(pace.port_beat_ps, duration // reads.beats[granted])
            first = max(begin + pace.latency_ps, at + pace.address_ps, data_free)
            first = -(-first // pace.bus_period_ps) * pace.bus_period_ps
            end = first + reads.beats[granted] * beat
            data_free = -(-end // pace.bus_period_ps) * pace.bus_period_ps
            reads.first_ps[granted], reads.end_ps[granted] = first, data_free
            reads.beat_ps[granted] = beat
            granted += 1
        if emitted >= granted:
            break
        # emit one burst
        begin = max(reads.first_ps[emitted], free_from)
        if emitted == start.stop:
            until = min(until, begin)
        if begin >= limit_ps or begin >= until:
            break
        begun, sent = True, 0
        for word in range(reads.words[emitted]):
            place = words % places
            room_ps = takes[place] if words >= places else np.int64(0)
            if room_ps >= limit_ps:
                break
            ready = (
                reads.first_ps[emitted]
                + pace.pipeline_ps
                + word // pace.words_a_beat * reads.beat_ps[emitted]
            )
            due = -(-max(slot, ready) // pace.bus_period_ps) * pace.bus_period_ps
            last_put = max(due, begin, room_ps)
            slot = last_put + pace.bus_period_ps
            puts[place] = last_put
            before = last_take
            free, block = _free_edge(before + edge_period, edge_period, blocked_ps, block)
            last_take = max((last_put // edge_period + 1) * edge_period, free)
            takes[place] = last_take
            quiet_from = max(before, start.busy_until_ps)
            if last_take - quiet_from > pace.longest_gap_edges * edge_period:
                until = min(until, quiet_from + edge_period)
            if words >= start.words_to_take:
                until = min(until, last_take)
            if last_take < limit_ps:
                taken, take_ps = taken + 1, last_take
            words += 1
            sent += 1
        if sent < reads.words[emitted] or last_put >= limit_ps:
            break
        # its place in the FIFO is free again
        free_from, credit_ps = last_put, last_put
        free_words += reads.words[emitted]
        emitted, begun, sent = emitted + 1, False, 0
    for index in range(words - taken):
        put_ps[index] = puts[(taken + index) % places]
    return Reached(
        until,
        issued,
        granted,
        emitted,
        begun,
        sent,
        last_put,
        taken,
        take_ps,
        Free(issue_from, free_words, address_free, data_free, dram_free, slot),
        dram_busy,
    )


@njit(cache=True)
def take(
    offer: Offer,
    ring_ps: NDArray[np.int64],
    count: int,
    edge_ps: int,
    period_ps: int,
    most: int,
    last_edge_ps: int,
    blocked_ps: NDArray[np.int64],
    busy_until_ps: int,
    longest_gap_edges: int,
) -> Takes:
    """A consumer takes at most so many words, one an edge from `edge_ps` on, none from
    `last_edge_ps` on nor after a longer gap; see `cosim.read_train.Taking`.

    `ring_ps`: for each place of the stream, when its word was put, `count` of them, oldest first;
    it gets those of the words that are there at the end. The burst fills the places that become
    free. Nothing is known after its last word.
    """
    places = len(ring_ps)
    takes = np.empty(places, np.int64)
    puts = ring_ps.copy()
    sent, slot, last_put = offer.sent, offer.slot_ps, edge_ps
    put, taken, last_take, block = count, 0, edge_ps - period_ps, 0
    while True:
        while sent < offer.words and put - taken < places:
            ready = offer.first_ps + sent // offer.step_words * offer.step_ps
            due = -(-max(slot, ready) // offer.period_ps) * offer.period_ps
            last_put = max(due, takes[put % places])
            puts[put % places] = last_put
            slot = last_put + offer.period_ps
            put, sent = put + 1, sent + 1
            if sent == offer.words:
                last_edge_ps = min(last_edge_ps, last_put + 1)
        if taken == most:
            break
        free, next_block = _free_edge(last_take + period_ps, period_ps, blocked_ps, block)
        at = max((puts[taken % places] // period_ps + 1) * period_ps, free)
        quiet_from = max(last_take, busy_until_ps)
        if at >= last_edge_ps or at - quiet_from > longest_gap_edges * period_ps:
            break
        takes[taken % places] = last_take = at
        taken, block = taken + 1, next_block
    for index in range(put - taken):
        ring_ps[index] = puts[(taken + index) % places]
    return Takes(taken, last_take, sent, last_put)

"""A point-to-point AXI4-Stream link: a FIFO of beats between two clocked sides.

Neither side depends on the order of events within one instant: a beat put at time t can be taken by
a clock edge only at a time after t, and a place freed at time t counts as room only after t.

A source that knows a whole burst of beats can put it in one go (`put_burst`). A consumer that looks
at times (`follows_bursts`) then finds beats that are put only later than now, which lets it run
ahead of the event queue; for any other consumer the burst is put beat by beat, at the same times.
"""

from collections import deque
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from simpy import Environment, Event

from cosim.beats import Beat, BeatBurst, Ring
from cosim.read_times import NOTHING, Takes, take

if TYPE_CHECKING:
    from cosim.read_train import Consumer, Taking
    from cosim.write_train import Producer


class Stream:
    """FIFO of `depth_beats` beats; two are enough for one beat every cycle.

    `on_arrival`, if set, is called after each successful put of a beat or a burst. `consumer`, if
    set, can take many words at once, and `producer` put them. `beats` counts all ever put. `ring`
    and `burst` hold those that are put, and those that still wait for a place. Raises ValueError on
    a depth under 1.
    """

    def __init__(self, env: Environment, depth_beats: int, name: str) -> None:
        if depth_beats < 1:
            raise ValueError(f"depth of stream {name} must be at least 1 beat, not {depth_beats}")
        self.env = env
        self.depth_beats = depth_beats
        self.name = name
        self.on_arrival: Callable[[], None] | None = None
        self.follows_bursts = False
        self.consumer: Consumer | None = None
        self.producer: Producer | None = None
        self.beats = 0
        self.ring = Ring(depth_beats)
        self.burst: BeatBurst | None = None
        self.burst_end_ps = 0
        self._burst_done = env.event()
        self._putters: deque[tuple[Event, Beat]] = deque()
        self._arrivals: list[Event] = []
        self.freed_ps = -1
        self.freed_beats = 0

    def __len__(self) -> int:
        return self.ring.count

    @property
    def room(self) -> int:
        """Free places, those freed at this very instant not counted."""
        freed_beats = self.freed_beats if self.freed_ps == self.env.now else 0
        taken = len(self) + freed_beats + len(self._putters)
        return max(0, self.depth_beats - taken)

    @property
    def room_later(self) -> int:
        """Free places, as soon as this instant is over."""
        taken = len(self) + len(self._putters)
        return max(0, self.depth_beats - taken)

    @property
    def blocked(self) -> bool:
        """Says whether someone waits for a place and must be told when there is one."""
        return bool(self._putters)

    @property
    def oldest_ps(self) -> int:
        """When the oldest beat was put; raises IndexError if there is none."""
        if not self.ring.count:
            raise IndexError(f"stream {self.name} must hold a beat")
        return self.ring.put_ps[self.ring.head]

    def offer(self, beat: Beat) -> bool:
        """Puts the beat now if there is room, and says whether it did; costs no event."""
        if self.room == 0:
            return False
        self._append(beat)
        return True

    def put(self, beat: Beat) -> Event:
        """Returns an event that fires when the beat has found a place."""
        event = self.env.event()
        if len(self) < self.depth_beats and not self._putters:
            self._append(beat)
            event.succeed()
        else:
            self._putters.append((event, beat))
        return event

    def put_burst(self, burst: BeatBurst) -> Event:
        """Returns an event that fires when the burst's last beat is put.

        Until then nothing else may be put. `burst_end_ps` tells when that is, as soon as no beat
        waits for a place any more and `burst` is None.
        """
        if not self.follows_bursts:
            return self.env.process(self._put_each(burst))
        assert self.burst is None, "bursts must follow each other"
        assert not self._putters, "a stream must have one source"
        self.burst = burst
        done = self._burst_done = self.env.event()
        while self.burst is not None and len(self) < self.depth_beats:
            self._put_next(int(self.env.now))
        if self.on_arrival is not None:
            self.on_arrival()
        return done

    def go_on(self, burst: BeatBurst, last_put_ps: int) -> Event:
        """Takes up a burst of which some beats are put, the last at that time; see `put_burst`."""
        done = self._burst_done = self.env.event()
        self.burst = burst
        if burst.sent == burst.words:
            self.end_burst(last_put_ps)
        return done

    def end_burst(self, put_ps: int) -> None:
        """Notes that the last beat of the burst is put at `put_ps`, now or later."""
        self.burst = None
        self.burst_end_ps = put_ps
        done = self._burst_done
        done._ok, done._value = True, None
        self.env.schedule(done, delay=put_ps - int(self.env.now))

    def first(self, now_ps: int) -> Beat | None:
        """The oldest beat if it was put before `now_ps`, else None."""
        ring = self.ring
        if ring.count and ring.put_ps[ring.head] < now_ps:
            return ring.oldest()
        return None

    def take(self, at_ps: int | None = None) -> Beat:
        """Removes and returns the oldest beat; raises IndexError if there is none.

        A consumer that runs ahead gives the time, which no one else may reach before.
        """
        if not len(self):
            raise IndexError(f"stream {self.name} must hold a beat to take one")
        now_ps = int(self.env.now) if at_ps is None else at_ps
        beat = self.ring.pop()
        if self._putters:
            event, waiting = self._putters.popleft()
            self.note_freed(now_ps, 0)
            self._append(waiting)
            event.succeed()
        else:
            self.note_freed(now_ps, 1)
            if self.burst is not None:
                self._put_next(now_ps)
        return beat

    @property
    def known_words(self) -> NDArray[np.uint32]:
        """Words that are put and those the burst puts, up to one with TLAST, without it."""
        ring, burst = self.ring, self.burst
        words = ring.words
        if ring.has_last:
            return words[: [ring.last[place] for place in ring.order].index(1)]
        if burst is None:
            return words
        coming = burst.words_between(burst.sent, burst.words - burst.final)
        return np.concatenate((words, coming))

    def take_many(self, taking: "Taking") -> tuple[int, int]:
        """Has a consumer that looks at times take of the `known_words` what it takes before other
        beats than those can come; returns how many, and the time of the last."""
        ring, burst = self.ring, self.burst
        put_ps = np.zeros(ring.places, dtype=np.int64)
        put_ps[: ring.count] = ring.times_ps
        reached = take(
            NOTHING if burst is None else burst.offer,
            put_ps,
            ring.count,
            taking.edge_ps,
            taking.period_ps,
            taking.words,
            taking.last_edge_ps,
            taking.blocked_ps,
            taking.busy_until_ps,
            taking.longest_gap_edges,
        )
        if reached.taken:
            self._note_takes(reached, put_ps)
        return reached.taken, reached.take_ps

    def _note_takes(self, reached: Takes, put_ps: NDArray[np.int64]) -> None:
        """Leaves what is on the stream after some have been taken; it was put at `put_ps`."""
        ring, burst = self.ring, self.burst
        left = [(ring.data[place], ring.last[place]) for place in ring.order[reached.taken :]]
        if burst is not None:
            first = burst.sent + max(0, reached.taken - ring.count)
            left += [(word, 0) for word in burst.words_between(first, reached.sent)]
            self.beats += reached.sent - burst.sent
            burst.sent, burst.slot_ps = reached.sent, reached.put_ps + burst.clock.period_ps
            if burst.sent == burst.words:
                if burst.final:
                    left[-1] = left[-1][0], 1
                self.end_burst(reached.put_ps)
        ring.refill(put_ps[: len(left)].tolist(), left)
        self.note_freed(reached.take_ps, 1)

    def note_freed(self, at_ps: int, beats: int) -> None:
        """Notes that `beats` places have become free at `at_ps`."""
        if self.freed_ps != at_ps:
            self.freed_ps, self.freed_beats = at_ps, 0
        self.freed_beats += beats

    def arrival(self) -> Event:
        """Returns an event that fires when a beat is there, at once if one is; it takes nothing."""
        event = self.env.event()
        if len(self):
            event.succeed()
        else:
            self._arrivals.append(event)
        return event

    def get(self) -> Event:
        """Returns an event that fires when a beat was there, its value that beat, now taken."""
        event = self.env.event()
        arrival = self.arrival()
        assert arrival.callbacks is not None
        arrival.callbacks.append(lambda _: self._hand_over(event))
        return event

    def _hand_over(self, event: Event) -> None:
        if len(self):
            event.succeed(self.take())
            return
        # Another consumer was quicker at this instant: wait for the next beat.
        arrival = self.arrival()
        assert arrival.callbacks is not None
        arrival.callbacks.append(lambda _: self._hand_over(event))

    def _put_each(self, burst: BeatBurst) -> Generator[Event, Any, None]:
        while burst.sent < burst.words:
            due_ps = burst.due_ps()
            if due_ps > self.env.now:
                yield self.env.timeout(due_ps - int(self.env.now))
            beat = burst.next_beat(due_ps)
            if not self.offer(beat):
                yield self.put(beat)
            burst.slot_ps = int(self.env.now) + burst.clock.period_ps

    def _put_next(self, earliest_ps: int) -> None:
        """Puts the next beat of the burst: there is a place from `earliest_ps` on."""
        burst = self.burst
        assert burst is not None
        put_ps = max(burst.due_ps(), earliest_ps)
        self.ring.append(put_ps, burst.next_beat(put_ps))
        self.beats += 1
        if burst.sent == burst.words:
            self.end_burst(put_ps)

    def _append(self, beat: Beat) -> None:
        self.ring.append(int(self.env.now), beat)
        self.beats += 1
        self._announce()

    def _announce(self) -> None:
        if self._arrivals:
            waiting, self._arrivals = self._arrivals, []
            for event in waiting:
                event.succeed()
        if self.on_arrival is not None:
            self.on_arrival()

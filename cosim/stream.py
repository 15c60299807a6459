"""A point-to-point AXI4-Stream link: a FIFO of beats between two clocked sides.

Neither side depends on the order of events within one instant: a beat put at time t can be taken by
a clock edge only at a time after t, and a place freed at time t counts as room only after t.
"""

from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from simpy import Environment, Event


class Beat(NamedTuple):
    """One transfer: a 32-bit word and TLAST."""

    data: int
    last: bool


class Stream:
    """FIFO of `depth_beats` beats; two are enough for one beat every cycle.

    `on_arrival`, if set, is called after each successful put. `beats` counts all beats ever put.
    Raises ValueError on a depth under 1.
    """

    def __init__(self, env: Environment, depth_beats: int, name: str) -> None:
        if depth_beats < 1:
            raise ValueError(f"depth of stream {name} must be at least 1 beat, not {depth_beats}")
        self.env = env
        self.depth_beats = depth_beats
        self.name = name
        self.on_arrival: Callable[[], None] | None = None
        self.beats = 0
        self._fifo: deque[tuple[int, Beat]] = deque()
        self._putters: deque[tuple[Event, Beat]] = deque()
        self._arrivals: list[Event] = []
        self._freed_ps = -1
        self._freed_beats = 0

    def __len__(self) -> int:
        return len(self._fifo)

    @property
    def room(self) -> int:
        """Free places, those freed at this very instant not counted."""
        freed_beats = self._freed_beats if self._freed_ps == self.env.now else 0
        return max(0, self.depth_beats - len(self._fifo) - freed_beats - len(self._putters))

    @property
    def oldest_ps(self) -> int:
        """When the oldest beat was put; raises IndexError if there is none."""
        return self._fifo[0][0]

    def offer(self, beat: Beat) -> bool:
        """Puts the beat now if there is room, and says whether it did; costs no event."""
        if self.room == 0:
            return False
        self._append(beat)
        return True

    def put(self, beat: Beat) -> Event:
        """Returns an event that fires when the beat has found a place."""
        event = self.env.event()
        if len(self._fifo) < self.depth_beats and not self._putters:
            self._append(beat)
            event.succeed()
        else:
            self._putters.append((event, beat))
        return event

    def first(self, now_ps: int) -> Beat | None:
        """The oldest beat if it was put before `now_ps`, else None."""
        if self._fifo and self._fifo[0][0] < now_ps:
            return self._fifo[0][1]
        return None

    def take(self) -> Beat:
        """Removes and returns the oldest beat; raises IndexError if there is none."""
        if not self._fifo:
            raise IndexError(f"stream {self.name} must hold a beat to take one")
        beat = self._fifo.popleft()[1]
        now_ps = self.env.now
        if self._freed_ps != now_ps:
            self._freed_ps, self._freed_beats = int(now_ps), 0
        if self._putters:
            event, waiting = self._putters.popleft()
            self._append(waiting)
            event.succeed()
        else:
            self._freed_beats += 1
        return beat

    def arrival(self) -> Event:
        """Returns an event that fires when a beat is there, at once if one is; it takes nothing."""
        event = self.env.event()
        if self._fifo:
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
        if self._fifo:
            event.succeed(self.take())
            return
        # Another consumer was quicker at this instant: wait for the next beat.
        arrival = self.arrival()
        assert arrival.callbacks is not None
        arrival.callbacks.append(lambda _: self._hand_over(event))

    def _append(self, beat: Beat) -> None:
        self._fifo.append((int(self.env.now), beat))
        self.beats += 1
        if self._arrivals:
            waiting, self._arrivals = self._arrivals, []
            for event in waiting:
                event.succeed()
        if self.on_arrival is not None:
            self.on_arrival()

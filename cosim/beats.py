"""Beats of a stream link: one, a burst of them, and a FIFO's places for them."""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cosim.read_times import Offer
from cosim.units import ClockDomain

WORD_BYTES = 4


class Beat(NamedTuple):
    """One transfer: a 32-bit word and TLAST."""

    data: int
    last: bool


@dataclass(slots=True)
class BeatBurst:
    """Beats that a source puts at edges of its clock, one an edge, each when it is there.

    `data` are 32-bit words, little-endian; `final`: the last has TLAST. The first
    `words_per_step` words are there at `first_ps`, the next `step_ps` later, and so on. No beat is
    put before `slot_ps`. `sent` words have been put so far.
    """

    data: bytes
    final: bool
    clock: ClockDomain
    first_ps: int
    step_ps: int
    words_per_step: int
    slot_ps: int
    sent: int = 0

    @property
    def words(self) -> int:
        """Beats of the burst."""
        return len(self.data) // WORD_BYTES

    def words_between(self, first: int, end: int) -> NDArray[np.uint32]:
        """Its words from number `first` on, before `end`."""
        return np.frombuffer(self.data, "<u4")[first:end]

    @property
    def offer(self) -> Offer:
        """What is left of it."""
        return Offer(
            self.clock.period_ps,
            self.first_ps,
            self.step_ps,
            self.words_per_step,
            self.words,
            self.sent,
            self.slot_ps,
        )

    def due_ps(self) -> int:
        """When the next beat is put if there is room."""
        ready_ps = self.first_ps + self.sent // self.words_per_step * self.step_ps
        return self.clock.align(max(self.slot_ps, ready_ps))

    def next_beat(self, put_ps: int) -> Beat:
        """The next beat, put at `put_ps`."""
        start = self.sent * WORD_BYTES
        self.sent += 1
        self.slot_ps = put_ps + self.clock.period_ps
        data = int.from_bytes(self.data[start : start + WORD_BYTES], "little")
        return Beat(data, self.final and self.sent == self.words)


class Ring:
    """The places of a FIFO in plain memory, which compiled code may work on too."""

    def __init__(self, places: int) -> None:
        self.places = places
        self.put_ps = array("q", bytes(8 * places))
        self.data = array("I", bytes(4 * places))
        self.last = array("B", bytes(places))
        self.head = 0
        self.count = 0

    @property
    def order(self) -> list[int]:
        """Places of the beats, oldest first."""
        return [(self.head + index) % self.places for index in range(self.count)]

    @property
    def words(self) -> NDArray[np.uint32]:
        """Words of the beats, oldest first."""
        return np.array([self.data[place] for place in self.order], dtype=np.uint32)

    @property
    def times_ps(self) -> NDArray[np.int64]:
        """When the beats were put, oldest first."""
        return np.array([self.put_ps[place] for place in self.order], dtype=np.int64)

    @property
    def has_last(self) -> bool:
        """Whether one of the beats has TLAST."""
        return any(self.last[place] for place in self.order)

    def append(self, put_ps: int, beat: Beat) -> None:
        """Adds a beat behind the others; there must be a place."""
        place = (self.head + self.count) % self.places
        self.put_ps[place], self.data[place], self.last[place] = put_ps, beat.data, beat.last
        self.count += 1

    def refill(self, put_ps: Sequence[int], beats: Sequence[tuple[int, int]]) -> None:
        """Replaces all beats; `beats`: the words, and whether they have TLAST."""
        self.head, self.count = 0, len(beats)
        self.put_ps[: self.count] = array("q", put_ps)
        self.data[: self.count] = array("I", [word for word, _ in beats])
        self.last[: self.count] = array("B", [last for _, last in beats])

    def oldest(self) -> Beat:
        """The beat at the head."""
        return Beat(self.data[self.head], bool(self.last[self.head]))

    def pop(self) -> Beat:
        """Removes and returns the beat at the head."""
        beat = self.oldest()
        self.head = (self.head + 1) % self.places
        self.count -= 1
        return beat

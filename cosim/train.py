"""What trains have in common: many bursts of one master, played in one step.

While nobody but one half of the DMA uses the memory, and the accelerator does nothing but take or
send words, all times follow from recurrences. A train plays them: it takes the bursts off the
memory port and stops the accelerator's clock process. It ends where something else begins. If
somebody touches what it uses before, it is cut at that time. Then all is put back as it is at that
time, as if it had been played event by event; `tests/cosim/test_trains.py` checks that.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from simpy import Environment, Event

from cosim.arbiter import Master
from cosim.memory import MemoryController
from cosim.ports import MemoryPort, call_at
from cosim.transactions import Bursts, beats_of
from cosim.units import ClockDomain

LEAST_BURSTS = 16
"""Fewer are not worth it."""

FIRST_BURSTS, MOST_BURSTS = 64, 8192
"""Bursts that are looked at; more if the last train came so far, few enough to see progress."""


class Pausable(Protocol):
    """Whose clock can stand still while a train plays what it does."""

    def pause(self, on_access: Callable[[], None]) -> None:
        """Plays no edge any more until it is resumed; calls `on_access` if something else comes."""


class Train(ABC):
    """Plays the bursts of one master; there is one at a time (`ended` is there while it runs)."""

    def __init__(
        self, env: Environment, clock: ClockDomain, master: Master, port: MemoryPort
    ) -> None:
        self.env = env
        self.ended: Event | None = None
        self._clock = clock
        self._master = master
        self._port = port
        self._skip_bursts = 0
        self._backoff_bursts = 0
        self._most_bursts = FIRST_BURSTS

    def cut(self) -> None:
        """Ends the train now, if it runs: somebody else is about to change what it relies on."""
        if self.ended is not None:
            self._leave()

    @abstractmethod
    def _restore(self, now_ps: int) -> int:
        """Puts everything back as it is now; returns how many bursts have been played."""

    def may_start(self) -> bool:
        """Whether it is worth a look, called once a burst; see `_learn`."""
        if self._skip_bursts:
            self._skip_bursts -= 1
            return False
        return True

    def _learn(self, bursts: int) -> None:
        """Looks further after a long train; after a short one, or none, rests: each time longer."""
        if bursts:
            self._most_bursts = max(FIRST_BURSTS, min(4 * bursts, MOST_BURSTS))
        if bursts < LEAST_BURSTS:
            self._skip_bursts = self._backoff_bursts
            self._backoff_bursts = min(2 * self._backoff_bursts + 1, MOST_BURSTS)
        else:
            self._backoff_bursts = 0

    def _depart(self, partner: Pausable, until_ps: int) -> Event:
        """Takes the bursts off their port and stops the partner; returns the event of the end."""
        self._port.withdraw(self._master)
        ended = self.ended = self.env.event()
        self._hook(self.cut)
        partner.pause(self.cut)
        call_at(self.env, until_ps, lambda: self._end(ended))
        return ended

    def _end(self, ended: Event) -> None:
        """At the time at which a train ends by itself, if it was not cut before."""
        if self.ended is ended:
            self._leave()

    def _leave(self) -> None:
        ended = self.ended
        assert ended is not None
        self.ended = None
        self._hook(None)
        self._learn(self._restore(int(self.env.now)))
        ended.succeed()

    def _hook(self, on_touch: Callable[[], None] | None) -> None:
        port = self._port
        port.on_submit = port.controller.on_use = port.storage.on_write = on_touch


class Shapes:
    """What bursts have in common; `kind` is an index of `durations_ps`, how long each holds the
    DRAM bus, by pattern (0 random, 1 sequential) and turn (0 as before, 1 after the other
    direction)."""

    def __init__(self, bursts: Bursts, port: MemoryPort, *, write: bool) -> None:
        controller = port.controller
        self.beats: NDArray[np.int64] = beats_of(bursts, port.config.beat_bytes)
        moved_bytes = controller.moved_bytes(bursts.address_bytes, bursts.length_bytes)
        # as np.unique, but bursts are short and many
        kinds = np.flatnonzero(np.bincount(moved_bytes))
        self.kind: NDArray[np.int64] = np.searchsorted(kinds, moved_bytes)
        self.durations_ps = np.array(
            [controller.durations_ps(int(moved), write=write) for moved in kinds], dtype=np.int64
        )


def rows_of(controller: MemoryController) -> NDArray[np.int64]:
    """The open row of each bank, -1 for none."""
    rows = np.full(controller.config.banks, -1, dtype=np.int64)
    for bank, row in controller.open_rows.items():
        rows[bank] = row
    return rows


def open_rows(controller: MemoryController, rows: NDArray[np.int64]) -> None:
    """Opens those rows, given as by `rows_of`."""
    controller.open_rows = {bank: int(row) for bank, row in enumerate(rows) if row >= 0}

"""Arbitration: which waiting burst of which master goes next."""

from collections import deque
from collections.abc import Generator, Iterable
from dataclasses import dataclass
from typing import Any, Literal

from simpy import Environment, Event
from simpy.events import EventPriority

from cosim.transactions import Burst

LATE = EventPriority(2)
"""SimPy priority after all normal events of the same instant."""


@dataclass(eq=False)
class Master:
    """A port that issues bursts; a higher `priority` wins under fixed priority."""

    name: str
    priority: int
    outstanding: int
    reads: int = 0
    writes: int = 0


@dataclass(eq=False)
class Request:
    """A burst on its way: a write if `data` is there. `done` fires with the answer."""

    master: Master
    address_bytes: int
    length_bytes: int
    data: bytes | None
    done: Event
    issued_ps: int

    @property
    def burst(self) -> Burst:
        """What is read or written."""
        return Burst(self.address_bytes, self.length_bytes)


class LateEvent(Event):
    """Fires after `delay_ps`, behind every normal event of that instant."""

    def __init__(self, env: Environment, delay_ps: int) -> None:
        super().__init__(env)
        self._ok = True
        self._value = None
        env.schedule(self, priority=LATE, delay=delay_ps)


class Arbiter:
    """Queues of waiting requests, one a master, for one direction of one slave port.

    `round_robin` starts after the master served last; `fixed_priority` takes the highest priority,
    the master added first among equals. No address is granted before `address_free_ps`.
    """

    def __init__(
        self, env: Environment, policy: Literal["round_robin", "fixed_priority"], write: bool
    ) -> None:
        self.env = env
        self.address_free_ps = 0
        self._policy = policy
        self._write = write
        self._queues: dict[Master, deque[Request]] = {}
        self._last: Master | None = None
        self._sleeper: Event | None = None

    def add_master(self, master: Master) -> None:
        """Gives the master a queue."""
        self._queues[master] = deque()

    def submit(self, request: Request) -> None:
        """Queues a request."""
        self._queues[request.master].append(request)
        self.notify()

    def waits_for(self, master: Master | None) -> bool:
        """Whether no request of any other master waits."""
        return not any(queue for other, queue in self._queues.items() if other is not master)

    def withdraw(self, master: Master) -> None:
        """Removes all waiting requests of a master."""
        self._queues[master].clear()

    def restore(self, master: Master, requests: Iterable[Request], *, served: bool) -> None:
        """Queues requests again; `served`: the master is the last that was granted something."""
        self._queues[master].extend(requests)
        if served:
            self._last = master
        self.notify()

    def notify(self) -> None:
        """Tells the serving process that something has changed, if it can go on now."""
        if self._sleeper is not None and not self._sleeper.triggered and self._eligible():
            self._sleeper.succeed()

    def wait_for_request(self) -> Generator[Event, Any, None]:
        """Process: until there may be a request to grant."""
        if not self._eligible():
            self._sleeper = self.env.event()
            yield self._sleeper

    def grant(self) -> Request | None:
        """Removes and returns the next request, or None if no master may go."""
        eligible = self._eligible()
        if not eligible:
            return None
        if self._policy == "fixed_priority":
            winner = max(eligible, key=lambda master: master.priority)
        else:
            masters = list(self._queues)
            start = masters.index(self._last) + 1 if self._last is not None else 0
            winner = next(m for m in masters[start:] + masters[:start] if m in eligible)
        self._last = winner
        return self._queues[winner].popleft()

    def _eligible(self) -> list[Master]:
        return [
            master
            for master, queue in self._queues.items()
            if queue and (master.writes if self._write else master.reads) < master.outstanding
        ]

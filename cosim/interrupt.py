"""A level-sensitive interrupt line."""

from simpy import Environment, Event


class InterruptLine:
    """`high` is its level; `raised_ps` is when it last rose, or None while it never did."""

    def __init__(self, env: Environment, name: str = "interrupt") -> None:
        self.env = env
        self.name = name
        self.high = False
        self.raised_ps: int | None = None
        self._waiting: list[Event] = []

    def set(self, level: bool) -> None:
        """Drives the line; those who wait for it to rise are told at this instant."""
        if level and not self.high:
            self.raised_ps = int(self.env.now)
            waiting, self._waiting = self._waiting, []
            for event in waiting:
                event.succeed()
        self.high = level

    def rising(self) -> Event:
        """Returns an event that fires at once if the line is high, else when it rises."""
        event = self.env.event()
        if self.high:
            event.succeed()
        else:
            self._waiting.append(event)
        return event

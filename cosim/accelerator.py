"""What the system needs of an accelerator, whichever engine simulates it."""

from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any, Protocol

from simpy import Event


class JobRecord(Protocol):
    """One job the accelerator has run, times in picoseconds, counts in accelerator cycles."""

    @property
    def start_ps(self) -> int:
        """Clock edge at which the job started."""

    @property
    def end_ps(self) -> int:
        """Clock edge at which the job was done."""

    @property
    def cycles(self) -> int:
        """Clock cycles from start to end."""

    @property
    def macs_useful(self) -> int:
        """Products of a non-zero weight and a non-zero activation."""

    @property
    def multiplications(self) -> int:
        """All products, those of a zero included."""

    @property
    def stall_cycles(self) -> Mapping[str, int]:
        """Unit cycles lost, by cause."""


class Accelerator(Protocol):
    """The register and job side of an accelerator; its data side is two streams."""

    accesses_from: Callable[[], float]
    """Tells before what time no register is accessed; set by the system, which knows better."""

    @property
    def jobs(self) -> Sequence[JobRecord]:
        """Jobs in the order in which they started."""

    @property
    def active_cycles(self) -> int:
        """Clock cycles that were simulated."""

    @property
    def gated_cycles(self) -> int:
        """Clock cycles during which nothing could change, so that none was simulated."""

    def describe(self) -> str:
        """What the accelerator is doing, for a system that cannot proceed."""

    def write_register(self, offset: int, value: int) -> Generator[Event, Any, int]:
        """Process: AXI4-Lite write of a 32-bit register; returns the response code."""

    def read_register(self, offset: int) -> Generator[Event, Any, tuple[int, int]]:
        """Process: AXI4-Lite read of a 32-bit register; returns value and response code."""

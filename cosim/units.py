"""Integer picosecond time and the clock domains that divide it."""

from dataclasses import dataclass, field

PS_PER_NS = 1_000
PS_PER_US = 1_000_000
PS_PER_S = 1_000_000_000_000


def ns_to_ps(time_ns: float) -> int:
    """Nanoseconds as whole picoseconds, rounded to the nearest."""
    return round(time_ns * PS_PER_NS)


def ps_to_ns(time_ps: int) -> float:
    """Picoseconds as nanoseconds."""
    return time_ps / PS_PER_NS


@dataclass(frozen=True)
class ClockDomain:
    """A clock whose rising edges are at every whole multiple of `period_ps`, from time 0.

    The period is rounded to whole picoseconds (at 650 MHz that is 0.03 % off). Raises ValueError
    on a frequency outside 0.001 to 100,000 MHz.
    """

    name: str
    frequency_mhz: float
    period_ps: int = field(init=False)

    def __post_init__(self) -> None:
        if not 0.001 <= self.frequency_mhz <= 100_000:
            raise ValueError(
                f"clock {self.name} must be 0.001 to 100000 MHz, not {self.frequency_mhz}"
            )
        object.__setattr__(self, "period_ps", round(PS_PER_US / self.frequency_mhz))

    def cycles_to_ps(self, cycles: int) -> int:
        """Duration of `cycles` periods in picoseconds."""
        return cycles * self.period_ps

    def align(self, now_ps: int) -> int:
        """Time of the first rising edge at or after `now_ps`."""
        return -(-now_ps // self.period_ps) * self.period_ps

    def next_edge(self, now_ps: int) -> int:
        """Time of the first rising edge strictly after `now_ps`."""
        return (now_ps // self.period_ps + 1) * self.period_ps

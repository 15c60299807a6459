"""Clock domains and conversions of time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosim.units import ClockDomain, ns_to_ps, ps_to_ns


@given(st.floats(0.01, 5000), st.integers(0, 10**15))
def test_edges_are_multiples_of_the_period(frequency_mhz: float, now_ps: int) -> None:
    clock = ClockDomain("any", frequency_mhz)
    period_ps = clock.period_ps
    assert clock.align(now_ps) % period_ps == clock.next_edge(now_ps) % period_ps == 0
    assert 0 <= clock.align(now_ps) - now_ps < period_ps
    assert 0 < clock.next_edge(now_ps) - now_ps <= period_ps


def test_an_edge_is_aligned_and_not_its_own_next() -> None:
    clock = ClockDomain("bus", 100)
    assert clock.period_ps == 10_000
    assert clock.align(30_000) == 30_000
    assert clock.next_edge(30_000) == 40_000
    assert clock.cycles_to_ps(7) == 70_000


def test_nanoseconds_round_to_whole_picoseconds() -> None:
    assert ns_to_ps(1.2345) == 1234
    assert ps_to_ns(1234) == 1.234


def test_a_stopped_clock_is_refused() -> None:
    with pytest.raises(ValueError, match=r"clock bus must be 0\.001 to 100000 MHz, not 0"):
        ClockDomain("bus", 0)

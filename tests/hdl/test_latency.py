"""Registers counted on the ways through small blocks whose latency is plain."""

from typing import Any

import pytest
from myhdl import ResetSignal, always_comb, always_seq, block

from hdl.bundles import bit, word
from hdl.hierarchy import find_blocks
from hdl.latency import Latency, find_latencies


@block
def register(clock: Any, reset: Any, source: Any, sink: Any) -> Any:
    @always_seq(clock.posedge, reset=reset)
    def seq_hold() -> None:
        sink.next = source

    return seq_hold


@block
def stages(
    clock: Any, reset: Any, near: Any, far: Any, through: Any, mixed: Any, late: Any, fixed: Any
) -> Any:
    """`late` is three registers from `far`, two from `near`; `mixed` also sees `far` at once."""
    one, two, loop = (word(4) for _ in range(3))

    @always_comb
    def comb_through() -> None:
        through.next = near

    @always_comb
    def comb_mixed() -> None:
        mixed.next = far ^ two

    @always_seq(clock.posedge, reset=reset)
    def seq_join() -> None:
        two.next = one ^ near

    @always_seq(clock.posedge, reset=reset)
    def seq_loop() -> None:
        loop.next = loop + 1

    @always_comb
    def comb_fixed() -> None:
        fixed.next = loop

    first = register(clock, reset, far, one)
    last = register(clock, reset, two, late)
    return comb_through, comb_mixed, seq_join, seq_loop, comb_fixed, first, last


@pytest.fixture
def found() -> dict[str, Latency]:
    reset = ResetSignal(0, active=1, isasync=False)
    (top, _) = find_blocks(stages(bit(), reset, *(word(4) for _ in range(6))))
    return find_latencies(top)


def test_combinational(found: dict[str, Latency]) -> None:
    assert found["through"] == Latency(0, ("near",))
    assert found["mixed"] == Latency(0, ("far",))


def test_the_shortest_way_counts(found: dict[str, Latency]) -> None:
    assert found["late"] == Latency(2, ())


def test_without_a_way_from_an_input(found: dict[str, Latency]) -> None:
    """Clock and reset are no inputs of it."""
    assert found["fixed"] == Latency(None, ())
    assert found.keys() == {"through", "mixed", "late", "fixed"}

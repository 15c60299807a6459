"""A bench for one block: a script drives and checks it, cycle by cycle."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from hypothesis import Phase
from myhdl import ResetSignal, always_comb, block, instance

from hdl.config import AcceleratorConfig
from tests.drivers import simulate

UNSHRUNK = (Phase.explicit, Phase.reuse, Phase.generate)
"""Phases of a property that simulates: shrinking would repeat the simulation for minutes."""

Script = Callable[[], Iterator[Any]]


def small_config(**changes: Any) -> AcceleratorConfig:
    """The smallest memories that the stages' tests need, changed by keyword arguments."""
    values: dict[str, Any] = {
        "activation_elements": 256,
        "weight_words": 64,
        "bitmap_words": 64,
        "list_words": 256,
        "bias_entries": 64,
    }
    return AcceleratorConfig.model_validate(values | changes)


def packed(values: Sequence[int], bits: int) -> int:
    """Elements as one vector, negative ones in two's complement, the first in the low bits."""
    return sum(value % (1 << bits) << (bits * index) for index, value in enumerate(values))


def stage_reset() -> ResetSignal:
    """The active-high reset that the stages inside the accelerator share."""
    return ResetSignal(0, active=1, isasync=False)


@block
def inverter(resetn: Any, reset: Any) -> Any:
    """Makes the stages' reset from the one that the port drivers wait for."""

    @always_comb
    def comb_reset() -> None:
        reset.next = not resetn

    return comb_reset


@block
def _play(clock: Any, script: Script, ended: list[bool]) -> Any:
    @instance
    def seq_script() -> Iterator[Any]:
        yield clock.posedge
        yield from script()
        ended.append(True)

    return seq_script


def run(clock: Any, *blocks: Any, script: Script, limit_cycles: int = 20_000) -> None:
    """Simulates from the first edge to the end of `script`; raises AssertionError at the limit.

    After `yield clock.posedge` the script sees what the edge saw; after `yield clock.negedge` the
    outputs have settled and what it drives reaches the next edge.
    """
    ended: list[bool] = []
    player = _play(clock, script, ended)
    simulate(clock, player, *blocks, done=lambda: bool(ended), limit_cycles=limit_cycles)

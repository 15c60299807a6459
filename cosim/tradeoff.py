"""Who wins: every network at every width on every board, with the designs that fit it.

For each organisation of the accelerator all designs that fit are estimated, the fastest is run, and
the fastest of those wins. So the area that a sparse accelerator costs is paid in units, memory and
clock, as it would be on the board.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cosim.board import Board
from cosim.constants import constants_of, with_sources
from cosim.designs import Design, Needs, Variant, designs, variants
from cosim.errors import ScenarioError
from cosim.evaluate import estimate
from cosim.run import load_network
from cosim.scenario import Scenario
from hdl.config import MOST_UNITS
from networks import builtin
from networks.errors import NetworkError

Evaluate = Callable[[Scenario], Mapping[str, Any]]
"""Runs a scenario, or estimates it; gives the JSON document of a run."""


@dataclass(frozen=True)
class Contender:
    """The fastest design of one variant, and the document of its run."""

    design: Design
    report: Mapping[str, Any]

    @property
    def latency_ns(self) -> float:
        """Mean of the images."""
        return float(self.report["latency_ns"]["mean"])

    @property
    def energy_uj(self) -> float:
        """Of an image."""
        return sum(self.report["energy_uj"].values()) / int(self.report["images"])


def fastest(
    variant: Variant, board: Board, needs: Needs, base: Scenario, guess: Evaluate
) -> Design | None:
    """The design of a variant with the shortest estimated latency; None if none fits or runs."""
    best: tuple[float, Design] | None = None
    for design in designs(variant, board, needs):
        try:
            report = guess(design.scenario(base, board))
        except ScenarioError:
            continue  # memories too small for this network
        latency_ns = float(report["latency_ns"]["mean"])
        if best is None or latency_ns < best[0]:
            best = latency_ns, design
    return None if best is None else best[1]


def contenders(
    board: Board,
    bits: int,
    needs: Needs,
    base: Scenario,
    *,
    estimate: Evaluate = estimate,
    run: Evaluate,
    choices: Sequence[Variant] | None = None,
) -> list[Contender]:
    """The fastest design of each variant, run; fastest first."""
    assert board.fpga is not None
    found = []
    for variant in choices or variants(bits, board.fpga.family):
        design = fastest(variant, board, needs, base, estimate)
        if design is not None:
            found.append(Contender(design, run(design.scenario(base, board))))
    return sorted(found, key=lambda contender: contender.latency_ns)


def rows(network: str, board: Board, ordered: Sequence[Contender]) -> list[dict[str, Any]]:
    """A table row for each contender, fastest first; the winner has its margin and what decided."""
    found = []
    for index, contender in enumerate(ordered):
        design, report = contender.design, contender.report
        config = design.config
        found.append(
            {
                "network": network,
                "bits": config.bits,
                "accelerator": design.variant.name,
                "board": board.name,
                "units": config.units,
                "clock_mhz": design.clock_mhz,
                "configuration": config.model_dump(),
                "latency_us": round(contender.latency_ns / 1000, 3),
                "throughput_per_s": round(1e9 / contender.latency_ns, 2),
                "energy_uj": round(contender.energy_uj, 3),
                "accuracy": report["accuracy"],
                "used": {name: round(part, 4) for name, part in design.used.items()},
                "compute_share": round(
                    report["breakdown_ns"]["compute"] / report["latency_ns"]["total"], 4
                ),
                "engine": report["engine"],
                "winner": index == 0,
                "margin": None,
                "decided_by": None,
            }
        )
    if len(ordered) > 1:
        winner, rival = ordered[0], _rival(ordered)
        found[0]["margin"] = round(rival.latency_ns / winner.latency_ns, 4)
        found[0]["rival"] = rival.design.variant.name
        found[0]["decided_by"] = decided_by(winner, rival)
    return found


def _rival(ordered: Sequence[Contender]) -> Contender:
    """The fastest of the other camp: dense for a sparse winner, sparse for a dense one."""
    dense = ordered[0].design.config.kind == "dense"
    others = (item for item in ordered if (item.design.config.kind == "dense") != dense)
    return next(others, ordered[1])


def decided_by(winner: Contender, rival: Contender) -> str:
    """What the rival is short of: a resource of the device that is full, or what it waits for.

    A rival that computes for less than half of its time is bound by the system around it.
    """
    breakdown = rival.report["breakdown_ns"]
    if breakdown["compute"] < 0.5 * sum(breakdown.values()):
        return str(max((name for name in breakdown if name != "compute"), key=breakdown.get))
    if rival.design.config.units >= MOST_UNITS:
        return f"{MOST_UNITS} units, the most there are"
    if max(rival.design.used.values()) > 0.75:
        return rival.design.limit
    if rival.design.clock_mhz < 0.9 * winner.design.clock_mhz:
        return "clock"
    return "multiplications"


def compete(
    base: Scenario, network: str, bits: int, board: Board, *, run: Evaluate
) -> list[dict[str, Any]]:
    """Rows of one network at one width on one board; `run` gives the fastest designs' figures.

    Raises ScenarioError, one line that names all three.
    """
    wanted = base.model_copy(
        update={
            "network": base.network.model_copy(update={"source": source_for(network, bits)}),
            "accelerator": base.accelerator.model_copy(update={"bits": bits}),
        }
    )
    try:
        needs = Needs.of(load_network(wanted).graph)
        ordered = contenders(board, bits, needs, wanted, estimate=estimate, run=run)
    except (ScenarioError, NetworkError) as error:
        raise ScenarioError(f"{network}, {bits} bits, {board.name}: {error}") from error
    return rows(network, board, ordered)


def source_for(network: str, bits: int) -> str:
    """What is loaded for a network at a width: the float network if there is one, but at 8 bits."""
    wide = f"{network}-float"
    return wide if bits != 8 and wide in builtin.names() else network


def assumptions(boards: Sequence[Board]) -> list[dict[str, str]]:
    """All constants of the boards: `what`, `value` and `source`, which says if one is assumed."""
    return [entry for board in boards for entry in with_sources(board.name, constants_of(board))]

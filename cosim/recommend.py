"""Which accelerator to build: the fastest that meets the wishes, why, and what comes next."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cosim.board import Board
from cosim.run import load_network
from cosim.scenario import Scenario
from cosim.tradeoff import Contender, decided_by
from networks.reference import run

ALIKE = 0.02
"""Latencies closer than that are taken as the same: then the narrower, smaller design is better."""


@dataclass(frozen=True)
class Choice:
    """A design that was run, and the share of images that its width gets right, if known."""

    contender: Contender
    accuracy: float | None

    @property
    def latency_us(self) -> float:
        """Mean of the images."""
        return self.contender.latency_ns / 1000

    @property
    def accuracy_text(self) -> str:
        """For a sentence; nothing without labels."""
        return "" if self.accuracy is None else f" at {100 * self.accuracy:.1f} % accuracy"

    def report(self) -> dict[str, Any]:
        """For the JSON document."""
        design = self.contender.design
        return {
            "accelerator": design.variant.name,
            "configuration": design.config.model_dump(),
            "clock_mhz": design.clock_mhz,
            "latency_us": round(self.latency_us, 3),
            "energy_uj": round(self.contender.energy_uj, 3),
            "accuracy": self.accuracy,
            "area": design.area.report(),
            "used": {name: round(part, 4) for name, part in design.used.items()},
            "command": command(self),
        }


def measured_accuracy(scenario: Scenario, images: int) -> float | None:
    """Share of the first labelled images that the quantised network gets right; None without.

    Computed by the bit-exact reference, which every engine agrees with.
    """
    few = scenario.model_copy(
        update={"input": scenario.input.model_copy(update={"images": images})}
    )
    loaded = load_network(few)
    if loaded.labels is None:
        return None
    results = run(loaded.graph, loaded.images).reshape(len(loaded.images), -1)
    return float(np.mean(results.argmax(axis=1) == loaded.labels))


def ranked(choices: Sequence[Choice]) -> list[Choice]:
    """Fastest first; of those that are alike the one with the fewest look-up tables first."""
    left = sorted(choices, key=lambda choice: choice.latency_us)
    ordered: list[Choice] = []
    while left:
        limit_us = left[0].latency_us * (1 + ALIKE)
        alike = [choice for choice in left if choice.latency_us <= limit_us]
        best = min(alike, key=lambda choice: choice.contender.design.area.lut)
        ordered.append(best)
        left.remove(best)
    return ordered


def meets(
    choice: Choice,
    choices: Sequence[Choice],
    *,
    latency_us: float | None,
    max_accuracy_drop: float | None,
) -> bool:
    """Whether a choice is fast and accurate enough; accuracy is set against the best of all."""
    if latency_us is not None and choice.latency_us > latency_us:
        return False
    known = [other.accuracy for other in choices if other.accuracy is not None]
    if max_accuracy_drop is None or choice.accuracy is None or not known:
        return True
    return 100 * (max(known) - choice.accuracy) <= max_accuracy_drop


def command(choice: Choice) -> str:
    """The command that emits the design's VHDL."""
    config = choice.contender.design.config
    parts = [f"--accelerator {config.kind}", f"--bits {config.bits}", f"--units {config.units}"]
    if config.kind == "list":
        parts.append(f"--lookahead {config.lookahead}")
    if config.products_per_multiplier > 1:
        parts.append(f"--products-per-multiplier {config.products_per_multiplier}")
    own = {"list": ("list_words",), "bitmap": ("weight_words", "bitmap_words")}
    for name in ("activation_elements", *own.get(config.kind, ("weight_words",)), "bias_entries"):
        parts.append(f"--{name.replace('_', '-')} {getattr(config, name)}")
    return f"python scripts/convert_hdl.py {' '.join(parts)} --language vhdl --out build/vhdl"


def explain(network: str, board: Board, choices: Sequence[Choice]) -> list[str]:
    """Sentences: what to build, why, the runner-up, and the command that emits the VHDL."""
    best = choices[0]
    design, report = best.contender.design, best.contender.report
    breakdown = report["breakdown_ns"]
    largest = max(breakdown, key=lambda name: breakdown[name])
    share = 100 * breakdown[largest] / sum(breakdown.values())
    lines = [
        f"Build {design.variant.name} with {design.config.units} units of "
        f"{design.config.bits} bits at {design.clock_mhz} MHz: {network} takes "
        f"{best.latency_us:.1f} us and {best.contender.energy_uj:.1f} uJ an image on "
        f"{board.name}{best.accuracy_text}.",
        f"{share:.0f} % of that is {largest}; it takes {100 * design.used[design.limit]:.0f} % of "
        f"the {design.limit.replace('_', ' ')} that the rest of the system leaves.",
    ]
    others = [choice for choice in choices[1:] if choice.contender.design.variant != design.variant]
    if others:
        rival = others[0]
        margin = rival.latency_us / best.latency_us
        lines.append(
            f"Runner-up: {rival.contender.design.variant.name} with "
            f"{rival.contender.design.config.units} units of "
            f"{rival.contender.design.config.bits} bits, {rival.latency_us:.1f} us, "
            f"{margin:.2f} times as long; decided by "
            f"{decided_by(best.contender, rival.contender)}."
        )
    lines.append(f"VHDL: {command(best)}")
    return lines

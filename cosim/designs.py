"""Designs of an accelerator that fit a board: how many units, how much memory, which clock.

A design is one accelerator as it would be built for a network on a device. What is chosen for it:
the units (powers of two, and the most that fit), activations (enough for the largest layer at once,
or half or a quarter of that), and the weight memory (all block RAMs left, up to what the network
needs to stay resident).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cosim.areas import Area, area_model
from cosim.board import Board, FpgaConfig
from cosim.errors import ScenarioError
from cosim.fit import clock_mhz, fit, used
from cosim.scenario import Scenario
from hdl.config import (
    MOST_ACTIVATION_ELEMENTS,
    MOST_LIST_WORDS,
    MOST_UNITS,
    MOST_WEIGHT_WORDS,
    AcceleratorConfig,
)
from networks.graph import LayerGraph
from networks.layers import elements

SMALLEST_WORDS = 256
"""Least depth of a unit's weight memories: less saves no block RAM."""


@dataclass(frozen=True)
class Variant:
    """One organisation of the accelerator at one width; `published`: filters as they come, in
    groups of as many as there are units (`bitmap` only)."""

    kind: str
    bits: int
    lookahead: int = 1
    products: int = 1
    published: bool = False

    @property
    def name(self) -> str:
        """Name for tables, without the width."""
        if self.kind == "list":
            return f"list K={self.lookahead}"
        packed = ", 2 products a DSP" if self.products > 1 else ""
        return f"{self.kind}{' as published' if self.published else ''}{packed}"

    @property
    def choice(self) -> dict[str, Any]:
        """The fields of an `AcceleratorConfig` that make it."""
        return {
            "kind": self.kind,
            "bits": self.bits,
            "lookahead": self.lookahead,
            "products_per_multiplier": self.products,
        }


def variants(bits: int, family: str) -> list[Variant]:
    """All that are built at a width on a family; longer look-aheads only at 8 bits."""
    found = [Variant("bitmap", bits, published=True), Variant("list", bits, 1)]
    found.append(Variant("list", bits, 2))
    if bits == 8:
        found.append(Variant("list", bits, 4))
    found.append(Variant("dense", bits))
    if bits == 8 and family == "xilinx":
        found.append(Variant("dense", bits, products=2))
    return found


@dataclass(frozen=True)
class Needs:
    """What a network wants on chip: activations of its largest layer, input and output at once
    (`elements`), all biases (`channels`), all weights and those that are not zero."""

    elements: int
    channels: int
    weights: int
    nonzero_weights: int

    @classmethod
    def of(cls, graph: LayerGraph) -> "Needs":
        """The needs of a graph; padding and copies are left out, they are small."""
        largest = max(
            sum(elements(graph.shapes[name]) for name in (*layer.inputs, layer.name))
            for layer in graph.layers
            if layer.inputs
        )
        layers = graph.compute_layers
        return cls(
            largest,
            sum(layer.outputs for layer in layers),
            sum(layer.weights.size for layer in layers),
            sum(int((layer.weights != 0).sum()) for layer in layers),
        )


@dataclass(frozen=True)
class Design:
    """A design that fits: `used` is the part of what the rest of the system leaves, by resource."""

    variant: Variant
    config: AcceleratorConfig
    area: Area
    used: dict[str, float]
    clock_mhz: int

    @property
    def limit(self) -> str:
        """The resource it takes most of."""
        return max(self.used, key=lambda name: self.used[name])

    def scenario(self, base: Scenario, board: Board) -> Scenario:
        """The scenario with this design on that board."""
        clocks = board.clocks.model_copy(update={"accelerator_mhz": float(self.clock_mhz)})
        run = base.run.model_copy(
            update={"balance": not self.variant.published, "groups": self.variant.published}
        )
        return base.model_copy(
            update={
                "accelerator": self.config,
                "board": board.model_copy(update={"clocks": clocks}),
                "run": run,
            }
        )


def fpga_of(board: Board) -> FpgaConfig:
    """The board's device; raises ScenarioError if nothing is known of it."""
    if board.fpga is None:
        raise ScenarioError(f"board.fpga must be there to fit an accelerator on {board.name}")
    return board.fpga


def designs(variant: Variant, board: Board, needs: Needs) -> Iterator[Design]:
    """Designs of a variant for a network that fit the board, the largest weight memory for each
    number of units and activations. None of a variant whose area was never measured."""
    fpga = fpga_of(board)
    model = area_model(fpga.family)
    if not model.knows(_config(variant, variant.products, 512, SMALLEST_WORDS, needs)):
        return
    whole = min(MOST_ACTIVATION_ELEMENTS, max(1024, _power_of_two(needs.elements)))
    for activations in (whole, whole // 2, whole // 4):
        if activations < 512:
            continue
        seen = 0
        for units in _unit_counts(variant, fpga, activations, needs):
            fitting = None
            for words in _weight_depths(variant, units, activations, needs):
                config = _config(variant, units, activations, words, needs)
                area = model.area(config)
                parts = used(area, fpga)
                if max(parts.values()) > 1:
                    break
                fitting = Design(variant, config, area, parts, clock_mhz(area, fpga))
            if fitting is not None and units != seen:
                seen = units
                yield fitting


def _unit_counts(variant: Variant, fpga: FpgaConfig, activations: int, needs: Needs) -> list[int]:
    """Powers of two, and the most units that fit with the least memory."""
    step = variant.products
    most = fit(_config(variant, step, activations, SMALLEST_WORDS, needs), fpga).units
    counts = {1 << power for power in range(MOST_UNITS.bit_length())} | {most}
    return sorted(units for units in counts if step <= units <= most)


def _weight_depths(variant: Variant, units: int, activations: int, needs: Needs) -> Iterator[int]:
    """Depths of a unit's weight memories, up to what keeps all weights on chip."""
    lanes = 32 // variant.bits
    if variant.kind == "list":
        # Lists are padded, and a filter's last word is seldom full.
        wanted = 1.5 * needs.nonzero_weights / variant.lookahead / units
        most = MOST_LIST_WORDS
    elif variant.kind == "bitmap":
        wanted, most = needs.weights / 16 / units, MOST_WEIGHT_WORDS
    else:
        wanted, most = 1.2 * needs.weights / lanes / units, MOST_WEIGHT_WORDS
    words = SMALLEST_WORDS
    yield words
    while words < min(wanted, most):
        words *= 2
        yield words


def _config(
    variant: Variant, units: int, activations: int, words: int, needs: Needs
) -> AcceleratorConfig:
    depths: dict[str, int] = {"list_words": words}
    if variant.kind != "list":
        depths = {"weight_words": words}
    if variant.kind == "bitmap":
        depths["bitmap_words"] = words
    return AcceleratorConfig.model_validate(
        variant.choice
        | depths
        | {
            "units": units,
            "activation_elements": activations,
            "bias_entries": max(128, _power_of_two(needs.channels)),
        }
    )


def _power_of_two(number: int) -> int:
    return 1 << (number - 1).bit_length()

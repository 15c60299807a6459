"""Where sparse beats dense: weight density against activation density, on one board.

At each point the fastest sparse design that fits the board is set against the fastest dense one,
for one layer: by the time its jobs take (`accelerator`), and by the latency of the whole system
(`system`). All is estimated; weights and activations are independent, filters differ as random ones
do. Real networks are less even, which costs sparse accelerators balance. No accelerator has more
than 64 units (`hdl.config`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from typing import Any, Literal

import numpy as np

from cosim.board import Board
from cosim.designs import Design, Needs, Variant, designs
from cosim.errors import ScenarioError
from cosim.estimate.plan import plan_image
from cosim.estimate.system import estimate_image
from cosim.scenario import Scenario
from networks.formats import Format
from networks.graph import LayerGraph
from networks.layers import Conv, Gemm, Input
from networks.statistics import Densities, NetworkStatistics, assume_statistics

Scope = Literal["accelerator", "system"]
SCOPES: tuple[Scope, ...] = ("accelerator", "system")


@dataclass(frozen=True)
class SampleLayer:
    """A layer to compare on: `size` is its input's height and width, 1 for a vector."""

    name: str
    inputs: int
    outputs: int
    size: int
    kernel: int

    def graph(self, bits: int) -> LayerGraph:
        """The layer alone; weights are zeros that take no memory, only their shape counts."""
        return _layer_graph(self, bits)


CONVOLUTION = SampleLayer("conv 3x3, 64 to 64 channels, 14x14", 64, 64, 14, 3)
FULLY_CONNECTED = SampleLayer("fully connected, 1024 to 1024", 1024, 1024, 1, 1)
LAYERS = (CONVOLUTION, FULLY_CONNECTED)


@lru_cache(maxsize=16)
def _layer_graph(layer: SampleLayer, bits: int) -> LayerGraph:
    number_format = Format(bits, 4)
    weights = np.broadcast_to(
        np.zeros((), np.int64), (layer.outputs, layer.inputs, layer.kernel, layer.kernel)
    )
    pad = layer.kernel // 2
    entry = Input(name="x", shape=(layer.inputs, layer.size, layer.size), format=number_format)
    kind = Conv if layer.size > 1 else Gemm
    return LayerGraph(
        (
            entry,
            kind(
                name="layer",
                inputs=("x",),
                weights=weights,
                pads=(pad, pad, pad, pad),
                input_format=number_format,
                weight_format=number_format,
                output_format=number_format,
            ),
        )
    )


@dataclass(frozen=True)
class Fastest:
    """The fastest design by either scope, in picoseconds, and its variant's name."""

    time_ps: dict[Scope, float]
    name: dict[Scope, str]
    units: dict[Scope, int]


def fastest(
    base: Scenario,
    board: Board,
    layer: SampleLayer,
    bits: int,
    choices: Sequence[Variant],
    densities: Densities,
) -> Fastest | None:
    """The fastest of all designs of these variants; None if none fits."""
    graph = layer.graph(bits)
    statistics = assume_statistics(layer.name, graph, bits, {"layer": densities})
    weights = graph.compute_layers[0].weights.size
    needs = replace(Needs.of(graph), nonzero_weights=round(weights * densities.weights))
    best: dict[Scope, tuple[float, Design]] = {}
    for choice in choices:
        for design in designs(choice, board, needs):
            for scope, time_ps in _times_ps(base, board, statistics, design).items():
                if scope not in best or time_ps < best[scope][0]:
                    best[scope] = time_ps, design
    if not best:
        return None
    return Fastest(
        {scope: time_ps for scope, (time_ps, _) in best.items()},
        {scope: design.variant.name for scope, (_, design) in best.items()},
        {scope: design.config.units for scope, (_, design) in best.items()},
    )


def _times_ps(
    base: Scenario, board: Board, statistics: NetworkStatistics, design: Design
) -> dict[Scope, float]:
    try:
        published = design.variant.published
        plan = plan_image(statistics, design.config, not published, published)
    except ScenarioError:
        return {}
    if any(isinstance(step, int) for step in plan.steps):
        return {}  # activations too small: the host would compute the layer
    scenario = design.scenario(base, board)
    image = estimate_image(scenario, statistics.graph, plan)
    return {"accelerator": image.breakdown_ps["compute"], "system": image.total_ps}


def density_map(
    base: Scenario,
    board: Board,
    layer: SampleLayer,
    bits: int,
    sparse: Sequence[Variant],
    dense: Sequence[Variant],
    weight_densities: Sequence[float],
    activation_densities: Sequence[float],
) -> list[dict[str, Any]]:
    """A map a scope: `ratio[w][a]` is the time of dense over that of sparse, above 1 sparse wins.

    `crossover` has the weight density at which both take the same, by activation density; None
    where one wins at all densities.
    """
    rival = fastest(base, board, layer, bits, dense, Densities(1.0, 1.0))
    if rival is None:
        return []
    found: dict[Scope, list[list[float]]] = {scope: [] for scope in SCOPES}
    names: dict[Scope, list[list[str]]] = {scope: [] for scope in SCOPES}
    for weights in weight_densities:
        for scope in SCOPES:
            found[scope].append([])
            names[scope].append([])
        for activations in activation_densities:
            best = fastest(base, board, layer, bits, sparse, Densities(weights, activations))
            for scope in SCOPES:
                ratio = 0.0 if best is None else rival.time_ps[scope] / best.time_ps[scope]
                found[scope][-1].append(round(ratio, 4))
                names[scope][-1].append("" if best is None else best.name[scope])
    return [
        {
            "bits": bits,
            "board": board.name,
            "layer": layer.name,
            "scope": scope,
            "sparse": sorted({choice.kind for choice in sparse}),
            "dense": rival.name[scope],
            "dense_units": rival.units[scope],
            "weight_density": list(weight_densities),
            "activation_density": list(activation_densities),
            "ratio": found[scope],
            "best_sparse": names[scope],
            "crossover": crossover(weight_densities, activation_densities, found[scope]),
        }
        for scope in SCOPES
    ]


def crossover(
    weight_densities: Sequence[float],
    activation_densities: Sequence[float],
    ratio: Sequence[Sequence[float]],
) -> list[tuple[float | None, float]]:
    """Weight density at which the ratio is 1, by activation density; the largest if several.

    Between two points the ratio is a power of the weight density.
    """
    line: list[tuple[float | None, float]] = []
    for column, activations in enumerate(activation_densities):
        values = [row[column] for row in ratio]
        place: float | None = None
        pairs = list(zip(weight_densities, values, strict=True))
        for (low, more), (high, less) in pairwise(pairs):
            if more >= 1 > less and less > 0:
                part = np.log(more) / np.log(more / less)
                place = round(float(low * (high / low) ** part), 4)
        line.append((place, activations))
    return line

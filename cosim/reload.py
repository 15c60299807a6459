"""When it pays to reload the FPGA with another accelerator: policies, and from how many images on.

Work is a sequence of stages, each with what it costs on each accelerator; between two stages that
use different accelerators lies one load of the FPGA. A stage is a network and its images, or one
layer for all images of a batch. What each stage takes on each accelerator, and a load, is simulated
before; the sum is exact as each stage starts with the system at rest.
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import networkx as nx


@dataclass(frozen=True)
class Stage:
    """One stage: picoseconds by accelerator, once (`setup_ps`) and for each of its `images`."""

    name: str
    images: int
    setup_ps: Mapping[str, int]
    image_ps: Mapping[str, int]

    def cost_ps(self, accelerator: str) -> int:
        """What the whole stage takes on an accelerator that is loaded."""
        return self.setup_ps[accelerator] + self.images * self.image_ps[accelerator]

    @property
    def best(self) -> str:
        """The accelerator with the shortest stage, loads not counted."""
        return min(self.image_ps, key=self.cost_ps)


@dataclass(frozen=True)
class Plan:
    """What runs where, how often the FPGA is loaded after the start, and how long all takes."""

    policy: str
    accelerators: tuple[str, ...]
    loads: int
    total_ps: int


def never(stages: Sequence[Stage], load_ps: int) -> Plan:
    """The one accelerator that is best for all stages together, loaded before the start."""
    choices = [_plan("never", stages, [name] * len(stages), load_ps) for name in _names(stages)]
    return min(choices, key=lambda plan: plan.total_ps)


def each_stage(stages: Sequence[Stage], load_ps: int) -> Plan:
    """The best accelerator of each stage, whatever it costs to load it."""
    return _plan("each stage", stages, [stage.best for stage in stages], load_ps)


def look_ahead(stages: Sequence[Stage], load_ps: int) -> Plan:
    """The best sequence of all, the future being known (a shortest path)."""
    graph: nx.DiGraph = nx.DiGraph()
    names = _names(stages)
    for name in names:
        graph.add_edge("start", (0, name), weight=stages[0].cost_ps(name))
        graph.add_edge((len(stages) - 1, name), "end", weight=0)
    for index, stage in enumerate(stages[1:], 1):
        for before in names:
            for name in names:
                weight = stage.cost_ps(name) + (load_ps if name != before else 0)
                graph.add_edge((index - 1, before), (index, name), weight=weight)
    path = nx.dijkstra_path(graph, "start", "end")[1:-1]
    return _plan("look-ahead", stages, [name for _, name in path], load_ps)


def plans(stages: Sequence[Stage], load_ps: int) -> list[Plan]:
    """All policies."""
    return [policy(stages, load_ps) for policy in (never, each_stage, look_ahead)]


def images_to_pay(stage: Stage, loaded: str, load_ps: int) -> int | None:
    """From how many images on a stage is faster with its best accelerator loaded for it.

    `loaded` is the accelerator that is there; one load counts. None: never, it is the best.
    """
    choices = [
        math.floor((load_ps + stage.setup_ps[name] - stage.setup_ps[loaded]) / gain_ps) + 1
        for name in stage.image_ps
        if (gain_ps := stage.image_ps[loaded] - stage.image_ps[name]) > 0
    ]
    return max(1, min(choices)) if choices else None


def _names(stages: Sequence[Stage]) -> list[str]:
    return list(stages[0].image_ps)


def _plan(policy: str, stages: Sequence[Stage], names: Sequence[str], load_ps: int) -> Plan:
    loads = sum(first != second for first, second in itertools.pairwise(names))
    total_ps = sum(stage.cost_ps(name) for stage, name in zip(stages, names, strict=True))
    return Plan(policy, tuple(names), loads, total_ps + loads * load_ps)

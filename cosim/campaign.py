"""What networks, or their layers one by one, take on several accelerators.

These are the stages of `cosim.reload`. Each cost comes from a run of the whole system with the
accelerator that is loaded, at its clock: set-up (weights that stay) once, then each image. Layer by
layer, a layer's input and result go through memory and the driver is called for each, as a layer's
results must survive the load of the next accelerator.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from cosim.board import Board
from cosim.configuration_port import reload_ps
from cosim.designs import Design, Needs
from cosim.errors import ScenarioError
from cosim.evaluate import simulate
from cosim.reload import Plan, Stage, images_to_pay, look_ahead, plans
from cosim.report import build_report
from cosim.run import LoadedNetwork, execute, load_network, prepare_loaded
from cosim.scenario import Scenario
from cosim.tradeoff import contenders
from networks.split import split_layers

NS_TO_PS = 1000
PS_PER_MS = 1_000_000_000


@dataclass(frozen=True)
class Phase:
    """A network and how many images it is given."""

    network: str
    images: int


def load_work(base: Scenario, network: str) -> LoadedNetwork:
    """A network with the scenario's images of it; raises ScenarioError or NetworkError."""
    source = base.network.model_copy(update={"source": network})
    return load_network(base.model_copy(update={"network": source}))


def reload_document(
    base: Scenario, phases: Sequence[Phase], *, layers: bool = False
) -> dict[str, Any]:
    """What each network takes on each accelerator, and what every policy makes of it, as JSON.

    With `layers` also layer by layer. Raises ScenarioError if the board cannot be reloaded, or
    nothing fits it.
    """
    load_ps = reload_ps(base.board, base.masters)
    works = {phase.network: load_work(base, phase.network) for phase in phases}
    options = best_designs(base, works)
    once = {
        network: _stage(base, base.board, network, 1, work, options)
        for network, work in works.items()
    }
    stages = [
        replace(once[phase.network], name=phase.network, images=phase.images) for phase in phases
    ]
    document: dict[str, Any] = {
        "schema": 1,
        "kind": "reload",
        "board": base.board.name,
        "load_ms": load_ps / PS_PER_MS,
        "options": {name: design.config.model_dump() for name, design in options.items()},
        "stages": [_figures(stage, load_ps) for stage in stages],
        "plans": [asdict(plan) for plan in plans(stages, load_ps)],
    }
    if layers:
        document["layers"] = {
            network: _by_layer(base, network, work, options, once[network], load_ps)
            for network, work in works.items()
        }
    return document


def best_designs(base: Scenario, works: Mapping[str, LoadedNetwork]) -> dict[str, Design]:
    """For each network the fastest accelerator of all, by name; two that are one count once.

    Each has the activations and biases that all the networks need, so that it can run any of them.
    """
    found: dict[str, Design] = {}
    all_needs = [Needs.of(work.graph) for work in works.values()]
    elements = max(needs.elements for needs in all_needs)
    channels = max(needs.channels for needs in all_needs)
    for network, work in works.items():
        source = base.network.model_copy(update={"source": network})
        scenario = base.model_copy(update={"network": source})
        bits = base.accelerator.bits
        needs = replace(Needs.of(work.graph), elements=elements, channels=channels)
        ordered = contenders(base.board, bits, needs, scenario, run=simulate)
        if not ordered:
            raise ScenarioError(f"no accelerator for {network} fits {base.board.name}")
        design = ordered[0].design
        if design.config not in [other.config for other in found.values()]:
            found[f"{design.variant.name} x{design.config.units} ({network})"] = design
    return found


def _by_layer(
    base: Scenario,
    network: str,
    work: LoadedNetwork,
    options: Mapping[str, Design],
    whole: Stage,
    load_ps: int,
) -> dict[str, Any]:
    stages = layer_stages(base, base.board, Phase(network, 1), work, options)
    pays = images_for_layers(stages, whole, load_ps)
    return {
        "stages": [_figures(stage, load_ps) for stage in stages],
        "pays_from_images": None if pays is None else pays[0],
        "plan": None if pays is None else asdict(pays[1]),
    }


def _figures(stage: Stage, load_ps: int) -> dict[str, Any]:
    pays = {name: images_to_pay(stage, name, load_ps) for name in stage.image_ps}
    return asdict(stage) | {"best": stage.best, "reload_pays_from_images": pays}


def layer_stages(
    base: Scenario, board: Board, phase: Phase, work: LoadedNetwork, options: Mapping[str, Design]
) -> list[Stage]:
    """Stages that are a network's layers, each for all images of the phase."""
    return [
        _stage(
            base, board, name, phase.images, LoadedNetwork(name, graph, inputs, None, None), options
        )
        for name, graph, inputs in split_layers(work.graph, work.images)
    ]


def images_for_layers(
    stages: Sequence[Stage], whole: Stage, load_ps: int, most: int = 1 << 40
) -> tuple[int, Plan] | None:
    """From how many images on layers apart, with loads between them, beat the network whole.

    Compared with the one accelerator that is best for the whole network. None: not up to `most`.
    """

    def plan_for(images: int) -> tuple[Plan, int]:
        plan = look_ahead([replace(stage, images=images) for stage in stages], load_ps)
        together = replace(whole, images=images)
        return plan, min(together.cost_ps(name) for name in together.image_ps)

    def pays(images: int) -> bool:
        plan, together_ps = plan_for(images)
        return plan.total_ps < together_ps

    if not pays(most):
        return None
    low, high = 0, most
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if pays(middle) else (middle, high)
    return high, plan_for(high)[0]


def _stage(
    base: Scenario,
    board: Board,
    name: str,
    images: int,
    work: LoadedNetwork,
    options: Mapping[str, Design],
) -> Stage:
    setup_ps, image_ps = {}, {}
    for option, design in options.items():
        prepared = prepare_loaded(design.scenario(base, board), replace(work, name=name))
        report = build_report(execute(prepared))
        setup_ps[option] = round(report["setup_ns"] * NS_TO_PS)
        image_ps[option] = round(report["latency_ns"]["mean"] * NS_TO_PS)
    return Stage(name, images, setup_ps, image_ps)

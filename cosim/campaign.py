"""What networks, or their layers one by one, take on several accelerators.

These are the stages of `cosim.reload`. Each cost comes from a run of the whole system with the
accelerator that is loaded, at its clock: set-up (weights that stay) once, then each image. Layer by
layer, a layer's input and result go through memory and the driver is called for each, as a layer's
results must survive the load of the next accelerator.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from cosim.board import Board
from cosim.designs import Design
from cosim.reload import Plan, Stage, look_ahead
from cosim.report import build_report
from cosim.run import LoadedNetwork, execute, load_network, prepare_loaded
from cosim.scenario import Scenario
from networks.split import split_layers

NS_TO_PS = 1000


@dataclass(frozen=True)
class Phase:
    """A network and how many images it is given."""

    network: str
    images: int


def load_work(base: Scenario, network: str) -> LoadedNetwork:
    """A network with the scenario's images of it; raises ScenarioError or NetworkError."""
    source = base.network.model_copy(update={"source": network})
    return load_network(base.model_copy(update={"network": source}))


def network_stage(
    base: Scenario, board: Board, phase: Phase, work: LoadedNetwork, options: Mapping[str, Design]
) -> Stage:
    """A stage that is a whole network."""
    return _stage(base, board, phase.network, phase.images, work, options)


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

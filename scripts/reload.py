"""When it pays to reload the FPGA with the accelerator that fits a network, or a layer, best."""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from cosim.evaluate import estimate, simulate
from rich.table import Table

from cosim import cli
from cosim.campaign import Phase, images_for_layers, layer_stages, load_work, network_stage
from cosim.configuration_port import reload_ps
from cosim.designs import Design, Needs
from cosim.errors import ScenarioError
from cosim.outputs import OutputFile
from cosim.reload import Plan, Stage, images_to_pay, plans
from cosim.scenario import Scenario, load_scenario
from cosim.tradeoff import contenders

PS_PER_MS = 1_000_000_000
PS_PER_US = 1_000_000


def _phase(text: str) -> Phase:
    network, colon, images = text.rpartition(":")
    if not colon or not network or not images.isdigit() or int(images) < 1:
        raise ScenarioError(f"--phase must be NETWORK:IMAGES, not '{text}'")
    return Phase(network, int(images))


def _options(base: Scenario, networks: Sequence[str]) -> dict[str, Design]:
    """For each network the fastest accelerator of all, by name; two that are one count once."""
    found: dict[str, Design] = {}
    for network in networks:
        scenario = base.model_copy(
            update={"network": base.network.model_copy(update={"source": network})}
        )
        needs = Needs.of(load_work(base, network).graph)
        ordered = contenders(
            base.board, base.accelerator.bits, needs, scenario, estimate=estimate, run=simulate
        )
        if not ordered:
            raise ScenarioError(f"no accelerator for {network} fits {base.board.name}")
        design = ordered[0].design
        if design.config not in [other.config for other in found.values()]:
            found[f"{design.variant.name} x{design.config.units} ({network})"] = design
    return found


def _costs(stages: Sequence[Stage], load_ps: int, title: str) -> Table:
    names = list(stages[0].image_ps)
    table = Table("stage", *names, "reloading pays from", title=title)
    for column in table.columns[1:]:
        column.justify = "right"
    for stage in stages:
        pays = {name: images_to_pay(stage, name, load_ps) for name in names}
        least = min((images for images in pays.values() if images is not None), default=None)
        cells = [f"{stage.image_ps[name] / PS_PER_US:.1f}" for name in names]
        table.add_row(stage.name, *cells, "" if least is None else f"{least:,} images")
    return table


def _plans(found: Sequence[Plan], title: str) -> Table:
    table = Table("policy", "loads", "total, ms", "accelerators", title=title)
    for column in table.columns[1:3]:
        column.justify = "right"
    for plan in found:
        used = " > ".join(dict.fromkeys(plan.accelerators))
        table.add_row(plan.policy, str(plan.loads), f"{plan.total_ps / PS_PER_MS:,.2f}", used)
    return table


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("scenario", type=click.Path(path_type=Path))
@click.option(
    "--phase",
    "phases",
    multiple=True,
    metavar="NETWORK:IMAGES",
    help="In order; as many as wanted.",
)
@click.option("--layers", is_flag=True, help="Also layer by layer, each for all images.")
@click.option("--set", "settings", multiple=True, metavar="KEY.PATH=VALUE", help="Any key.")
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write figures here.")
@click.option("--quiet", is_flag=True, help="No tables.")
def reload(
    scenario: Path,
    phases: tuple[str, ...],
    layers: bool,
    settings: tuple[str, ...],
    json_path: Path | None,
    quiet: bool,
) -> None:
    """Compare policies for networks that follow each other on the board of SCENARIO."""
    output = None if json_path is None else OutputFile(json_path)
    base = load_scenario(scenario, settings=settings)
    work_list = [_phase(text) for text in phases] or [Phase("lenet300", 1000), Phase("lenet5", 100)]
    load_ps = reload_ps(base.board, base.masters)
    works = {phase.network: load_work(base, phase.network) for phase in work_list}
    options = _options(base, list(works))
    once = {
        network: network_stage(base, base.board, Phase(network, 1), work, options)
        for network, work in works.items()
    }
    stages = [
        Stage(
            phase.network, phase.images, once[phase.network].setup_ps, once[phase.network].image_ps
        )
        for phase in work_list
    ]
    found = plans(stages, load_ps)
    document: dict[str, Any] = {
        "schema": 1,
        "kind": "reload",
        "board": base.board.name,
        "load_ms": load_ps / PS_PER_MS,
        "options": {name: design.config.model_dump() for name, design in options.items()},
        "stages": [_stage_figures(stage, load_ps) for stage in stages],
        "plans": [asdict(plan) for plan in found],
    }
    if not quiet:
        cli.console().print(f"one load of the FPGA: {load_ps / PS_PER_MS:.2f} ms")
        cli.console().print(_costs(stages, load_ps, "us an image, by accelerator"))
        cli.console().print(_plans(found, "Policies"))
    if layers:
        document["layers"] = {
            network: _by_layer(base, network, work, options, once[network], load_ps, quiet)
            for network, work in works.items()
        }
    if output is not None:
        output.write(json.dumps(document, indent=1) + "\n")
        output.commit()


def _by_layer(
    base: Scenario,
    network: str,
    work: Any,
    options: Mapping[str, Design],
    whole: Stage,
    load_ps: int,
    quiet: bool,
) -> dict[str, Any]:
    stages = layer_stages(base, base.board, Phase(network, 1), work, options)
    pays = images_for_layers(stages, whole, load_ps)
    if not quiet:
        cli.console().print(_costs(stages, load_ps, f"{network} layer by layer: us an image"))
        text = "never pays" if pays is None else f"pays from {pays[0]:,} images a batch"
        cli.console().print(f"{network}: a load between layers {text}")
    return {
        "stages": [_stage_figures(stage, load_ps) for stage in stages],
        "pays_from_images": None if pays is None else pays[0],
        "plan": None if pays is None else asdict(pays[1]),
    }


def _stage_figures(stage: Stage, load_ps: int) -> dict[str, Any]:
    pays = {name: images_to_pay(stage, name, load_ps) for name in stage.image_ps}
    return asdict(stage) | {"best": stage.best, "reload_pays_from_images": pays}


if __name__ == "__main__":
    sys.exit(cli.main(reload))

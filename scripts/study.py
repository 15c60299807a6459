"""Regenerates the study: all figures and tables of docs/study; goes on where it was interrupted."""

import json
import sys
from pathlib import Path
from typing import Any

import click
from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from cosim import cli, parallel
from cosim.estimate.errors import EstimateError
from cosim.evaluate import simulate
from cosim.figures.drawing import save
from cosim.figures.maps import density_maps, winner_map
from cosim.outputs import OutputFile
from cosim.scenario import load_board, load_scenario
from cosim.study import text
from cosim.study.parts import make_parts, parts, read_part
from cosim.tradeoff import assumptions

ROOT = Path(__file__).parents[1]
SCENARIO = ROOT / "scripts" / "scenarios" / "recommend.toml"
PARTS = ROOT / "build" / "study"
OUT = ROOT / "docs" / "study"
FIGURE_FORMATS = (".svg", ".png")


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--jobs", type=click.IntRange(min=1), default=parallel.cores, show_default="cores")
@click.option("--parts", "folder", type=click.Path(path_type=Path), default=PARTS)
@click.option("--out", type=click.Path(path_type=Path), default=OUT)
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Also as one document.")
@click.option("--quiet", is_flag=True, help="No progress.")
def study(jobs: int, folder: Path, out: Path, json_path: Path | None, quiet: bool) -> None:
    """Check the paper's five claims with this hardware, and write what was found to OUT."""
    out.mkdir(parents=True, exist_ok=True)
    page = OutputFile(out / "README.md")
    document_file = None if json_path is None else OutputFile(json_path)
    wanted = parts()
    columns = (TextColumn("{task.description}"), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=cli.progress_console(), disable=quiet) as bar:
        task = bar.add_task("study", total=len(wanted))
        for part, _ in make_parts(wanted, folder, SCENARIO, jobs):
            bar.update(task, advance=1, description=part.file.removesuffix(".json"))
    found = {part: read_part(folder, part) for part in wanted}
    rows = [row for part in wanted if part.kind == "winners" for row in found[part]]
    maps = [item for part in wanted if part.kind == "map" for item in found[part]]
    errors = [EstimateError(**found[part]) for part in wanted if part.kind == "error"]
    (reload,) = (found[part] for part in wanted if part.kind == "reload")
    _draw(rows, maps, out)
    page.write("\n".join(_page(rows, maps, errors, reload)) + "\n")
    page.commit()
    if document_file is not None:
        document = {
            "schema": 1,
            "kind": "tradeoff",
            "rows": rows,
            "density_map": maps,
            "reload": reload,
            "assumptions": assumptions([load_board("zynq7020"), load_board("ecp5-45")]),
        }
        document_file.write(json.dumps(document, indent=1) + "\n")
        document_file.commit()


def _draw(rows: list[dict[str, Any]], maps: list[dict[str, Any]], out: Path) -> None:
    pictures = {"winners": winner_map(rows)}
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for item in maps:
        key = item["rivalry"], item["scope"], item["board"], item["layer"]
        groups.setdefault(key, []).append(item)
    for (rivalry, scope, board, layer), items in groups.items():
        short = "conv" if layer.startswith("conv") else "fc"
        name = f"{rivalry}-{short}-{scope}-{board}"
        pictures[name] = density_maps(items, name)
    for name, picture in pictures.items():
        for suffix in FIGURE_FORMATS:
            save(picture, out / f"{name}{suffix}")


def _page(
    rows: list[dict[str, Any]],
    maps: list[dict[str, Any]],
    errors: list[EstimateError],
    reload: dict[str, Any],
) -> list[str]:
    use = {"published": _use("bitmap", published=True), "list": _use("list")}
    return [
        "# Sparse or dense: the claims of the paper, checked",
        "",
        "Written by `make study` from runs of the exact engine, estimates and synthesis. The "
        "paper: Alcolea et al., IEEE TVLSI 28(9), 2020.",
        "",
        "## The five claims",
        "",
        *text.claims(rows, maps, reload, use),
        "",
        "## Who wins",
        "",
        "![The fastest design that fits, by network, width and board](winners.svg)",
        "",
        "The fastest design of each organisation is found among all numbers of units and depths of "
        "memory that fit the board, then run to the cycle; end-to-end latency of an image.",
        "",
        *text.winners_table(rows),
        "",
        "The published organisation against dense (above 1: faster than the best dense design):",
        "",
        *text.published_table(rows),
        "",
        "## Density maps",
        "",
        "![Lists against dense, convolution, accelerator alone](list-conv-accelerator-ecp5-45.svg)",
        "",
        "![As published against dense, the same](published-conv-accelerator-ecp5-45.svg)",
        "",
        "![Lists against dense, fully connected, whole system](list-fc-system-ecp5-45.svg)",
        "",
        "Weight densities up to which sparse is faster, by density of activations:",
        "",
        *text.crossover_table(maps),
        "",
        *text.stream_text(),
        "",
        "## How exact",
        "",
        *text.errors_text(errors),
        "",
        "Area between measured points is a straight line over the units:",
        "",
        *text.area_text(),
        "",
        "## What is assumed",
        "",
        *text.assumptions_text(),
    ]


def _use(kind: str, *, published: bool = False) -> float:
    """Useful share of the multipliers' cycles on LeNet-5 with 8 units."""
    changes = {
        "network.source": "lenet5",
        "input.images": 2,
        "accelerator.kind": kind,
        "accelerator.lookahead": 2,
        "run.groups": published,
        "run.balance": not published,
    }
    layers = simulate(load_scenario(SCENARIO, changes=changes))["layers"]
    cycles = sum(layer["cycles"] for layer in layers)
    return sum(layer["macs_useful"] for layer in layers) / cycles / 8


if __name__ == "__main__":
    sys.exit(cli.main(study))

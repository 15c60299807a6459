"""Runs a scenario: a network through the whole simulated system; prints where the time goes."""

import json
import sys
from pathlib import Path
from typing import Any

import click

from cosim import cli, options
from cosim.errors import ScenarioError
from cosim.evaluate import evaluate
from cosim.outputs import OutputFile, check_distinct
from cosim.progress_bar import RunBar
from cosim.report import Run, build_report
from cosim.run import execute, prepare
from cosim.scenario import Scenario, load_scenario
from cosim.split import execute_split
from cosim.summary import summarise
from cosim.trace import Trace

BITS = [str(bits) for bits in options.BITS]
LOOKAHEADS = [str(weights) for weights in options.LOOKAHEADS]


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("scenario", type=click.Path(path_type=Path))
@click.option("--network", help="Network file, or the name of a built-in network.")
@click.option("--input", "input_file", help="Images: .npz with x, optionally x_scale and y.")
@click.option("--images", type=click.IntRange(min=1), help="How many images to run.")
@click.option("--accelerator", type=click.Choice(options.ACCELERATORS), help="Kind of accelerator.")
@click.option("--bits", type=click.Choice(BITS), help="Operand width.")
@click.option("--units", type=int, help="Processing units.")
@click.option("--lookahead", type=click.Choice(LOOKAHEADS), help="K of the list accelerator.")
@click.option(
    "--engine", type=click.Choice(options.ENGINES), help="What simulates the accelerator."
)
@click.option("--set", "settings", multiple=True, metavar="KEY.PATH=VALUE", help="Any other key.")
@click.option(
    "--json", "json_path", type=click.Path(path_type=Path), help="Write the results here."
)
@click.option("--trace", "trace_path", type=click.Path(path_type=Path), help="Write a trace here.")
@click.option("--vcd", "vcd_path", type=click.Path(path_type=Path), help="Write waveforms here.")
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    default=1,
    help="Processes that the images are split over; the JSON's `split` says if that is exact.",
)
@click.option("--quiet", is_flag=True, help="No progress bar, no tables.")
def run_scenario(
    scenario: Path,
    network: str | None,
    input_file: str | None,
    images: int | None,
    accelerator: str | None,
    bits: str | None,
    units: int | None,
    lookahead: str | None,
    engine: str | None,
    settings: tuple[str, ...],
    json_path: Path | None,
    trace_path: Path | None,
    vcd_path: Path | None,
    jobs: int,
    quiet: bool,
) -> None:
    """Run SCENARIO, a TOML file; options change what it says."""
    changes: dict[str, Any] = {
        "network.source": network,
        "input.file": input_file,
        "input.images": images,
        "accelerator.kind": accelerator,
        "accelerator.bits": None if bits is None else int(bits),
        "accelerator.units": units,
        "accelerator.lookahead": None if lookahead is None else int(lookahead),
        "run.engine": engine,
    }
    given = {key: value for key, value in changes.items() if value is not None}
    files = {
        name: OutputFile(path)
        for name, path in (("json", json_path), ("trace", trace_path), ("vcd", vcd_path))
        if path is not None
    }
    check_distinct(files.values())
    loaded = load_scenario(scenario, changes=given, settings=settings)
    engine_name = loaded.run.engine
    if vcd_path is not None and engine_name not in ("rtl", "compiled"):
        raise ScenarioError(
            f"run.engine must be rtl or compiled for --vcd: {engine_name} has no waveforms"
        )
    if trace_path is not None and engine_name == "estimate":
        raise ScenarioError("run.engine must not be estimate for --trace: nothing is simulated")
    if jobs > 1 and (trace_path is not None or vcd_path is not None):
        raise ScenarioError(f"jobs must be 1 for --trace and --vcd, not {jobs}")
    trace = Trace() if "trace" in files else None
    vcd = files["vcd"].temporary if "vcd" in files else None
    silent = quiet or not sys.stderr.isatty()
    try:
        if engine_name == "estimate":
            report = evaluate(loaded)
        elif jobs > 1:
            report = _execute_split(loaded, jobs, silent)
        else:
            report = build_report(_execute(loaded, vcd, trace, silent))
        if "json" in files:
            files["json"].write(json.dumps(report, indent=1) + "\n")
        if trace is not None:
            files["trace"].write(trace.to_json())
        for file in files.values():
            file.commit()
    finally:
        for file in files.values():
            file.discard()
    if not quiet:
        cli.console().print(summarise(report))


def _execute(scenario: Scenario, vcd: Path | None, trace: Trace | None, silent: bool) -> Run:
    with RunBar(cli.progress_console(), silent=silent) as bar:
        return execute(prepare(scenario), vcd=vcd, trace=trace, progress=bar.show, note=bar.note)


def _execute_split(scenario: Scenario, jobs: int, silent: bool) -> dict[str, Any]:
    with RunBar(cli.progress_console(), silent=silent) as bar:
        run, split = execute_split(prepare(scenario), jobs, bar.show_images)
    return build_report(run) | {"split": split.report()}


if __name__ == "__main__":
    sys.exit(cli.main(run_scenario))

"""Prints runs of one network side by side, and draws where their time went."""

import json
import sys
from pathlib import Path
from typing import Any

import click

from cosim import cli
from cosim.errors import ScenarioError
from cosim.figures.drawing import FORMATS, save
from cosim.figures.runs import breakdown
from cosim.outputs import OutputFile
from cosim.report import check_report
from cosim.summary import compare


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("results", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--figure", type=click.Path(path_type=Path), help="Draw the breakdown: .png, .svg.")
@click.option("--quiet", is_flag=True, help="No tables.")
def compare_runs(results: tuple[Path, ...], figure: Path | None, quiet: bool) -> None:
    """Compare RESULTS, JSON files of two runs or more; the last is what others are set against."""
    if figure is not None and figure.suffix not in FORMATS:
        raise ScenarioError(f"{figure}: figure must be one of {', '.join(FORMATS)}")
    output = OutputFile(figure) if figure is not None else None
    reports = [_load(path) for path in results]
    tables = compare(reports)
    if output is not None:
        try:
            save(breakdown(reports), output.temporary)
            output.commit()
        finally:
            output.discard()
    if not quiet:
        cli.console().print(tables)


def _load(path: Path) -> dict[str, Any]:
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ScenarioError(f"{path}: cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise ScenarioError(f"{path}: must be the JSON of a run ({error})") from error
    check_report(report, str(path))
    return dict(report)


if __name__ == "__main__":
    sys.exit(cli.main(compare_runs))

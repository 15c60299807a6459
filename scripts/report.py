"""Makes a page of a run, a sweep's store or a trade-off: one HTML file that needs nothing else."""

import sys
from pathlib import Path

import click

from cosim import cli
from cosim.errors import ScenarioError
from cosim.outputs import OutputFile, check_distinct
from cosim.page.content import Page
from cosim.page.documents import RunDocument, SweepDocument, load_document, load_run
from cosim.page.render import figure_files, render_page, write_figures
from cosim.page.run import run_page
from cosim.page.sweep import sweep_page
from cosim.page.tradeoff import tradeoff_page


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("result", type=click.Path(path_type=Path))
@click.option(
    "--compare", "other", type=click.Path(path_type=Path), help="Run to set a run against."
)
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Write the page here.")
@click.option(
    "--figures", type=click.Path(path_type=Path), help="Folder for each figure as SVG and PNG."
)
def write_report(result: Path, other: Path | None, out: Path, figures: Path | None) -> None:
    """Make a page of RESULT: JSON of a run or of a trade-off, or the store of a sweep."""
    output = OutputFile(out)
    page = _page(result, other)
    drawn = [] if figures is None else figure_files(page.pictures, figures)
    files = [output, *(file for _, file in drawn)]
    check_distinct(files)
    try:
        output.write(render_page(page))
        write_figures(drawn)
        for file in files:
            file.commit()
    finally:
        for file in files:
            file.discard()


def _page(result: Path, other: Path | None) -> Page:
    document = load_document(result)
    if isinstance(document, RunDocument):
        return run_page(document.report, None if other is None else load_run(other).report)
    if other is not None:
        raise ScenarioError(f"{result}: must be the JSON of a run for --compare")
    if isinstance(document, SweepDocument):
        return sweep_page(document.name, document.points)
    return tradeoff_page(document.data)


if __name__ == "__main__":
    sys.exit(cli.main(write_report))

"""Runs a sweep: many scenarios, on all cores or a cluster, into one store."""

import sys
from pathlib import Path

import click
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from cosim import cli
from cosim.errors import ScenarioError
from cosim.parallel import cores
from cosim.sweep.plan import load_plan
from cosim.sweep.store import Store, read_points
from cosim.sweep.sweep import run_sweep

SHOWN_FAILURES = 10


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("sweep", type=click.Path(path_type=Path))
@click.option("--jobs", type=click.IntRange(min=1), help="Processes; all cores if not given.")
@click.option("--cluster", metavar="ADDRESS", help="Dask scheduler whose workers run the points.")
@click.option(
    "--out", type=click.Path(path_type=Path), help="Store; SWEEP.sqlite here if not given."
)
@click.option("--set", "settings", multiple=True, metavar="KEY.PATH=VALUE", help="For all points.")
@click.option("--retry", is_flag=True, help="Run the points again that failed.")
@click.option("--quiet", is_flag=True, help="No progress bar, no summary.")
def sweep_scenarios(
    sweep: Path,
    jobs: int | None,
    cluster: str | None,
    out: Path | None,
    settings: tuple[str, ...],
    retry: bool,
    quiet: bool,
) -> None:
    """Run SWEEP, a TOML file; what is in the store already is not run again."""
    if cluster is not None and jobs is not None:
        raise ScenarioError("--jobs must not be given with --cluster, which has its own workers")
    plan = load_plan(sweep, settings)
    path = out or Path(f"{sweep.stem}.sqlite")
    columns = (
        TextColumn("points"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[failed]} failed"),
        cli.RateColumn("points"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    silent = quiet or not sys.stderr.isatty()
    with (
        Store(path) as store,
        Progress(*columns, console=cli.progress_console(), disable=silent) as bar,
    ):
        task = bar.add_task("points", total=len(plan.points), failed=0)
        tally = run_sweep(
            plan,
            store,
            jobs=jobs or cores(),
            cluster=cluster,
            retry=retry,
            progress=lambda done, failed, total: bar.update(
                task, completed=done, total=total, failed=failed
            ),
        )
    if not quiet:
        print(
            f"{tally.points} points in {path}: {tally.run} run now, {tally.found} there already, "
            f"{tally.failed} failed"
        )
        _print_failures(path, plan.name)


def _print_failures(path: Path, sweep: str) -> None:
    failed = [p for p in read_points(path) if p.sweep == sweep and p.status == "failed"]
    for point in failed[:SHOWN_FAILURES]:
        settings = ", ".join(f"{key}={value}" for key, value in point.settings.items())
        print(f"failed: {settings}: {point.error}")
    if len(failed) > SHOWN_FAILURES:
        print(f"and {len(failed) - SHOWN_FAILURES} more failed")


if __name__ == "__main__":
    sys.exit(cli.main(sweep_scenarios))

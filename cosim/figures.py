"""Figures from the JSON documents of runs."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cosim.breakdown import CATEGORIES
from cosim.summary import run_label

FORMATS = (".png", ".svg", ".pdf")

_COLOURS = {
    "host": "#4477aa",
    "compute": "#228833",
    "transfer": "#ccbb44",
    "interrupt": "#ee6677",
    "idle": "#bbbbbb",
}
"""Colours that stay apart for colour-blind readers (Paul Tol, bright scheme)."""


def draw_breakdown(reports: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Horizontal bars, one a run: microseconds an image by category; the suffix is the format."""
    # Imported here: drawing is rare, and the import takes longer than everything else.
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 1.2 + 0.6 * len(reports)), layout="constrained")
    axes = figure.subplots()
    labels = [f"{report['network']}, {run_label(report)}" for report in reports]
    left = [0.0] * len(reports)
    for category in CATEGORIES:
        widths = [r["breakdown_ns"][category] / r["images"] / 1000 for r in reports]
        axes.barh(labels, widths, left=left, label=category, color=_COLOURS[category])
        left = [start + width for start, width in zip(left, widths, strict=True)]
    for index, total in enumerate(left):
        axes.annotate(
            f"{total:.0f} us", (total, index), (4, 0), textcoords="offset points", va="center"
        )
    axes.set_xlabel("time an image, us")
    axes.set_xlim(0, 1.12 * max(left))
    axes.invert_yaxis()
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside upper center", ncols=len(CATEGORIES), frameon=False)
    figure.savefig(path, dpi=150)

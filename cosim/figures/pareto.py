"""Scatter plots with the front of points that no other beats in both directions."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cosim.figures.drawing import NARROW_BELOW_PX, Canvas, Picture
from cosim.figures.palette import INK, KIND, MARKER, MUTED, SLATE, SURFACE

MOST_NOTES = 400
"""Points with a note each; beyond, only those of the front have one: pages stay small."""

CLOSE_PX = 4
"""Points nearer to each other than that cannot be told apart."""


@dataclass(frozen=True)
class Point:
    """One design: `x` and `y` are both better when smaller; `label` says which it is."""

    x: float
    y: float
    kind: str
    label: str


def front(points: Sequence[Point]) -> list[Point]:
    """Points that no other is at least as good as in both directions; by x."""
    found: list[Point] = []
    for point in sorted(points, key=lambda point: (point.x, point.y)):
        if not found or point.y < found[-1].y:
            found.append(point)
    return found


def scatter(name: str, title: str, points: Sequence[Point], x_label: str, y_label: str) -> Picture:
    """Both axes logarithmic; points are coloured by kind, the front is a line."""
    best = front(points)
    is_crowded = len(points) > MOST_NOTES

    def draw(canvas: Canvas) -> None:
        axes = canvas.figure.subplots()
        kinds = [kind for kind in KIND if any(point.kind == kind for point in points)]
        handles = []
        for kind in kinds:
            own = [point for point in points if point.kind == kind]
            look = {"marker": MARKER[kind], "linestyle": "none", "markersize": 8}
            look |= {"color": KIND[kind].light, "markeredgecolor": SURFACE.light}
            if is_crowded:
                seen = _apart(own, canvas.width_px // CLOSE_PX)
                handles += axes.plot([p.x for p in seen], [p.y for p in seen], **look)
                own = [point for point in best if point.kind == kind]
            else:
                handles += axes.plot([], [], **look)
            for point in own:
                (dot,) = axes.plot(point.x, point.y, **look, zorder=3)
                canvas.note(dot, point.label)
        if len(best) > 1:
            steps = {"color": INK.light, "linewidth": 1.2, "zorder": 2, "drawstyle": "steps-post"}
            handles += axes.plot([p.x for p in best], [p.y for p in best], **steps)
        for point in best:
            axes.plot(
                point.x, point.y, marker="o", markersize=15, markerfacecolor="none",
                markeredgecolor=SLATE.light, zorder=1,
            )  # fmt: skip
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlabel(x_label)
        axes.set_ylabel(y_label)
        _plain_ticks(axes, canvas)
        axes.grid(linewidth=0.6)
        labels = [*kinds, "front"] if len(best) > 1 else kinds
        canvas.legend(handles, labels, 8)

    return Picture(
        name,
        title,
        "Both smaller is better. Circled points are on the front: no other is better in both."
        + (" Points of a kind that would hide each other are drawn once." if is_crowded else ""),
        draw,
        lambda width_px: 320 if width_px < NARROW_BELOW_PX else 400,
    )


def _apart(points: Sequence[Point], cells: int) -> list[Point]:
    """One point of those that share a cell of a logarithmic grid, so many cells each way."""
    places = np.log([(point.x, point.y) for point in points])
    low = places.min(axis=0)
    size = np.maximum(places.max(axis=0) - low, 1e-12) / cells
    _, kept = np.unique(((places - low) / size).astype(int), axis=0, return_index=True)
    return [points[index] for index in sorted(kept)]


def _plain_ticks(axes, canvas: Canvas) -> None:  # type: ignore[no-untyped-def]
    """Numbers, not powers of ten; few of them on a phone."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    places = (1.0, 2.0, 5.0)
    for axis, (low, high) in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim())):
        wide = high / low > (20 if canvas.narrow else 100)
        axis.set_major_locator(LogLocator(10, (1.0,) if wide else places))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.6g}"))
        axis.set_minor_formatter(NullFormatter())
    axes.tick_params(which="minor", color=MUTED.light)

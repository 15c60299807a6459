"""Figure of the settings that decide a sweep."""

from collections.abc import Sequence

from cosim.figures.drawing import Canvas, Picture
from cosim.figures.palette import BLUE
from cosim.quantities import TIMES, three_digits, time_text, unit_for
from cosim.sweep.sensitivity import Effect

MOST_ROWS = 20


def effects(name: str, found: Sequence[Effect]) -> Picture:
    """A bar a setting, from the latency of its fastest group to that of its slowest."""
    kept = found[:MOST_ROWS]

    def draw(canvas: Canvas) -> None:
        axes = canvas.figure.subplots()
        low_ns, high_ns = min(e.low_ns for e in kept), max(e.high_ns for e in kept)
        size, unit = unit_for(high_ns, TIMES)
        for row, effect in enumerate(kept):
            low, high = effect.low_ns / size, effect.high_ns / size
            bar = axes.barh(row, high - low, 0.4, left=low, color=BLUE.light)[0]
            canvas.note(
                bar,
                f"{effect.key}: {effect.fastest} {time_text(effect.low_ns)}, "
                f"{effect.slowest} {time_text(effect.high_ns)}",
            )
            ratio = three_digits(effect.ratio)
            label = f"{effect.key}, {ratio}x: {effect.fastest} … {effect.slowest}"
            if canvas.narrow:
                label = f"{effect.key}, {ratio}x"
            axes.annotate(
                label, (0, row - 0.24), (0, 3), textcoords="offset points",
                xycoords=axes.get_yaxis_transform(), annotation_clip=False,
            )  # fmt: skip
        axes.set_ylim(len(kept) - 0.6, -0.8)
        axes.set_yticks([])
        axes.spines.left.set_visible(False)
        room_ns = 0.03 * (high_ns - low_ns)
        axes.set_xlim((low_ns - room_ns) / size, (high_ns + room_ns) / size)
        axes.set_xlabel(f"latency of an image, {unit} (geometric mean)")
        canvas.count_ticks(axes.xaxis)
        axes.grid(axis="x", linewidth=0.6)

    return Picture(
        name,
        "What each setting does to the latency",
        "From the group of points with the shortest latency to the one with the longest.",
        draw,
        lambda _: 60 + 44 * len(kept),
    )

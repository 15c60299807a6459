"""Figure of the settings that decide a sweep."""

from collections.abc import Sequence

from cosim.figures.drawing import Canvas, Picture
from cosim.figures.palette import BLUE
from cosim.quantities import three_digits, time_text
from cosim.sweep.sensitivity import Effect

MOST_ROWS = 20


def effects(name: str, found: Sequence[Effect]) -> Picture:
    """A bar a setting, from the latency of its fastest group to that of its slowest."""
    kept = found[:MOST_ROWS]

    def draw(canvas: Canvas) -> None:
        axes = canvas.figure.subplots()
        for row, effect in enumerate(kept):
            low, high = effect.low_ns / 1000, effect.high_ns / 1000
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
        low_us, high_us = (
            min(effect.low_ns for effect in kept) / 1000,
            max(effect.high_ns for effect in kept) / 1000,
        )
        room_us = 0.03 * (high_us - low_us)
        axes.set_xlim(low_us - room_us, high_us + room_us)
        axes.set_xlabel("latency of an image, µs (geometric mean)")
        canvas.count_ticks(axes.xaxis)
        axes.grid(axis="x", linewidth=0.6)

    return Picture(
        name,
        "What each setting does to the latency",
        "From the group of points with the shortest latency to the one with the longest.",
        draw,
        lambda _: 60 + 44 * len(kept),
    )

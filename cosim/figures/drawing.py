"""What all figures share: size and look, notes on parts, files, and SVG to put into a page."""

import io
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from cosim.figures.palette import COLOURS, GRID, INK, MUTED, SURFACE

FORMATS = (".png", ".svg", ".pdf")

WIDE_PX = 832
NARROW_PX = 358
"""A desktop's column, and a phone of 390 pixels without its margins."""

NARROW_BELOW_PX = 600

UNITS_PER_INCH = 72
"""matplotlib's SVG counts points; taken as pixels, a font of 12 is 12 pixels high."""

STYLE: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 12,
    "text.color": INK.light,
    "axes.labelcolor": INK.light,
    "axes.titlesize": 12,
    "axes.labelsize": 12,
    "axes.edgecolor": MUTED.light,
    "axes.facecolor": "none",
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.formatter.limits": (-3, 6),
    "xtick.color": MUTED.light,
    "ytick.color": MUTED.light,
    "xtick.labelcolor": INK.light,
    "ytick.labelcolor": INK.light,
    "grid.color": GRID.light,
    "legend.frameon": False,
    "legend.fontsize": 12,
    "legend.handlelength": 1.0,
    "legend.handleheight": 1.0,
    "legend.columnspacing": 1.2,
    "legend.handletextpad": 0.5,
    "savefig.facecolor": SURFACE.light,
    "svg.fonttype": "none",
}

_VARIABLES = {colour.light: f"var(--{colour.name})" for colour in COLOURS}


@dataclass
class Canvas:
    """A figure being drawn; `notes` are shown when the pointer rests on a part."""

    figure: Any
    width_px: int
    notes: list[str] = field(default_factory=list)

    @property
    def narrow(self) -> bool:
        """Whether there is little room, as on a phone."""
        return self.width_px < NARROW_BELOW_PX

    def note(self, artist: Any, text: str) -> None:
        """Gives a patch or line a note."""
        artist.set_gid(f"note-{len(self.notes)}")
        self.notes.append(text)

    def count_ticks(self, axis: Any) -> None:
        """Numbers at an axis with commas, few of them where there is little room."""
        from matplotlib.ticker import MaxNLocator, StrMethodFormatter

        axis.set_major_locator(MaxNLocator(5 if self.narrow else 9, min_n_ticks=2))
        axis.set_major_formatter(StrMethodFormatter("{x:,.10g}"))

    def legend(self, handles: list[Any], labels: list[str], characters: int = 14) -> None:
        """A legend above all axes, as many columns as entries of so many characters fit in."""
        columns = max(1, int(self.width_px / (characters * 7 + 30)))
        self.figure.legend(
            handles, labels, loc="outside upper left", ncols=min(columns, len(labels))
        )


Draw = Callable[[Canvas], None]


@dataclass(frozen=True)
class Picture:
    """A figure that can be drawn at any width: file name, title, what it shows in a sentence.

    `height_px` gives the height for a width in pixels.
    """

    name: str
    title: str
    caption: str
    draw: Draw
    height_px: Callable[[int], float]


def render(picture: Picture, width_px: int) -> Canvas:
    """Draws a picture at a width."""
    # Imported here: drawing is rare, and the import takes longer than everything else.
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(STYLE):
        size = (width_px / UNITS_PER_INCH, picture.height_px(width_px) / UNITS_PER_INCH)
        canvas = Canvas(Figure(figsize=size, layout="constrained"), width_px)
        picture.draw(canvas)
    return canvas


def save(picture: Picture, path: Path, width_px: int = WIDE_PX) -> None:
    """Writes a picture to a file; the suffix is the format, one of `FORMATS`."""
    from matplotlib import rc_context

    canvas = render(picture, width_px)
    # no date: the same picture is the same file
    metadata: dict[str, Any] = {} if path.suffix == ".png" else {"CreationDate": None}
    if path.suffix == ".svg":
        metadata = {"Date": None}
    with rc_context(STYLE | {"svg.hashsalt": picture.name}):
        canvas.figure.savefig(path, dpi=2 * UNITS_PER_INCH, metadata=metadata)


def inline_svg(picture: Picture, width_px: int) -> str:
    """The picture as an SVG element for a page: colours are variables, ids are its own.

    Notes become titles, which browsers show when the pointer rests on the part.
    """
    from matplotlib import rc_context

    canvas = render(picture, width_px)
    text = io.StringIO()
    # what is kept in the style while saving decides how text is written
    with rc_context(STYLE | {"svg.hashsalt": picture.name}):
        canvas.figure.savefig(text, format="svg", transparent=True, metadata={"Date": None})
    svg = text.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r"#[0-9a-f]{6}\b", lambda found: _VARIABLES.get(found[0], found[0]), svg)
    svg = re.sub(r"font: ([^;\"]*?)'DejaVu Sans', sans-serif", r"font: \1var(--figure-font)", svg)
    prefix = f"{picture.name}-{width_px}-"
    svg = re.sub(r'\bid="', f'id="{prefix}', svg)
    svg = re.sub(r'(url\(#|href="#)', rf"\g<1>{prefix}", svg)
    for number, note in enumerate(canvas.notes):
        opening = f'<g id="{prefix}note-{number}">'
        svg = svg.replace(opening, f"{opening}<title>{escape(note)}</title>", 1)
    height_px = picture.height_px(width_px)
    label = escape(f"{picture.title}. {picture.caption}", {'"': "&quot;"})
    opening = (
        f'<svg xmlns:xlink="http://www.w3.org/1999/xlink" xmlns="http://www.w3.org/2000/svg" '
        f'viewBox="0 0 {width_px} {height_px:g}" role="img" aria-label="{label}">'
    )
    return opening + svg[svg.index(">") + 1 :]

"""From content to HTML: one file with style and figures in it, and the figures as files."""

from collections.abc import Iterable
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from cosim.errors import ScenarioError
from cosim.figures.drawing import NARROW_PX, WIDE_PX, Picture, inline_svg, save
from cosim.figures.palette import COLOURS
from cosim.outputs import OutputFile
from cosim.page.content import Page

FIGURE_FORMATS = (".svg", ".png")


def render_page(page: Page) -> str:
    """The page as HTML; it loads nothing, and each figure is in it for a desktop and a phone."""
    environment = Environment(
        loader=PackageLoader("cosim", "page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style, _, _ = environment.loader.get_source(environment, "page.css")  # type: ignore[union-attr]
    return environment.get_template("page.html").render(
        page=page,
        is_picture=lambda item: isinstance(item, Picture),
        wide=lambda picture: Markup(inline_svg(picture, WIDE_PX)),
        narrow=lambda picture: Markup(inline_svg(picture, NARROW_PX)),
        style=Markup(style),
        light=[(colour.name, colour.light) for colour in COLOURS],
        dark=[(colour.name, colour.dark) for colour in COLOURS],
    )


def figure_files(pictures: Iterable[Picture], directory: Path) -> list[tuple[Picture, OutputFile]]:
    """A file for each picture and format; raises ScenarioError if they cannot be written."""
    if not directory.is_dir():
        raise ScenarioError(f"{directory}: must be a directory to write figures to")
    return [
        (picture, OutputFile(directory / f"{picture.name}{suffix}"))
        for picture in pictures
        for suffix in FIGURE_FORMATS
    ]


def write_figures(files: Iterable[tuple[Picture, OutputFile]]) -> None:
    """Draws each picture into its file, not in place yet."""
    for picture, file in files:
        save(picture, file.temporary)

"""What a page consists of, before it is HTML."""

from collections.abc import Sequence
from dataclasses import dataclass

from cosim.figures.drawing import Picture


@dataclass(frozen=True)
class Column:
    """A column's head; numbers are set flush right, sentences may break."""

    name: str
    number: bool = False
    sentence: bool = False


@dataclass(frozen=True)
class Table:
    """Rows of text under columns; a folded table is behind a line to click on."""

    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[str]]
    folded: bool = False
    total: Sequence[str] | None = None

    @property
    def stacks(self) -> bool:
        """Whether a row is set in two lines where there is little room: its end is a sentence."""
        return len(self.columns) <= 3 and self.columns[-1].sentence


@dataclass(frozen=True)
class Section:
    """A heading, a few sentences, then pictures and tables in order."""

    title: str
    sentences: Sequence[str]
    items: Sequence[Picture | Table]


@dataclass(frozen=True)
class Fact:
    """A number that everyone looks for, and what it says."""

    name: str
    value: str
    note: str = ""


@dataclass(frozen=True)
class Page:
    """A whole page; `answer` is what a reader in a hurry takes away."""

    title: str
    answer: str
    facts: Sequence[Fact]
    sections: Sequence[Section]
    footer: str

    @property
    def pictures(self) -> list[Picture]:
        """All figures, in order."""
        return [
            item for section in self.sections for item in section.items if isinstance(item, Picture)
        ]


def columns(*names: str) -> list[Column]:
    """Columns from names; those that begin with `#` are of numbers, with `~` of sentences."""
    return [Column(name.lstrip("#~"), name.startswith("#"), name.startswith("~")) for name in names]

"""What a result rests on: constants with their sources, first those that nobody measured."""

from collections.abc import Mapping, Sequence

from cosim.constants import is_assumed
from cosim.page.content import Section, Table, columns

COLUMNS = columns("what", "#value", "source")


def assumptions_section(entries: Sequence[Mapping[str, str]]) -> Section:
    """Assumed constants in a table, and those with a source behind a line to click on."""
    if not entries:
        return Section("What was assumed", ["The file does not say."], [])
    assumed: list[list[str]] = []
    known: list[list[str]] = []
    for entry in entries:
        row = [entry["what"], entry["value"], entry["source"]]
        is_energy = ": energy." in entry["what"]
        (assumed if is_energy or is_assumed(entry["source"]) else known).append(row)
    sentence = (
        f"{len(assumed)} of {len(entries)} constants were not measured on the board; a value's "
        "bounds are in brackets where it has them. Change one with --set, or sweep it."
    )
    tables = [
        Table("Assumed", COLUMNS, assumed),
        Table("From documents and measurements", COLUMNS, known, folded=True),
    ]
    return Section("What was assumed", [sentence], [table for table in tables if table.rows])

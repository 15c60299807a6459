"""What a result rests on: constants with their sources, first those that nobody measured."""

from collections.abc import Mapping, Sequence

from cosim.constants import is_assumed
from cosim.page.content import Section, Table, columns

MOST_SHOWN = 40
"""Rows of a table that is not folded."""


def assumptions_section(entries: Sequence[Mapping[str, str]]) -> Section:
    """Assumed constants in a table, and those with a source behind a line to click on.

    Each entry has `what` (`board: constant`), `value` and `source`; what several boards have in
    common is one row.
    """
    if not entries:
        return Section("What was assumed", ["The file does not say."], [])
    boards: dict[tuple[str, str, str], list[str]] = {}
    for entry in entries:
        board, _, key = entry["what"].rpartition(": ")
        boards.setdefault((key, entry["value"], entry["source"]), []).append(board)
    everywhere = list(dict.fromkeys(board for names in boards.values() for board in names))
    rows: dict[bool, list[list[str]]] = {True: [], False: []}
    for (key, value, source), names in boards.items():
        where = "" if len(names) == len(everywhere) else f"{', '.join(names)}: "
        assumed = key.startswith("energy.") or is_assumed(source)
        rows[assumed].append([key, value, f"{where}{source}"])
    sentence = (
        f"Constants of {', '.join(everywhere)}. {len(rows[True])} of {len(boards)} were not "
        "measured on the board; bounds are in brackets. Change one with --set, or sweep it."
    )
    head = columns("constant", "#value", "~source")
    tables = [
        Table("Assumed", head, rows[True], folded=len(rows[True]) > MOST_SHOWN),
        Table("From documents and measurements", head, rows[False], folded=True),
    ]
    return Section("What was assumed", [sentence], [table for table in tables if table.rows])

"""The constants of a board, flat, with what its file says about where each comes from."""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import tomlkit
from pydantic import BaseModel
from tomlkit.items import Comment, InlineTable, Table

from cosim.board import Board, Constant
from cosim.scenario import BOARDS, load_board

NAMES = ("name", "description", "fpga.part", "fpga.family")

Value = float | str | list[float]
"""A constant as a report has it; of one with a band the value, the lowest and the highest."""


@lru_cache(maxsize=64)
def constants_of(board: Board) -> dict[str, Value]:
    """All constants of a board by dotted key."""
    return dict(_flat("", board))


@lru_cache(maxsize=16)
def sources_of(name: str) -> dict[str, str]:
    """By dotted key what the file of a shipped board says of a constant; {} for other boards.

    That is the comment behind it, else the one above its table, or its `source` where it has one;
    comments that refer to the line before ("the same") are given in full.
    """
    return _file_sources(BOARDS / f"{name}.toml")


def _file_sources(file: Path) -> dict[str, str]:
    if not file.is_file():
        return {}
    document = tomlkit.parse(file.read_text(encoding="utf-8"))
    base = document.get("base")
    found = {} if base is None else dict(_file_sources(BOARDS / f"{base}.toml"))
    if "fpga" in document:
        # as in scenarios: a device is one thing, nothing of another's stays
        found = {key: text for key, text in found.items() if not key.startswith("fpga.")}
    return found | dict(_commented("", document.body))


def _commented(prefix: str, body: Any, above: str = "") -> Iterator[tuple[str, str]]:
    """Keys with their source; `above` is the comment that precedes the table."""
    block: list[str] = []
    before = ""
    for key, item in body:
        if isinstance(item, Comment):
            block.append(_text(item.trivia.comment))
        elif isinstance(item, Table):
            yield from _commented(f"{prefix}{key.key}.", item.value.body, " ".join(block) or above)
            block = []
        elif key is not None:
            source = _text(item.trivia.comment)
            if isinstance(item, InlineTable) and "source" in item:
                source = str(item["source"])
            elif source.startswith("the same") and before:
                source = before
            before = source or before
            names = [f"{prefix}{key.key}"]
            if isinstance(item, InlineTable) and "source" not in item:
                names = [f"{names[0]}.{inner}" for inner in item]
            for name in names:
                if source or above:
                    yield name, source or above
            block = []


def _flat(prefix: str, section: BaseModel) -> Iterator[tuple[str, Value]]:
    for name, value in section:
        if isinstance(value, Constant):
            yield f"{prefix}{name}", [value.value, value.low, value.high]
        elif isinstance(value, BaseModel):
            yield from _flat(f"{prefix}{name}.", value)
        elif value is not None:
            yield f"{prefix}{name}", value


def is_assumed(source: str) -> bool:
    """Whether a source says that nobody measured or documented the constant."""
    return any(word in source for word in ("assum", "never measured"))


def with_sources(board: str, values: Mapping[str, Value]) -> list[dict[str, str]]:
    """What a run took for constants, its board's name given: `what`, `value` and `source` each.

    A value that is not the board file's has no source but the run; names are left out.
    """
    shipped = _shipped(board)
    sources = sources_of(board)
    found = []
    for key, value in values.items():
        if key in NAMES:
            continue
        source = sources.get(key, "not said" if shipped else f"the file of {board}, not at hand")
        if shipped and shipped.get(key) != value:
            there = _shown(shipped[key]) if key in shipped else "none"
            source = f"given for this run; the board file has {there} ({source})"
        found.append({"what": f"{board}: {key}", "value": _shown(value), "source": source})
    return found


def _shipped(name: str) -> dict[str, Value]:
    return constants_of(load_board(name)) if (BOARDS / f"{name}.toml").is_file() else {}


def _shown(value: Value) -> str:
    if isinstance(value, list):
        middle, low, high = (f"{number:g}" for number in value)
        return f"{middle} ({low} to {high})"
    return value if isinstance(value, str) else f"{value:,.10g}"


def _text(comment: str) -> str:
    return comment.lstrip("#").strip()

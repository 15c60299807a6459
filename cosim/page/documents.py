"""What a page can be made of, told apart by its content: a run, a sweep store, a trade-off."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from cosim.errors import ScenarioError
from cosim.page.shapes import RunShape, TradeoffShape
from cosim.report import check_report
from cosim.sweep.store import StoredPoint, read_points
from cosim.validation import first_error

SQLITE = b"SQLite format 3\0"

TRADEOFF_SCHEMA = 1


@dataclass(frozen=True)
class RunDocument:
    """The JSON document of a run."""

    report: dict[str, Any]


@dataclass(frozen=True)
class SweepDocument:
    """The points of a store, of all sweeps in it."""

    name: str
    points: list[StoredPoint]


@dataclass(frozen=True)
class TradeoffDocument:
    """The JSON document of `scripts/tradeoff.py`, and of density maps."""

    data: dict[str, Any]


Document = RunDocument | SweepDocument | TradeoffDocument


def load_document(path: Path) -> Document:
    """Reads a file; raises ScenarioError, one line, if it is none of the three."""
    if _is_store(path):
        points = list(read_points(path))
        if not points:
            raise ScenarioError(f"{path}: must have points, not none")
        for point in points:
            if point.report is not None:
                _check(RunShape, point.report, f"{path}, point {point.key}")
        return SweepDocument(path.stem, points)
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ScenarioError(
            f"{path}: must be the JSON of a run or a trade-off, or a sweep store ({error})"
        ) from error
    if isinstance(data, dict) and data.get("kind") == "tradeoff":
        if data.get("schema") != TRADEOFF_SCHEMA:
            raise ScenarioError(
                f"{path}: must be a trade-off of schema {TRADEOFF_SCHEMA}, not {data.get('schema')}"
            )
        _check(TradeoffShape, data, str(path))
        return TradeoffDocument(data)
    check_report(data, str(path))
    _check(RunShape, data, str(path))
    return RunDocument(data)


def load_run(path: Path) -> RunDocument:
    """Reads the JSON of a run; raises ScenarioError on anything else."""
    document = load_document(path)
    if not isinstance(document, RunDocument):
        raise ScenarioError(f"{path}: must be the JSON of a run to compare with")
    return document


def _check(shape: type[BaseModel], data: dict[str, Any], origin: str) -> None:
    # as JSON: there, what is a tuple here is a list
    try:
        shape.model_validate_json(json.dumps(data))
    except ValidationError as error:
        raise ScenarioError(f"{origin}: {first_error(error, shape)}") from error


def _is_store(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(SQLITE)) == SQLITE
    except OSError as error:
        raise ScenarioError(f"{path}: cannot be read ({error.strerror})") from error

"""The results of sweeps in one SQLite file, a row a point; for writing, and for those who read.

for point in read_points(Path("sweep.sqlite")):
    if point.report is not None:
        print(point.settings, point.report["latency_ns"]["mean"])
"""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

from cosim.errors import ScenarioError

Status = Literal["done", "failed"]

SCHEMA = """
CREATE TABLE IF NOT EXISTS points (
    key TEXT PRIMARY KEY,
    sweep TEXT NOT NULL,
    settings TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('done', 'failed')),
    report TEXT,
    error TEXT,
    wall_s REAL NOT NULL,
    code TEXT NOT NULL
)
"""

COLUMNS = "key, sweep, settings, status, report, error, wall_s, code"

WAIT_S = 60.0
"""How long to wait for another process that writes to the store."""


@dataclass(frozen=True)
class StoredPoint:
    """A point that has been run: `report` is the JSON document of its run, or `error` says why not.

    `key`: hash of all inputs and of the code; `settings`: scenario keys, dotted, and their values;
    `code`: hash of the code alone; `wall_s`: how long the run took.
    """

    key: str
    sweep: str
    settings: dict[str, Any]
    status: Status
    report: dict[str, Any] | None
    error: str | None
    wall_s: float
    code: str


class Store:
    """A store to write to, made if it is not there; a context manager.

    Every point is on the disk when `put` returns; a new store that got none is removed. Raises
    ScenarioError if the file cannot be written or is no store.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.parent.is_dir():
            raise ScenarioError(f"{path}: directory must exist to write there")
        self._is_empty = not path.exists()
        with _explained(path):
            self._connection = sqlite3.connect(path, timeout=WAIT_S)
        try:
            with _explained(path), self._connection:
                tables = self._connection.execute("SELECT name FROM sqlite_master").fetchall()
                if tables and ("points",) not in tables:
                    raise ScenarioError(f"{path}: must be a sweep store, not another database")
                self._connection.execute(SCHEMA)
                self._connection.execute(f"SELECT {COLUMNS} FROM points LIMIT 0")
        except BaseException:
            self._connection.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()
        if self._is_empty:
            self.path.unlink(missing_ok=True)

    def known(self) -> dict[str, Status]:
        """Key and status of all points."""
        with _explained(self.path):
            return dict(self._connection.execute("SELECT key, status FROM points").fetchall())

    def put(self, point: StoredPoint) -> None:
        """Adds a point, or replaces the one of the same key."""
        report = None if point.report is None else json.dumps(point.report)
        settings = json.dumps(point.settings, default=str)
        row = (point.key, point.sweep, settings, point.status, report, point.error)
        with _explained(self.path), self._connection:
            self._connection.execute(
                f"INSERT OR REPLACE INTO points ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (*row, point.wall_s, point.code),
            )
        self._is_empty = False


def read_points(path: Path, *, newest: bool = True) -> Iterator[StoredPoint]:
    """The points of a store, in the order in which they were written.

    `newest`: of the points of a sweep with the same settings the last one only, whatever code or
    files it was run with. Raises ScenarioError if the file is no store.
    """
    if not path.is_file():
        raise ScenarioError(f"{path}: must be a sweep store, not found")
    where = "WHERE rowid IN (SELECT MAX(rowid) FROM points GROUP BY sweep, settings)"
    query = f"SELECT {COLUMNS} FROM points {where if newest else ''} ORDER BY rowid"
    with (
        _explained(path),
        closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection,
    ):
        for key, sweep, settings, status, report, error, wall_s, code in connection.execute(query):
            yield StoredPoint(
                key,
                sweep,
                json.loads(settings),
                status,
                None if report is None else json.loads(report),
                error,
                wall_s,
                code,
            )


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise ScenarioError(f"{path}: must be a sweep store that can be used: {error}") from error

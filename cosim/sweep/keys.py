"""What the result of a point depends on, as one key: scenario, contents of files, code."""

import hashlib
import json
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

from cosim import cache
from cosim.errors import ScenarioError
from cosim.scenario import Scenario

PACKAGES = ("cosim", "hdl", "networks")

NOT_CODE = {"__pycache__", "boards", "figures", "page"}
"""Folders that no result depends on beyond what the scenario itself says."""


@lru_cache(maxsize=1)
def code_version() -> str:
    """A hash of all files of the three packages, data of the built-in networks included."""
    digest = hashlib.sha256()
    for package in PACKAGES:
        root = Path(str(resources.files(package)))
        for file in sorted(root.rglob("*")):
            name = file.relative_to(root)
            if file.is_file() and not NOT_CODE.intersection(name.parts):
                digest.update(f"{package}/{name.as_posix()}\0".encode())
                digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:16]


def point_key(scenario: Scenario) -> str:
    """The key of a scenario with this code. What is in its files matters, where they are does not.

    Raises ScenarioError on a file that cannot be read.
    """
    data = scenario.model_dump(mode="json")
    for section, name in (("network", "source"), ("input", "file")):
        data[section][name] = _content(data[section][name])
    return cache.key((code_version(), json.dumps(data, sort_keys=True)))


def invalid_key(settings: dict[str, Any], error: str) -> str:
    """The key of a point that is no valid scenario."""
    return cache.key((code_version(), json.dumps(settings, sort_keys=True, default=str), error))


def _content(name: str | None) -> str | None:
    """The name of a file, as reports show it, and a hash of its content; other names stay."""
    file = Path(name or "")
    if name is None or not file.is_file():
        return name
    try:
        stat = file.stat()
        return f"{file.stem} {_hash(file, stat.st_size, stat.st_mtime_ns)}"
    except OSError as error:
        raise ScenarioError(f"{name}: cannot be read ({error.strerror})") from error


@lru_cache(maxsize=256)
def _hash(file: Path, size_bytes: int, changed_ns: int) -> str:
    """Hash of a file's content, read again only if the file has changed."""
    return hashlib.sha256(file.read_bytes()).hexdigest()[:16]

"""A sweep file: the scenario it starts from, what it varies, and which points of that it takes."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from cosim.board import Section
from cosim.errors import ScenarioError
from cosim.scenario import FILE_KEYS, Scenario, load_scenario, parse_setting, read_toml, validate
from cosim.sweep.axes import Axis, Settings, flatten
from cosim.sweep.sampling import Method, sample
from cosim.validation import key_error


class SweepFile(Section):
    """The file as it is; its own file names are relative to it.

    `set`: what is the same in all points, and not as in the scenario; `points` and `seed` are for
    methods that draw.
    """

    scenario: str
    method: Method = "grid"
    points: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    seed: Annotated[int, Field(ge=0)] = 0
    set: dict[str, Any] = Field(default_factory=dict)
    axes: Annotated[list[Axis], Field(min_length=1)]

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.points is None) != (self.method == "grid"):
            raise ValueError("points must be given for random and latin-hypercube, and only there")
        keys = [key for axis in self.axes for key in axis.keys]
        for key in keys:
            if keys.count(key) > 1:
                raise ValueError(f"axes.key must be unique, not '{key}' twice")
        if self.method == "grid":
            for axis in self.axes:
                if not axis.has_levels:
                    raise ValueError(f"axes.steps must be given for the grid's range of {axis.key}")
        return self


@dataclass(frozen=True)
class Point:
    """One scenario of a sweep: what the axes set, and the scenario or why there is none."""

    settings: Settings
    scenario: Scenario | None
    error: str | None = None


@dataclass(frozen=True)
class Plan:
    """A sweep's name and its points, each once."""

    name: str
    points: tuple[Point, ...]


def load_plan(path: Path, settings: Sequence[str] = ()) -> Plan:
    """Reads a sweep file and makes its points; the name is the file's.

    `settings` are `key.path=value` texts for all points, their files relative to the working
    directory. Raises ScenarioError, one line, on anything that is wrong with all points; a point
    that is no valid scenario by itself has that as its error.
    """
    sweep = validate(SweepFile, read_toml(path), str(path))
    folder = path.parent
    base = folder / sweep.scenario
    common = _localised(flatten(sweep.set), folder) | dict(map(parse_setting, settings))
    varied = {key for axis in sweep.axes for key in axis.keys}
    for key in common:
        if key in varied:
            raise ScenarioError(f"{path}: {key} must be set or varied, not both")
    _check_values(sweep, path)
    found = sample(sweep.axes, sweep.method, sweep.points, sweep.seed)
    points = [_point(base, common, _localised(each, folder)) for each in found]
    if all(point.scenario is None for point in points):
        raise ScenarioError(f"{path}: {points[0].error}")
    return Plan(path.stem, tuple(points))


def _point(base: Path, common: Settings, settings: Settings) -> Point:
    try:
        return Point(settings, load_scenario(base, changes=common | settings))
    except ScenarioError as error:
        return Point(settings, None, str(error))


def _check_values(sweep: SweepFile, path: Path) -> None:
    """Raises ScenarioError on a key or value of an axis that is wrong in every scenario."""
    for axis in sweep.axes:
        places = axis.levels() if axis.has_levels else [axis.at(0.0), axis.at(1 - 1e-9)]
        for settings in places:
            for key, value in settings.items():
                error = None if key in FILE_KEYS else key_error(Scenario, key, value)
                if error is not None:
                    raise ScenarioError(f"{path}: axes: {error}")


def _localised(settings: Settings, folder: Path) -> Settings:
    """The settings with files that are relative to the folder made absolute."""
    return {
        key: str((folder / value).resolve())
        if key in FILE_KEYS and isinstance(value, str) and (folder / value).is_file()
        else value
        for key, value in settings.items()
    }

"""Scenarios: one TOML file says what runs on what; a board file says what surrounds it."""

import tomllib
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Self, TypeVar

from pydantic import BaseModel, Field, ValidationError, model_validator

from cosim.board import Board, Section
from cosim.errors import ScenarioError
from cosim.options import check_built
from cosim.traffic import TrafficConfig
from cosim.validation import first_error
from hdl.config import AcceleratorConfig

Model = TypeVar("Model", bound=BaseModel)

BOARDS = Path(str(resources.files("cosim"))) / "boards"

FILE_KEYS = ("network.source", "input.file", "board.file")
"""Keys whose values are files, or names of what is built in."""


class NetworkSection(Section):
    """`source`: the name of a built-in network, or a file relative to the scenario."""

    source: str


class InputSection(Section):
    """`file`: an .npz with `x`, relative to the scenario; None: the built-in network's test images.

    `images` images are run, from number `first` on.
    """

    file: str | None = None
    images: Annotated[int, Field(ge=1)] = 1
    first: Annotated[int, Field(ge=0)] = 0


class HostSection(Section):
    """How the driver learns that the accelerator is done.

    `timeout_us`: simulated time in which nothing moves anywhere until the run is given up.
    """

    mode: Literal["interrupt", "polling"] = "interrupt"
    timeout_us: Annotated[float, Field(gt=0, le=1e9, allow_inf_nan=False)] = 5_000.0


class MappingChoice(NamedTuple):
    """What the compiler may do to give units work, as in `networks.schedule.compile_network`."""

    balance: bool
    groups: bool
    positions: bool


class RunSection(Section):
    """How a run is made.

    `engine`: what simulates the accelerator; `balance`: filters go to units by expected work;
    `groups` (`bitmap`): as published, filters in natural order, as many at a time as there are
    units; `activity_images`: so many of the inputs, from the start, are used to measure how often
    each activation is not zero, so that work is expected better (0: not measured). `positions`
    (`list`): several output positions at a window where a layer has too few filters.
    """

    engine: Literal["rtl", "compiled", "fast", "estimate"] = "rtl"
    balance: bool = True
    groups: bool = False
    positions: bool = True
    activity_images: Annotated[int, Field(ge=0, le=4096)] = 0

    @property
    def mapping(self) -> MappingChoice:
        """How filters become units' work."""
        return MappingChoice(self.balance, self.groups, self.positions)


class Scenario(Section):
    """A whole scenario, validated; `board` has the scenario's overrides in it."""

    network: NetworkSection
    input: InputSection = InputSection()
    accelerator: AcceleratorConfig = AcceleratorConfig()
    board: Board
    host: HostSection = HostSection()
    run: RunSection = RunSection()
    masters: tuple[TrafficConfig, ...] = ()

    @model_validator(mode="after")
    def _check(self) -> Self:
        names = [master.name for master in self.masters]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"masters.name must be unique, not '{name}' twice")
        return self


def load_scenario(
    path: Path,
    *,
    changes: Mapping[str, Any] | None = None,
    settings: Sequence[str] = (),
) -> Scenario:
    """Reads and validates a scenario file and its board.

    `changes` maps dotted keys to values; `settings` are `key.path=value` texts, the value in TOML,
    or else a string. They are applied in that order. Files named in the scenario are relative to
    it, those in `changes` and `settings` to the working directory. Raises ScenarioError, one line,
    on anything that is wrong.
    """
    data = read_toml(path)
    _resolve(data, path.parent)
    assignments = [*(changes or {}).items(), *(parse_setting(text) for text in settings)]
    for key, value in assignments:
        _assign(data, key, value)
    accelerator = data.get("accelerator")
    run = data.get("run")
    check_built(
        accelerator if isinstance(accelerator, dict) else {},
        run.get("engine") if isinstance(run, dict) else None,
    )
    data["board"] = _merge_board(data.get("board", {}), path)
    if isinstance(data.get("masters"), list):
        data["masters"] = tuple(data["masters"])
    return validate(Scenario, data, str(path))


def load_board(name: str) -> Board:
    """A shipped board by name, or a board file; raises ScenarioError, one line."""
    data, origin = _read_board(name)
    return validate(Board, data, origin)


def read_toml(path: Path) -> dict[str, Any]:
    """A TOML file as a dictionary; raises ScenarioError if it cannot be read."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ScenarioError(f"{path}: not valid TOML: {error}") from error
    except UnicodeDecodeError as error:
        raise ScenarioError(f"{path}: must be UTF-8 text ({error.reason})") from error
    except OSError as error:
        raise ScenarioError(f"{path}: cannot be read ({error.strerror})") from error


def _resolve(data: dict[str, Any], directory: Path) -> None:
    """Makes file names relative to the scenario's directory absolute; the rest is left as it is."""
    for section, key in (name.split(".") for name in FILE_KEYS):
        table = data.get(section)
        name = table.get(key) if isinstance(table, dict) else None
        if isinstance(table, dict) and isinstance(name, str) and (directory / name).is_file():
            table[key] = str((directory / name).resolve())


def _merge_board(table: object, path: Path) -> Board:
    if not isinstance(table, dict):
        raise ScenarioError(f"{path}: [board] must be a table with `file`")
    overrides = dict(table)
    name = overrides.pop("file", "zynq7020")
    if not isinstance(name, str):
        raise ScenarioError(f"{path}: board.file must be a string, not {name!r}")
    data, origin = _read_board(name)
    board = validate(Board, data, origin)
    if not overrides:
        return board
    _update(data, overrides)
    return validate(Board, data, str(path), "board")


def _read_board(name: str) -> tuple[dict[str, Any], str]:
    """A board file's data, those of its `base` under them, and the file."""
    shipped = BOARDS / f"{name}.toml"
    file = shipped if shipped.is_file() else Path(name)
    if not file.is_file():
        known = ", ".join(sorted(item.stem for item in BOARDS.glob("*.toml")))
        raise ScenarioError(f"board.file must be a file or one of {known}, not '{name}'")
    data = read_toml(file)
    base = data.pop("base", None)
    if base is None:
        return data, str(file)
    if not isinstance(base, str) or base == name:
        raise ScenarioError(f"{file}: base must be the name of another board, not {base!r}")
    merged, _ = _read_board(base)
    merged.pop("fpga", None)  # a device is one thing: nothing of another's stays
    _update(merged, data)
    return merged, str(file)


def _update(data: dict[str, Any], overrides: Mapping[str, Any]) -> None:
    for key, value in overrides.items():
        if isinstance(value, dict) and isinstance(data.get(key), dict):
            _update(data[key], value)
        else:
            data[key] = value


def parse_setting(text: str) -> tuple[str, Any]:
    """Key and value of `key.path=value`, the value in TOML, or else a string.

    Raises ScenarioError on any other text.
    """
    key, equals, value = text.partition("=")
    if not equals or not all(part.strip() for part in key.split(".")):
        raise ScenarioError(f"--set must be key.path=value, not '{text}'")
    try:
        return key.strip(), tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return key.strip(), value


def _assign(data: dict[str, Any], key: str, value: Any) -> None:
    *sections, last = (part.strip() for part in key.split("."))
    table = data
    for section in sections:
        table = table.setdefault(section, {})
        if not isinstance(table, dict):
            raise ScenarioError(f"{key}: '{section}' must be a table to set a key in it")
    table[last] = value


def validate(model: type[Model], data: dict[str, Any], origin: str, section: str = "") -> Model:
    """The data as a model; raises ScenarioError, one line that begins with `origin`."""
    try:
        return model.model_validate(data, strict=True)
    except ValidationError as error:
        raise ScenarioError(f"{origin}: {first_error(error, model, section)}") from error

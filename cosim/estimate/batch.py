"""Estimates of many design points at once: what differs is given as columns, one value a point.

A column is named by a scenario's dotted key. `accelerator.*`, `run.balance`, `run.groups` and
`run.positions` decide what the accelerator is sent and computes, which is planned once for each
combination. `host.mode` and the keys of a board's `clocks`, `memory`, `bus`, `dma` and `host` are
constants of the system around it: arrays in the same formulas that estimate a single run. All else
is the scenario's.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cosim.breakdown import CATEGORIES
from cosim.errors import ScenarioError
from cosim.estimate.plan import ImagePlan, plan_image
from cosim.estimate.settings import Settings
from cosim.estimate.system import ImageTimes, image_times
from cosim.scenario import Scenario, validate
from cosim.validation import key_error
from hdl.config import AcceleratorConfig
from networks.statistics import NetworkStatistics

PLANNED = ("accelerator.", "run.balance", "run.groups", "run.positions")
"""Keys, or what they begin with, that decide the plan."""

CONSTANTS = (
    "board.clocks.",
    "board.memory.",
    "board.bus.",
    "board.dma.",
    "board.host.",
    "host.mode",
)

Column = Sequence[Any] | NDArray[Any]


@dataclass(frozen=True, eq=False)
class Estimates:
    """One image on each design point; not a number where the network does not fit, see `errors`.

    `layer_cycles` and `layer_bytes` are `(points, layers)`: cycles of compute jobs, bytes to and
    from the accelerator. The rest is `(points,)`. `errors`: one line, by point.
    """

    layers: tuple[str, ...]
    layer_cycles: NDArray[np.float64]
    layer_bytes: NDArray[np.float64]
    breakdown_ps: Mapping[str, NDArray[np.float64]]
    setup_ps: NDArray[np.float64]
    errors: Mapping[int, str]

    @property
    def latency_ps(self) -> NDArray[np.float64]:
        """End-to-end latency of an image."""
        return np.sum(list(self.breakdown_ps.values()), axis=0)


def estimate_many(
    statistics_of: Callable[[int], NetworkStatistics],
    scenario: Scenario,
    columns: Mapping[str, Column],
) -> Estimates:
    """Estimates as many design points as the columns are long, each a variant of a scenario.

    `statistics_of` gives the network's statistics at a width in bits. A column that is not known,
    or has a value that can never be, raises ScenarioError; a point that cannot be built, or whose
    memories do not hold the network, has an error.
    """
    points = _points(columns)
    planned = {key: column for key, column in columns.items() if key.startswith(PLANNED)}
    constants = {key: np.asarray(column) for key, column in columns.items() if key not in planned}
    for key, given in constants.items():
        _check(key, given)
    names = tuple(layer.name for layer in statistics_of(scenario.accelerator.bits).graph.layers[1:])
    found = _empty(names, points)
    errors: dict[int, str] = {}
    for values, chosen in _groups(planned, points).items():
        try:
            own = _variant(scenario, dict(zip(planned, values, strict=True)))
            statistics = statistics_of(own.accelerator.bits)
            plan = plan_image(statistics, own.accelerator, *own.run.mapping)
        except ScenarioError as error:
            errors |= dict.fromkeys(chosen.tolist(), str(error))
            continue
        settings = Settings(own, {key: column[chosen] for key, column in constants.items()})
        _enter(found, chosen, plan, image_times(settings, statistics.graph, plan))
    return replace(found, errors=errors)


def _points(columns: Mapping[str, Column]) -> int:
    lengths = {len(column) for column in columns.values()}
    if len(lengths) != 1:
        raise ScenarioError(f"columns must be equally long, not {sorted(lengths)}")
    return lengths.pop()


def _check(key: str, values: NDArray[Any]) -> None:
    """Raises ScenarioError on a key that the estimate has no formula for, or on wrong values."""
    if not key.startswith(CONSTANTS):
        raise ScenarioError(f"columns must be of {', '.join(PLANNED + CONSTANTS)}, not '{key}'")
    number = values.dtype.kind in "iuf"
    if number and np.isnan(values).any():
        raise ScenarioError(f"{key} must be a number, not nan")
    for value in (values.min(), values.max()) if number else np.unique(values):
        wrong = key_error(Scenario, key, value.item())
        if wrong is not None:
            raise ScenarioError(wrong)


def _groups(planned: Mapping[str, Column], points: int) -> dict[tuple[Any, ...], NDArray[np.int64]]:
    """The points of each combination of values."""
    if not planned:
        return {(): np.arange(points)}
    lists = [np.asarray(column).tolist() for column in planned.values()]
    groups: dict[tuple[Any, ...], list[int]] = {}
    for point, values in enumerate(zip(*lists, strict=True)):
        groups.setdefault(values, []).append(point)
    return {values: np.array(chosen) for values, chosen in groups.items()}


def _variant(scenario: Scenario, changes: Mapping[str, Any]) -> Scenario:
    """The scenario with other values of keys in `accelerator` and `run`."""
    sections: dict[str, dict[str, Any]] = {"accelerator": {}, "run": {}}
    for key, value in changes.items():
        section, _, name = key.partition(".")
        sections[section][name] = value
    accelerator = scenario.accelerator.model_dump() | sections["accelerator"]
    run = scenario.run.model_dump() | sections["run"]
    return scenario.model_copy(
        update={
            "accelerator": validate(AcceleratorConfig, accelerator, "point", "accelerator"),
            "run": validate(type(scenario.run), run, "point", "run"),
        }
    )


def _empty(layers: tuple[str, ...], points: int) -> Estimates:
    def unknown(*shape: int) -> NDArray[np.float64]:
        return np.full(shape, np.nan)

    return Estimates(
        layers,
        unknown(points, len(layers)),
        unknown(points, len(layers)),
        {name: unknown(points) for name in CATEGORIES},
        unknown(points),
        {},
    )


def _enter(found: Estimates, chosen: NDArray[np.int64], plan: ImagePlan, times: ImageTimes) -> None:
    """Fills in the points that share a plan."""
    found.layer_cycles[chosen] = [layer.cycles for layer in plan.layers]
    found.layer_bytes[chosen] = [layer.bytes_in + layer.bytes_out for layer in plan.layers]
    found.setup_ps[chosen] = times.setup_ps
    for name, time_ps in times.breakdown_ps.items():
        found.breakdown_ps[name][chosen] = time_ps

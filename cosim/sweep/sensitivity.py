"""Which settings of a sweep decide: latency by one setting at a time."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cosim.quantities import three_digits

MOST_VALUES = 6
"""Numbers that are told apart; more are put into quarters."""


@dataclass(frozen=True)
class Effect:
    """A setting with its fastest and slowest group of points: what they have, and their latency."""

    key: str
    fastest: str
    low_ns: float
    slowest: str
    high_ns: float

    @property
    def ratio(self) -> float:
        """How many times longer the slowest group takes."""
        return self.high_ns / self.low_ns


def varied(settings: Iterable[Mapping[str, Any]]) -> list[str]:
    """Keys that do not have one value in all settings."""
    values: dict[str, set[str]] = {}
    for given in settings:
        for key, value in given.items():
            values.setdefault(key, set()).add(repr(value))
    return [key for key, seen in values.items() if len(seen) > 1]


def shown(settings: Mapping[str, Any]) -> str:
    """Settings in a line."""
    return ", ".join(f"{key}={_text(value)}" for key, value in settings.items())


def effects_of(
    points: Sequence[tuple[Mapping[str, Any], float]], keys: Sequence[str]
) -> list[Effect]:
    """The effect of each key on latencies in nanoseconds, largest first."""
    found = []
    for key in keys:
        own = [(settings[key], latency_ns) for settings, latency_ns in points if key in settings]
        means = {name: _geometric_mean(group) for name, group in _grouped(own).items()}
        if len(means) > 1:
            fastest, slowest = min(means, key=means.__getitem__), max(means, key=means.__getitem__)
            found.append(Effect(key, fastest, means[fastest], slowest, means[slowest]))
    return sorted(found, key=lambda effect: -effect.ratio)


def _grouped(own: Sequence[tuple[Any, float]]) -> dict[str, list[float]]:
    values = [value for value, _ in own]
    groups: dict[str, list[float]] = {}
    if len(set(map(repr, values))) <= MOST_VALUES or not all(map(_is_number, values)):
        for value, latency_ns in own:
            groups.setdefault(_text(value), []).append(latency_ns)
        return groups
    edges = np.quantile(values, (0.25, 0.5, 0.75))
    bounds = [min(values), *edges, max(values)]
    for value, latency_ns in own:
        quarter = int(np.searchsorted(edges, value))
        name = f"{three_digits(bounds[quarter])} to {three_digits(bounds[quarter + 1])}"
        groups.setdefault(name, []).append(latency_ns)
    return groups


def _geometric_mean(values: Sequence[float]) -> float:
    return float(np.exp(np.mean(np.log(values))))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _text(value: object) -> str:
    return three_digits(value) if isinstance(value, float) else str(value)

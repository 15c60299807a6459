"""What a sweep varies: an axis is a scenario key with values or a range, or a list of choices."""

import math
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from cosim.board import Section

Settings = dict[str, Any]
"""Scenario keys, dotted, and their values."""


class Axis(Section):
    """One axis; exactly one of `values`, a range or `choices` is given.

    `values`: of `key`, as they are. `low` to `high`, both included: a range of `key`, of whole
    numbers if both are whole; `scale`: how points spread over it; `steps`: how many a grid takes.
    `choices`: tables of several keys that change together.
    """

    key: Annotated[str, Field(min_length=1)] | None = None
    values: Annotated[list[Any], Field(min_length=1)] | None = None
    low: int | Annotated[float, Field(allow_inf_nan=False)] | None = None
    high: int | Annotated[float, Field(allow_inf_nan=False)] | None = None
    scale: Literal["linear", "log"] = "linear"
    steps: Annotated[int, Field(ge=2, le=100_000)] | None = None
    choices: Annotated[list[dict[str, Any]], Field(min_length=1)] | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        ranges = self.low is not None or self.high is not None
        given = [self.values is not None, ranges, self.choices is not None]
        if sum(given) != 1:
            raise ValueError("axis must have one of values, low and high, choices")
        if (self.choices is None) != (self.key is not None):
            raise ValueError("axis must have a key, and one with choices must have none")
        if ranges:
            self._check_range()
        elif self.steps is not None or self.scale != "linear":
            raise ValueError("steps and scale must be given with low and high only")
        return self

    def _check_range(self) -> None:
        if self.low is None or self.high is None or not self.low < self.high:
            raise ValueError(f"low must be less than high, not {self.low} with {self.high}")
        if self.scale == "log" and self.low <= 0:
            raise ValueError(f"low must be positive on a log scale, not {self.low}")

    @property
    def has_levels(self) -> bool:
        """Whether a grid knows its values."""
        return self.low is None or self.steps is not None

    @property
    def keys(self) -> tuple[str, ...]:
        """The scenario keys that it sets, each once."""
        if self.choices is not None:
            return tuple(dict.fromkeys(key for choice in self.choices for key in flatten(choice)))
        assert self.key is not None
        return (self.key,)

    def levels(self) -> list[Settings]:
        """The settings of a grid; ends of the range first and last, whole numbers each once."""
        if self.values is not None:
            return [self._set(value) for value in self.values]
        if self.choices is not None:
            return [flatten(choice) for choice in self.choices]
        assert self.steps is not None
        parts = [step / (self.steps - 1) for step in range(self.steps)]
        if not self._whole:
            return [self._set(self._between(part)) for part in parts]
        rounded = dict.fromkeys(round(self._between(part)) for part in parts)
        return [self._set(value) for value in rounded]

    def at(self, part: float) -> Settings:
        """The settings at a place from 0 up to, but not including 1: all are equally likely."""
        if self.low is None:
            levels = self.levels()
            return levels[int(part * len(levels))]
        if not self._whole:
            return self._set(self._between(part))
        assert self.high is not None
        # every whole number has as much room: on a log scale as much as logarithms have
        value = self._mix(self.low - 0.5, self.high + 0.5, part)
        return self._set(min(max(round(value), int(self.low)), int(self.high)))

    @property
    def _whole(self) -> bool:
        return isinstance(self.low, int) and isinstance(self.high, int)

    def _between(self, part: float) -> float:
        assert self.low is not None
        assert self.high is not None
        # the end itself, not what rounding makes of it
        return float(self.high) if part == 1 else self._mix(self.low, self.high, part)

    def _mix(self, low: float, high: float, part: float) -> float:
        if self.scale == "log":
            return math.exp(math.log(low) + (math.log(high) - math.log(low)) * part)
        return low + (high - low) * part

    def _set(self, value: Any) -> Settings:
        assert self.key is not None
        return {self.key: value}


def flatten(table: dict[str, Any], prefix: str = "") -> Settings:
    """Tables in tables as dotted keys; keys that are dotted already stay."""
    settings: Settings = {}
    for key, value in table.items():
        if isinstance(value, dict):
            settings |= flatten(value, f"{prefix}{key}.")
        else:
            settings[f"{prefix}{key}"] = value
    return settings

"""Which points of the axes' space a sweep takes: all of a grid, or some, drawn with a seed."""

import itertools
from collections.abc import Iterable, Sequence
from math import prod
from typing import Literal

import numpy as np
from scipy.stats import qmc

from cosim.errors import ScenarioError
from cosim.sweep.axes import Axis, Settings

Method = Literal["grid", "random", "latin-hypercube"]

MOST_POINTS = 1_000_000


def sample(axes: Sequence[Axis], method: Method, points: int | None, seed: int) -> list[Settings]:
    """Settings of the points, each once, in a fixed order; the last axis of a grid runs fastest.

    `latin-hypercube`: each of `points` equal parts of every axis has one point in it, and they are
    spread well (scipy.stats.qmc). Axes of few values make fewer points than were drawn. Raises
    ScenarioError on a grid of more than `MOST_POINTS`.
    """
    if method == "grid":
        levels = [axis.levels() for axis in axes]
        count = prod(len(each) for each in levels)
        if count > MOST_POINTS:
            raise ScenarioError(f"grid must have at most {MOST_POINTS} points, not {count}")
        return _distinct(_joined(parts) for parts in itertools.product(*levels))
    assert points is not None
    if method == "random":
        places = np.random.default_rng(seed).random((points, len(axes)))
    else:
        places = qmc.LatinHypercube(len(axes), rng=np.random.default_rng(seed)).random(points)
    return _distinct(
        _joined(axis.at(float(part)) for axis, part in zip(axes, row, strict=True))
        for row in places
    )


def _joined(parts: Iterable[Settings]) -> Settings:
    return {key: value for part in parts for key, value in part.items()}


def _distinct(points: Iterable[Settings]) -> list[Settings]:
    return list({repr(point): point for point in points}.values())

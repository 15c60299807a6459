"""Elaboration of MyHDL blocks: quicker than MyHDL's own, and what to do when they are done with."""

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from myhdl import Simulation, _extractHierarchy, _simulator

_FRAMES = 6
"""As many of the stack as MyHDL looks at."""


def _nearest_frames(context: int = 1) -> list[inspect.FrameInfo]:
    """As `inspect.stack`, but of the nearest frames only, and without their source."""
    frames: list[inspect.FrameInfo] = []
    frame = inspect.currentframe()
    while len(frames) < _FRAMES and frame is not None and (frame := frame.f_back) is not None:
        code = frame.f_code
        place = code.co_filename, frame.f_lineno, code.co_name
        frames.append(inspect.FrameInfo(frame, *place, None, None))
    return frames


@contextmanager
def short_stacks() -> Iterator[None]:
    """Keeps MyHDL from reading the source of every frame of the stack for each block and process.

    That takes most of an elaboration, the more the deeper in a program it happens.
    """
    with patch.object(inspect, "stack", _nearest_frames):
        yield


def elaborate(block: Callable[..., Any], *arguments: Any, **parameters: Any) -> Any:
    """The instance of a block."""
    with short_stacks():
        return block(*arguments, **parameters)


def forget() -> None:
    """Drops the simulation that is over, and everything that was elaborated for it.

    MyHDL keeps signals and memories for good: each elaboration would take longer than the one
    before, and more memory. No other simulation must be live, as MyHDL demands.
    """
    Simulation._no_of_instances = 0
    for kept in (
        _simulator._signals,
        _simulator._siglist,
        _simulator._futureEvents,
        _extractHierarchy._memInfoMap,
    ):
        kept.clear()

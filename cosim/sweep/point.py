"""One point of a sweep, run wherever a worker is."""

import time
from dataclasses import dataclass
from threading import Lock
from typing import Any

from cosim.errors import ToolError
from cosim.evaluate import evaluate
from cosim.scenario import Scenario
from cosim.sweep.keys import point_key

_ONE_AT_A_TIME = Lock()
"""Workers may have several threads; MyHDL keeps one simulation a process."""


@dataclass(frozen=True)
class Outcome:
    """What came of a point: the JSON document of its run, or one line that says why not."""

    key: str
    report: dict[str, Any] | None
    error: str | None
    wall_s: float


def run_point(key: str, scenario_json: str) -> Outcome:
    """Runs a scenario; whatever goes wrong with it is the outcome.

    The arguments are plain text: a cluster can send them again when it loses a worker. Raises
    ToolError if this machine has other code, or other files, than the key was made with.
    """
    start_s = time.perf_counter()
    report = error = None
    scenario = Scenario.model_validate_json(scenario_json)
    with _ONE_AT_A_TIME:
        if point_key(scenario) != key:
            raise ToolError("worker must have the code and the files of the sweep, not others")
        try:
            report = evaluate(scenario)
        except Exception as problem:
            error = one_line(problem)
    return Outcome(key, report, error, round(time.perf_counter() - start_s, 3))


def one_line(error: BaseException) -> str:
    """An error's message; those that the framework does not raise itself with their type."""
    text = " ".join(str(error).split())
    own = type(error).__module__.split(".")[0] in ("cosim", "networks")
    return text if own and text else f"{type(error).__name__}: {text}".removesuffix(": ")

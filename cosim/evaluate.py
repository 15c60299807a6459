"""One scenario to its document, whichever engine it asks for."""

from typing import Any

from cosim.report import build_report
from cosim.run import execute, prepare
from cosim.scenario import Scenario


def evaluate(scenario: Scenario) -> dict[str, Any]:
    """Runs or estimates a scenario; raises ScenarioError, NetworkError or SimulationError."""
    if scenario.run.engine == "estimate":
        # Imported here: it compiles functions that no other engine needs.
        from cosim.estimate.report import estimate_report

        return estimate_report(scenario)
    return build_report(execute(prepare(scenario)))


def simulate(scenario: Scenario) -> dict[str, Any]:
    """Runs a scenario on the fast engine, whatever it asks for."""
    return evaluate(with_engine(scenario, "fast"))


def estimate(scenario: Scenario) -> dict[str, Any]:
    """Estimates a scenario, whatever engine it asks for."""
    return evaluate(with_engine(scenario, "estimate"))


def with_engine(scenario: Scenario, engine: str) -> Scenario:
    """The scenario with another engine."""
    return scenario.model_copy(update={"run": scenario.run.model_copy(update={"engine": engine})})

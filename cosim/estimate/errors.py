"""How far estimates are off: against the fast engine, which is exact, run by run."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cosim.estimate.plan import plan_image
from cosim.estimate.report import statistics_of
from cosim.evaluate import estimate, simulate
from cosim.run import load_network
from cosim.scenario import Scenario, load_scenario
from networks.layers import Compute
from networks.statistics import Densities, NetworkStatistics, assume_statistics

LEAST_CYCLES = 400
"""Shorter layers are left out of the worst one: start and end are most of them."""


@dataclass(frozen=True)
class EstimateError:
    """Relative errors of one scenario's estimate; positive if the estimate is too long.

    `densities_cycles`: of the cycles of all layers, known by their mean densities alone.
    """

    network: str
    accelerator: str
    bits: int
    units: int
    cycles: float
    worst_layer: float
    worst_name: str
    latency: float
    energy: float
    densities_cycles: float

    def report(self) -> dict[str, Any]:
        """For a JSON document."""
        return asdict(self)


def estimate_error(scenario: Scenario) -> EstimateError:
    """Runs a scenario and estimates it; raises as both do."""
    truth, guess = simulate(scenario), estimate(scenario)
    images = truth["images"]
    pairs = list(zip(truth["layers"], guess["layers"], strict=True))
    long = [
        (near["cycles"] / real["cycles"] - 1, real["name"])
        for real, near in pairs
        if real["runs_on"] == "accelerator" and real["cycles"] / images > LEAST_CYCLES
    ]
    worst, name = max(long, key=lambda item: abs(item[0]), default=(0.0, ""))
    real_cycles = sum(real["cycles"] for real, _ in pairs if real["runs_on"] == "accelerator")
    near_cycles = sum(near["cycles"] for _, near in pairs if near["runs_on"] == "accelerator")
    spent = [sum(report["energy_uj"].values()) for report in (truth, guess)]
    plan = plan_image(densities_alone(scenario), scenario.accelerator, *scenario.run.mapping)
    assumed_cycles = sum(layer.cycles for layer in plan.layers) * images
    lookahead = scenario.accelerator.lookahead
    kind = scenario.accelerator.kind
    return EstimateError(
        truth["network"],
        f"list K={lookahead}" if kind == "list" else kind,
        scenario.accelerator.bits,
        scenario.accelerator.units,
        near_cycles / real_cycles - 1,
        worst,
        name,
        guess["latency_ns"]["mean"] / truth["latency_ns"]["mean"] - 1,
        spent[1] / spent[0] - 1,
        assumed_cycles / real_cycles - 1,
    )


def error_scenario(
    path: Path, network: str, kind: str, lookahead: int, units: int, *, images: int
) -> Scenario:
    """One of the scenarios that errors are measured on; activity is measured on its images."""
    images = 1 if network.startswith("fire2") else images
    changes: dict[str, Any] = {
        "network.source": network,
        "input.images": images,
        "run.activity_images": images,
        "accelerator.kind": kind,
        "accelerator.lookahead": lookahead,
        "accelerator.units": units,
    }
    return load_scenario(path, changes=changes)


def densities_alone(scenario: Scenario) -> NetworkStatistics:
    """The network known by two numbers a layer: what a published table would tell."""
    loaded = load_network(scenario)
    measured = statistics_of(loaded, scenario.accelerator.bits)
    densities = {}
    for operation in measured.operations:
        layer = loaded.graph.layers[1 + operation.index]
        if isinstance(layer, Compute):
            weights = float(operation.nonzero.sum()) / layer.weights.size
            densities[layer.name] = Densities(weights, operation.density)
    return assume_statistics(loaded.name, loaded.graph, scenario.accelerator.bits, densities)


def summary(errors: Sequence[EstimateError]) -> dict[str, float]:
    """The largest and the mean of the absolute errors."""
    found = {}
    for name in ("cycles", "worst_layer", "latency", "energy", "densities_cycles"):
        values = [abs(getattr(error, name)) for error in errors]
        found[f"{name}_max"] = max(values)
        found[f"{name}_mean"] = sum(values) / len(values)
    return found

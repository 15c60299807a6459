"""Estimates of many design points are those of each point alone."""

from pathlib import Path

import numpy as np
import pytest

from cosim.errors import ScenarioError
from cosim.estimate.batch import estimate_many
from cosim.estimate.report import estimate_report, statistics_of
from cosim.run import load_network
from cosim.scenario import Scenario, load_scenario
from networks.statistics import NetworkStatistics

SCENARIO = Path(__file__).parents[3] / "scripts" / "scenarios" / "lenet5-list.toml"


@pytest.fixture(scope="module")
def base() -> Scenario:
    return load_scenario(SCENARIO, changes={"input.images": 2})


def statistics(base: Scenario, bits: int = 8) -> NetworkStatistics:
    return statistics_of(load_network(base), bits)


def test_each_point_is_its_own_estimate(base: Scenario) -> None:
    columns = {
        "accelerator.kind": ["list", "dense", "bitmap", "list"],
        "accelerator.units": [8, 4, 8, 16],
        "accelerator.lookahead": [1, 1, 1, 2],
        "board.clocks.accelerator_mhz": [100.0, 50.0, 80.0, 125.0],
        "board.memory.read_latency_ns": [200.0, 500.0, 200.0, 100.0],
    }
    found = estimate_many(lambda bits: statistics(base, bits), base, columns)
    assert found.errors == {}
    for point in range(4):
        settings = {key: column[point] for key, column in columns.items()}
        alone = load_scenario(SCENARIO, changes={"input.images": 2} | settings)
        report = estimate_report(alone)
        latency_ns = found.latency_ps[point] / 1000
        assert latency_ns == pytest.approx(report["latency_ns"]["mean"], rel=1e-4)
        cycles = [layer["cycles"] / 2 for layer in report["layers"]]
        assert found.layer_cycles[point] == pytest.approx(cycles, abs=1)


def test_a_point_that_cannot_be_is_told_and_the_others_go_on(base: Scenario) -> None:
    columns = {"accelerator.units": [8, 1000]}
    found = estimate_many(lambda bits: statistics(base, bits), base, columns)
    assert list(found.errors) == [1]
    assert "units" in found.errors[1]
    assert np.isnan(found.latency_ps).tolist() == [False, True]


def test_columns_are_checked(base: Scenario) -> None:
    with pytest.raises(ScenarioError, match=r"columns must be of .*, not 'network.source'"):
        estimate_many(lambda bits: statistics(base, bits), base, {"network.source": ["lenet5"]})
    columns = {"accelerator.units": [1, 2], "board.clocks.bus_mhz": [100.0]}
    with pytest.raises(ScenarioError, match="equally long"):
        estimate_many(lambda bits: statistics(base, bits), base, columns)

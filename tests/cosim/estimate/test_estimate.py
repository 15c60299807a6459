"""Estimates against the fast engine: cycles a layer, latency of the system, on real data."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cosim.errors import ScenarioError
from cosim.evaluate import estimate, simulate
from cosim.run import LoadedNetwork
from cosim.scenario import Scenario, load_scenario
from networks.graph import LayerGraph
from networks.layers import Input, Pool
from tests.networks.graphs import INT8, integer_layer, random_images

SCENARIO = Path(__file__).parents[3] / "scripts" / "scenarios" / "lenet5-list.toml"

TOTAL_ERROR = 0.03
LAYER_ERROR = 0.10
LEAST_CYCLES = 400
"""Layers shorter than that on all units are start and end, and nothing to estimate."""


def scenario(network: str, kind: str, units: int, lookahead: int = 1, **more: Any) -> Scenario:
    images = 1 if network.startswith("fire2") else 4
    changes = {
        "network.source": network,
        "accelerator.kind": kind,
        "accelerator.units": units,
        "accelerator.lookahead": lookahead,
        "input.images": images,
        "run.activity_images": images,
    }
    return load_scenario(SCENARIO, changes=changes | more)


def check(wanted: Scenario) -> None:
    truth, guess = simulate(wanted), estimate(wanted)
    assert guess["latency_ns"]["mean"] == pytest.approx(
        truth["latency_ns"]["mean"], rel=TOTAL_ERROR
    )
    totals = [sum(layer["cycles"] for layer in report["layers"]) for report in (truth, guess)]
    assert totals[1] == pytest.approx(totals[0], rel=TOTAL_ERROR)
    for real, near in zip(truth["layers"], guess["layers"], strict=True):
        assert near["name"] == real["name"]
        assert near["runs_on"] == real["runs_on"]
        assert near["macs_dense"] == real["macs_dense"]
        assert near["bytes_out"] == real["bytes_out"]
        assert near["bytes_in"] == pytest.approx(real["bytes_in"], rel=0.02)
        assert near["weights_resident"] == real["weights_resident"]
        assert (near["positions"], near["parts"]) == (real["positions"], real["parts"])
        if real["cycles"] / truth["images"] > LEAST_CYCLES:
            assert near["cycles"] == pytest.approx(real["cycles"], rel=LAYER_ERROR)
            if real["runs_on"] == "accelerator":
                assert near["macs_useful"] == pytest.approx(real["macs_useful"], rel=0.02)
    assert sum(guess["breakdown_ns"].values()) == guess["latency_ns"]["total"]
    assert guess["energy_uj"].keys() == truth["energy_uj"].keys()
    spent = [sum(report["energy_uj"].values()) for report in (truth, guess)]
    assert spent[1] == pytest.approx(spent[0], rel=0.05)
    assert truth.keys() <= guess.keys() | {"timeline"}


CASES = [
    (network, kind, lookahead, units)
    for network in ("lenet300", "lenet5")
    for kind, lookahead in (("dense", 1), ("list", 1), ("list", 2), ("bitmap", 1))
    for units in (1, 8)
] + [
    ("lenet300", "list", 2, 16),
    ("lenet300", "list", 4, 64),
    ("lenet300", "bitmap", 1, 32),
    ("lenet5", "list", 2, 32),
    ("lenet5", "list", 4, 8),
    ("lenet5", "list", 4, 16),
    ("lenet5", "bitmap", 1, 64),
]


@pytest.mark.parametrize(("network", "kind", "lookahead", "units"), CASES)
def test_is_close_to_the_fast_engine(network: str, kind: str, lookahead: int, units: int) -> None:
    check(scenario(network, kind, units, lookahead))


LOCKSTEP = [
    ("lenet300", "dense", 32, {"accelerator.weight_words": 4096}),
    ("lenet300", "list", 32, {}),
    ("lenet300", "list", 3, {"accelerator.list_words": 512, "run.balance": False}),
    ("lenet5", "list", 64, {}),
    ("lenet5", "list", 24, {"accelerator.list_words": 512, "run.positions": False}),
    ("lenet5", "dense", 11, {"accelerator.activation_elements": 1024}),
    ("fire2-expand3x3", "list", 32, {}),
]


@pytest.mark.parametrize(("network", "kind", "units", "more"), LOCKSTEP)
def test_is_exact_in_lockstep(network: str, kind: str, units: int, more: dict[str, Any]) -> None:
    """No activation changes when anything happens in `dense`, nor in `list` with K = 1."""
    truth, guess = (run(scenario(network, kind, units, **more)) for run in (simulate, estimate))
    for key in ("name", "cycles", "bytes_in", "bytes_out", "weights_resident"):
        assert [layer[key] for layer in guess["layers"]] == [
            layer[key] for layer in truth["layers"]
        ]
    assert guess["latency_ns"]["mean"] == pytest.approx(truth["latency_ns"]["mean"], rel=0.005)


def test_tensors_of_the_host_have_its_formats() -> None:
    """An int8 network on hardware of 32 bits is the host's, and so are its bytes."""
    truth, guess = (
        run(scenario("lenet300", "list", 8, **{"accelerator.bits": 32}))
        for run in (simulate, estimate)
    )
    assert guess["latency_ns"]["mean"] == pytest.approx(truth["latency_ns"]["mean"], rel=1e-6)


@pytest.mark.parametrize("kind", ["list", "bitmap"])
def test_is_close_where_weights_stream_on_another_board(kind: str) -> None:
    small = dict.fromkeys(("list_words", "weight_words", "bitmap_words"), 512)
    more = {f"accelerator.{name}": words for name, words in small.items()}
    check(scenario("lenet5", kind, 8, **more, **{"board.file": "ecp5-45"}))


@pytest.mark.parametrize("network", ["lenet5", "lenet300"])
def test_is_close_to_the_published_organisation(network: str) -> None:
    check(scenario(network, "bitmap", 8, **{"run.groups": True, "run.balance": False}))


@pytest.mark.parametrize("kind", ["list", "bitmap"])
def test_weights_of_the_hosts_layers_take_no_room(kind: str) -> None:
    """The first layer reads all its 784 inputs at once, too many; the memory holds the others."""
    more = {"accelerator.activation_elements": 512, "accelerator.bias_entries": 256}
    words = {f"accelerator.{name}": 512 for name in ("list_words", "weight_words", "bitmap_words")}
    wanted = scenario("lenet300", kind, 8, **more, **words)
    check(wanted)
    truth, guess = simulate(wanted), estimate(wanted)
    assert [layer["weights_resident"] for layer in truth["layers"]] == [False, True, True]
    assert guess["setup_ns"] == pytest.approx(truth["setup_ns"], rel=0.1)


@pytest.mark.parametrize(("wanted", "found"), [(True, [2, 1, 1, 1]), (False, [1, 1, 1, 1])])
def test_a_scenario_says_whether_positions_are_joined(wanted: bool, found: list[int]) -> None:
    report = estimate(scenario("lenet5", "list", 8, **{"run.positions": wanted}))
    layers = [layer for layer in report["layers"] if layer["op"] in ("conv", "gemm")]
    assert [layer["positions"] for layer in layers] == found
    check(scenario("lenet5", "list", 8, **{"run.positions": wanted}))


@pytest.mark.parametrize("network", ["lenet300", "lenet5"])
def test_is_close_where_filters_are_in_parts(network: str) -> None:
    wanted = scenario(network, "list", 8, 2, **{"accelerator.partial_sums": True})
    assert estimate(wanted)["layers"][-1]["parts"] == 2
    check(wanted)


@pytest.mark.parametrize("kind", ["dense", "list"])
def test_is_close_where_pooling_windows_overlap(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What they share is computed for each; on 64 units that takes less than a pass for pooling."""
    random = np.random.default_rng(1)
    layer = integer_layer(
        random, "conv", "input", (12, 4, 5, 5), pool=Pool((3, 3), (2, 2)), shift=6
    )
    graph = LayerGraph((Input(name="input", shape=(4, 17, 17), format=INT8), layer))
    loaded = LoadedNetwork("overlap", graph, random_images(graph, 4), None, None)
    for module in ("cosim.run", "cosim.estimate.report"):
        monkeypatch.setattr(f"{module}.load_network", lambda _: loaded)
    wanted = scenario("lenet5", kind, 64)
    check(wanted)
    assert len(simulate(wanted)["layers"]) == 1


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["dense", "list", "bitmap"])
def test_is_close_on_row_bands(kind: str) -> None:
    check(scenario("fire2-expand3x3", kind, 8))


def test_is_the_same_each_time_and_needs_no_engine() -> None:
    wanted = scenario("lenet300", "list", 8, 2)
    first, second = (estimate(wanted) | {"wall_s": 0} for _ in range(2))
    assert first == second
    assert first["estimated"]
    assert first["outputs"] is None
    assert first["engine"] == "estimate"


def test_weights_that_fit_nowhere_give_one_line() -> None:
    with pytest.raises(ScenarioError, match="must fit"):
        estimate(scenario("lenet300", "dense", 8, **{"accelerator.weight_words": 16}))


def test_a_published_network_is_known_by_its_densities() -> None:
    more = {"accelerator.activation_elements": 65536, "accelerator.bias_entries": 16384}
    report = estimate(scenario("alexnet", "list", 64, 2, **more))
    assert report["statistics"] == "densities"
    # eight layers, and the pooling windows of three that overlap
    assert [layer["runs_on"] for layer in report["layers"]] == ["accelerator"] * 11
    assert sum(layer["macs_dense"] for layer in report["layers"]) == 4 * 724_406_816
    with pytest.raises(ScenarioError, match="bits must be 8 for alexnet, not 16"):
        simulate(scenario("alexnet", "list", 64, **{"accelerator.bits": 16}))

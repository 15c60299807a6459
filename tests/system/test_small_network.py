"""A small network through the whole system: results, account of time, files, determinism."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cosim.run import prepare
from cosim.scenario import load_scenario
from hdl.registers import BY_NAME
from networks import builtin, importers, reference
from networks.program import Offload
from tests.cosim.trace_checks import check_trace
from tests.system.conftest import SCENARIOS, RunScenario, RunToJson, Small

KEYS = (
    "schema network accelerator bits units engine images outputs output_scale predictions accuracy "
    "latency_ns breakdown_ns layers energy_uj area clock_mhz wall_s"
).split()

LAYER_KEYS = (
    "name op runs_on cycles macs_dense macs_useful utilisation bytes_in bytes_out stall_cycles"
).split()


def golden(small: Small, images: int) -> list[list[int]]:
    graph = importers.load(small.network, calibration=small.images)
    assert graph.input.format is not None
    stored = graph.input.format.quantise(small.images[:images])
    return [[int(value) for value in row] for row in reference.run(graph, stored)]


def check_account(report: dict[str, Any]) -> None:
    """What must hold of every run's numbers."""
    latency, breakdown = report["latency_ns"], report["breakdown_ns"]
    assert set(KEYS) <= report.keys()
    assert sum(breakdown.values()) == latency["total"]
    assert all(part >= 0 for part in breakdown.values())
    assert latency["min"] <= latency["mean"] <= latency["p99"] <= latency["max"]
    assert latency["mean"] * report["images"] == pytest.approx(latency["total"], abs=1)
    assert sum(report["host_ns"].values()) == pytest.approx(breakdown["host"], abs=1)
    cycle_ns = 1000 / report["clock_mhz"]
    on_accelerator = [layer for layer in report["layers"] if layer["runs_on"] == "accelerator"]
    # The host waits while jobs run, so each of their cycles is time of computing.
    compute_ns = cycle_ns * sum(layer["cycles"] for layer in on_accelerator)
    assert breakdown["compute"] == pytest.approx(compute_ns, abs=1)
    for layer in report["layers"]:
        assert set(LAYER_KEYS) <= layer.keys()
    for layer in on_accelerator:
        unit_cycles = layer["cycles"] * report["units"]
        if layer["jobs"] == 0:
            # a concatenation whose parts are written where they belong
            assert layer["utilisation"] is None
            continue
        assert layer["utilisation"] == pytest.approx(layer["macs_useful"] / unit_cycles, abs=1e-6)
        assert layer["macs_useful"] > 0
        if layer["op"] in ("conv", "gemm"):
            assert layer["macs_useful"] <= layer["macs_dense"]
        assert layer["macs_useful"] + sum(layer["stall_cycles"].values()) == unit_cycles


@pytest.mark.parametrize(
    "accelerator", [pytest.param("bitmap", marks=pytest.mark.slow), "list", "dense"]
)
@pytest.mark.parametrize("mode", ["interrupt", pytest.param("polling", marks=pytest.mark.slow)])
def test_logits_are_those_of_integer_execution(
    run_to_json: RunToJson, small: Small, accelerator: str, mode: str
) -> None:
    # The MyHDL hardware; tests of what surrounds it use the fast engine, which is as exact.
    arguments = ("--engine", "rtl", "--accelerator", accelerator, "--set", f"host.mode={mode}")
    report = run_to_json(small.scenario, *arguments)
    assert report["outputs"] == golden(small, 2)
    assert report["predictions"] == [row.index(max(row)) for row in report["outputs"]]
    hits = [p == y for p, y in zip(report["predictions"], [0, 1], strict=True)]
    assert report["accuracy"] == sum(hits) / 2
    runs_on = [(layer["name"], layer["runs_on"]) for layer in report["layers"]]
    assert runs_on == [(name, "accelerator") for name in ("conv1", "conv2", "fc1")]
    check_account(report)


def test_two_runs_differ_in_wall_time_only(run_to_json: RunToJson, small: Small) -> None:
    first, second = (run_to_json(small.scenario) for _ in range(2))
    assert first.pop("wall_s") > 0
    second.pop("wall_s")
    assert first == second


def test_system_parameters_change_time_and_not_results(
    run_to_json: RunToJson, small: Small
) -> None:
    base = run_to_json(small.scenario)
    slow = run_to_json(small.scenario, "--set", "board.memory.read_latency_ns=2000.0")
    assert slow["outputs"] == base["outputs"]
    assert slow["breakdown_ns"]["transfer"] > base["breakdown_ns"]["transfer"] + 2000


def test_a_layer_that_does_not_fit_runs_on_the_host(run_to_json: RunToJson) -> None:
    """A fully connected layer reads all its 784 inputs at once, too many for a small memory."""
    arguments = (
        *(SCENARIOS / "lenet300-bitmap.toml", "--images", 1, "--engine", "fast"),
        *("--set", "accelerator.activation_elements=512"),
    )
    base = run_to_json(*arguments)
    fast_host = run_to_json(*arguments, "--set", "board.host.layer_mac_cycles=0.0")
    wanted = builtin.test_vectors("lenet300").logits[:1].tolist()
    assert fast_host["outputs"] == base["outputs"] == wanted
    first, *others = base["layers"]
    assert first["runs_on"] == "host"
    assert "must fit" in first["host_reason"]
    assert {layer["runs_on"] for layer in others} == {"accelerator"}
    saved_ns = base["host_ns"]["layers"] - fast_host["host_ns"]["layers"]
    assert saved_ns == pytest.approx(first["macs_dense"] * 1.538, rel=1e-6)


def test_groups_change_order_and_jobs_but_no_result(run_to_json: RunToJson, small: Small) -> None:
    """As published for `bitmap`: groups of a filter a unit, in the network's order."""
    base = run_to_json(small.scenario)
    grouped = run_to_json(small.scenario, "--set", "run.groups=true")
    assert grouped["outputs"] == base["outputs"] == golden(small, 2)
    units, images = grouped["units"], grouped["images"]
    jobs = [layer["jobs"] for layer in grouped["layers"]]
    # 6 and 5 filters, a job a group; 10 in one job, in step, with the store job behind it
    assert jobs == [images * -(-filters // units) for filters in (6, 5)] + [2 * images]
    assert sum(jobs) > sum(layer["jobs"] for layer in base["layers"])
    check_account(grouped)
    program = prepare(load_scenario(small.scenario, changes={"run.groups": True})).program
    filters = [
        BY_NAME["JOB_FILTERS"].decode(job.registers["JOB_FILTERS"])["last"] + 1
        for step in program.steps
        if isinstance(step, Offload)
        for job in step.jobs
        if job.kind == "compute"
    ]
    assert filters == [2, 2, 2, 2, 2, 1, 10]
    assert program.output.channel_order is None, "the order must be the network's own"


def test_units_and_clock_are_options(run_to_json: RunToJson, small: Small) -> None:
    report = run_to_json(
        small.scenario, "--units", 4, "--images", 1, "--set", "board.clocks.accelerator_mhz=50"
    )
    assert (report["units"], report["images"], report["clock_mhz"]) == (4, 1, 50.0)
    assert report["outputs"] == golden(small, 1)
    check_account(report)


def test_all_files_are_written_and_whole(
    run_scenario: RunScenario, small: Small, tmp_path: Path
) -> None:
    paths = [tmp_path / name for name in ("run.json", "run.trace", "run.vcd")]
    outcome = run_scenario(
        *(small.scenario, "--engine", "rtl", "--images", 1, "--json", paths[0]),
        *("--trace", paths[1], "--vcd", paths[2]),
    )
    assert outcome.status == 0
    assert outcome.stderr == ""
    assert "small on bitmap, 2 units, 8 bits" in outcome.stdout
    assert "conv2" in outcome.stdout
    assert sorted(tmp_path.iterdir()) == sorted(paths)

    report = json.loads(paths[0].read_text())
    tracks = check_trace(paths[1].read_text())
    jobs = tracks["jobs"]
    assert {span["name"] for span in jobs} == {
        "conv1 compute",
        "conv2 compute",
        "fc1 compute",
        "fc1 store",
    }
    job_cycles = sum(span["args"]["cycles"] for span in jobs)
    assert job_cycles == report["accelerator_cycles"]["jobs"]
    expected = {"host", "interrupt", "bus read", "dma mm2s", "dma s2mm", "memory"}
    assert expected <= tracks.keys()
    assert {f"stage {name}" for name in ("fetch", "operands", "multiply")} <= tracks.keys()

    waves = paths[2].read_text()
    assert waves.startswith("$date")
    assert "$timescale" in waves[:300]
    assert "$enddefinitions" in waves
    last_time_ps = int(waves[waves.rindex("#") + 1 :].split()[0])
    end_ps = 1000 * (report["setup_ns"] + report["latency_ns"]["total"])
    assert last_time_ps == pytest.approx(end_ps, rel=0.2)


def test_contention_costs_time(run_to_json: RunToJson, small: Small, tmp_path: Path) -> None:
    crowded = tmp_path / "crowded.toml"
    masters = [f'[[masters]]\nname = "other{index}"\nrate_mbyte_s = 300.0\n' for index in range(3)]
    crowded.write_text(small.scenario.read_text() + "".join(masters))
    for name in ("small.onnx", "images.npz"):
        (tmp_path / name).symlink_to(small.scenario.parent / name)
    alone, with_others = run_to_json(small.scenario), run_to_json(crowded)
    assert with_others["outputs"] == alone["outputs"]
    assert with_others["breakdown_ns"]["transfer"] > alone["breakdown_ns"]["transfer"]
    assert all(count > 0 for count in with_others["traffic_bytes"]["other_masters"].values())


def test_images_are_numbered(run_to_json: RunToJson, small: Small) -> None:
    report = run_to_json(small.scenario, "--images", 1, "--set", "input.first=3")
    assert report["outputs"] == golden(small, 4)[3:]


def test_an_npz_of_bytes_is_scaled(run_to_json: RunToJson, small: Small, tmp_path: Path) -> None:
    scaled = np.clip(small.images * 64, 0, 255).astype(np.uint8)
    np.savez(tmp_path / "bytes.npz", x=scaled, x_scale=np.float32(1 / 64))
    report = run_to_json(small.scenario, "--images", 1, "--input", tmp_path / "bytes.npz")
    graph = importers.load(small.network, calibration=scaled / 64)
    assert graph.input.format is not None
    stored = graph.input.format.quantise(scaled[:1] / 64)
    assert report["outputs"] == reference.run(graph, stored).tolist()
    assert report["accuracy"] is None

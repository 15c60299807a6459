"""The JSON document and the tables made of it."""

import io
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from cosim.errors import ScenarioError, SimulationError
from cosim.report import Run, breakdown_ps, build_report, check_report, match_jobs, trace_jobs
from cosim.summary import compare, summarise
from cosim.trace import Trace
from tests.cosim.fake_accelerator import JOB_CYCLES, Faults, images, make_program, make_system
from tests.cosim.test_system import scenario

COUNT = 3


def make_run(*, faults: Faults | None = None, host_layer: bool = True, **sections: Any) -> Run:
    described = scenario(**sections)
    system = make_system(described, faults=faults, host_layer=host_layer)
    return Run(
        scenario=described,
        network="fake",
        program=make_program(described.board.memory.base_bytes, host_layer=host_layer),
        record=system.run(images(COUNT)),
        labels=np.array([0, 1, 2]),
        output_scale=0.25,
        wall_s=1.5,
    )


def text_of(table: Any) -> str:
    console = Console(file=io.StringIO(), width=120)
    console.print(table)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_counts_are_summed_over_the_images() -> None:
    report = build_report(make_run())
    invert, maxpool = report["layers"]
    assert invert["cycles"] == COUNT * JOB_CYCLES
    assert invert["macs_useful"] == COUNT * 24
    assert invert["macs_dense"] == COUNT * 24
    assert invert["utilisation"] == pytest.approx(24 / (8 * JOB_CYCLES))
    assert invert["stall_cycles"] == {"unit_finished": COUNT * (8 * JOB_CYCLES - 24)}
    assert (invert["bytes_in"], invert["bytes_out"]) == (COUNT * 80, COUNT * 24)
    assert invert["jobs"] == 2 * COUNT
    assert maxpool["runs_on"] == "host"
    # 24 elements in and 4 out at 4 cycles each.
    assert maxpool["cycles"] == COUNT * 4 * 28
    assert report["host_ns"]["layers"] == pytest.approx(maxpool["cycles"] * 1.538)


def test_time_is_accounted_for_to_the_picosecond() -> None:
    run = make_run()
    parts = breakdown_ps(run, match_jobs(run.program, run.record))
    windows = [image.end_ps - image.start_ps for image in run.record.images]
    assert sum(parts.values()) == sum(windows)
    assert parts["compute"] == COUNT * JOB_CYCLES * 10_000
    assert min(parts["host"], parts["transfer"], parts["interrupt"]) > 0
    report = build_report(run)
    assert report["latency_ns"]["total"] == round(sum(windows) / 1000)
    assert sum(report["breakdown_ns"].values()) == report["latency_ns"]["total"]
    assert report["latency_ns"]["max"] == max(windows) / 1000
    assert report["setup_ns"] == run.record.setup_ps / 1000


def test_energy_follows_time_and_work() -> None:
    run = make_run()
    report = build_report(run)
    total_s = report["latency_ns"]["total"] * 1e-9
    assert report["energy_uj"]["board"] == pytest.approx(1.58e6 * total_s, rel=1e-4)
    constants, parts = run.scenario.board.energy, report["energy_uj"]
    assert parts["mac"] == pytest.approx(COUNT * 24 * constants.mac_8_pj.value * 1e-6, abs=1e-6)
    job_cycles, area = report["accelerator_cycles"]["jobs"], report["area"]
    assert parts["logic"] == pytest.approx(
        job_cycles * area["lut"] * constants.lut_cycle_pj.value * 1e-6, abs=1e-6
    )
    band = report["energy_band_uj"]
    assert band["low"] < sum(parts.values()) < band["high"]
    assert report["power_w"] == pytest.approx(sum(parts.values()) * 1e-6 / total_s, rel=1e-3)
    layers_uj = sum(layer["energy_uj"] for layer in report["layers"])
    assert 0 < layers_uj < sum(parts.values())


def test_set_up_is_not_part_of_an_image() -> None:
    report = build_report(make_run(host_layer=False))
    # Header, image, four packets of commands, result; 32 bytes of each descriptor and 4 of status.
    sent = 8 + 24 + 4 * 12 + 24
    descriptors = 3 * (32 + 4)
    registers = report["traffic_bytes"]["bus"] - COUNT * (sent + descriptors)
    # Two tails; accelerator and receiver are read and acknowledged in one interrupt.
    assert registers == COUNT * 4 * 6


def test_a_job_too_few_is_noticed() -> None:
    run = make_run(faults=Faults(lost_job=True))
    with pytest.raises(SimulationError, match="accelerator must have run 6 jobs, not 0"):
        build_report(run)


def test_jobs_are_traced_by_layer() -> None:
    trace = Trace()
    trace_jobs(trace, make_run())
    assert [span.name for span in trace.spans] == ["invert compute", "invert store"] * COUNT


def test_summary_shows_time_and_layers() -> None:
    report = build_report(make_run())
    text = text_of(summarise(report))
    assert "fake on bitmap, 8 units, 8 bits" in text
    mean_us = report["latency_ns"]["total"] / COUNT / 1000
    assert f"{mean_us:.2f} us an image" in text
    assert "invert" in text
    assert "unit finished 94 %" in text
    assert "accuracy" in text


def test_comparison_is_with_the_last_run() -> None:
    slow = build_report(make_run(host={"mode": "polling"}))
    fast = build_report(make_run())
    slow["layers"][0]["cycles"] *= 4
    text = text_of(compare([fast, slow]))
    speed_up = slow["latency_ns"]["total"] / fast["latency_ns"]["total"]
    assert f"{speed_up:.2f}" in text
    assert "4.00x" in text
    with pytest.raises(ScenarioError, match="must be two or more, not 1"):
        compare([fast])
    with pytest.raises(ScenarioError, match="must be of one network, not fake, other"):
        compare([fast, {**slow, "network": "other"}])


@pytest.mark.parametrize("wrong", [[], {}, {"schema": 2}, "text", None])
def test_only_documents_of_this_schema_are_accepted(wrong: object) -> None:
    with pytest.raises(ScenarioError, match=r"x\.json: must be the JSON of a run, schema 1, not"):
        check_report(wrong, "x.json")

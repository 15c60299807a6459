"""Images split over processes: the same run, to the picosecond where clocks allow it."""

import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosim.errors import Interrupted, ToolError
from cosim.run import execute, prepare
from cosim.scenario import load_scenario
from cosim.split import execute_split, parts
from cosim.system import RunRecord
from tests.system.conftest import SCENARIOS, RunScenario, RunToJson, Small

IMAGES = 5
CROSSINGS, BUS_PERIOD_PS = 3, 10_000

LENET300 = SCENARIOS / "lenet300-list.toml"


def records(scenario: Path, changes: Mapping[str, Any]) -> tuple[RunRecord, RunRecord, bool]:
    """In one process and split over two, and whether that is said to be exact."""
    changes = {"run.engine": "fast", "input.images": IMAGES} | changes
    prepared = prepare(load_scenario(scenario, changes=changes))
    run, split = execute_split(prepared, 2)
    assert split.processes == 2
    return execute(prepared).record, run.record, split.exact


@given(st.integers(1, 300), st.integers(1, 40))
def test_parts_are_all_images_in_order_and_even(images: int, processes: int) -> None:
    found = parts(images, processes)
    assert len(found) <= processes
    assert [part.before for part in found] == [0] + [1] * (len(found) - 1)
    run = [index for part in found for index in range(part.first, part.first + part.images)]
    assert run == list(range(images))
    work = [part.images + part.before for part in found]
    assert max(work) - min(work) <= 1 or len(found) < processes


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"accelerator.kind": "dense", "input.first": 7},
        {"accelerator.kind": "bitmap", "host.mode": "polling"},
        {"board.clocks.accelerator_mhz": 200, "board.clocks.host_mhz": 667},
    ],
    ids=["list", "dense", "polling", "twice-the-clock"],
)
def test_not_a_picosecond_differs(changes: dict[str, Any]) -> None:
    check_same(*records(LENET300, changes))


@pytest.mark.slow
def test_nor_with_the_hardware_in_step(small: Small) -> None:
    check_same(*records(small.scenario, {"run.engine": "rtl", "input.images": 3}))


def check_same(one: RunRecord, split: RunRecord, exact: bool) -> None:
    assert exact
    assert split.images == one.images
    assert split.jobs == one.jobs
    assert split.host_spans == one.host_spans
    assert sorted(split.transfers_ps) == sorted(one.transfers_ps)
    assert split.phase_ends == one.phase_ends
    assert split.traffic == one.traffic
    assert split.setup_ps == one.setup_ps
    assert (split.active_cycles, split.gated_cycles) == (one.active_cycles, one.gated_cycles)


def test_clocks_without_a_common_beat_differ_by_a_cycle_of_the_bus_each_crossing() -> None:
    """At 150 MHz an image of 25 us computes the same, and crosses the clocks three times one after
    the other: its first word in, its last word out, the host's answer to the interrupt."""
    one, split, exact = records(LENET300, {"board.clocks.accelerator_mhz": 150})
    assert not exact
    for a, b in zip(one.images, split.images, strict=True):
        assert (a.logits, a.prediction) == (b.logits, b.prediction)
        assert abs((a.end_ps - a.start_ps) - (b.end_ps - b.start_ps)) <= CROSSINGS * BUS_PERIOD_PS
    for before, after in zip(one.jobs, split.jobs, strict=True):
        assert before.macs_useful == after.macs_useful
        assert abs(before.cycles - after.cycles) <= 2


def test_the_document_is_that_of_one_process(run_to_json: RunToJson) -> None:
    arguments = (LENET300, "--engine", "fast", "--images", "4")
    one = run_to_json(*arguments)
    split = run_to_json(*arguments, "--jobs", "2")
    assert split.pop("split") == {"processes": 2, "exact": True, "may_differ": None}
    assert split | {"wall_s": 0} == one | {"wall_s": 0}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--jobs", "0"], "Invalid value for '--jobs': 0 is not in the range x>=1"),
        (["--jobs", "2", "--trace", "a.json"], "jobs must be 1 for --trace and --vcd, not 2"),
        (
            ["--jobs", "2", "--set", "masters=[{name='dma2', rate_mbyte_s=10.0}]"],
            "jobs must be 1 with other masters, not 2",
        ),
        (["--jobs", "2", "--set", "host.timeout_us=0.1"], "timeout at "),
    ],
    ids=["none", "trace", "masters", "timeout"],
)
def test_wrong_use_in_one_line(
    run_scenario: RunScenario, small: Small, arguments: list[str], message: str
) -> None:
    outcome = run_scenario(small.scenario, "--engine", "fast", "--images", "4", *arguments)
    assert (outcome.status, outcome.stdout) == (2, "")
    assert outcome.stderr.startswith("error: ")
    assert outcome.stderr.count("\n") == 1
    assert message in outcome.stderr


def test_who_ends_it_is_told_how_far_it_came(small: Small) -> None:
    changes = {"run.engine": "rtl", "input.images": 5}
    prepared = prepare(load_scenario(small.scenario, changes=changes))
    seen: list[int] = []

    def end_it(done: int, images: int) -> None:
        seen.append(done)
        if done and not any(seen[:-1]):
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(Interrupted, match=r"^after [1-4] of 5 images, in 2 parts$"):
        execute_split(prepared, 2, end_it)


def test_a_lost_process_ends_the_run_in_one_line(
    small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    monkeypatch.setattr("cosim.split._run_part", die)
    prepared = prepare(load_scenario(small.scenario, changes={"input.images": 4}))
    with pytest.raises(ToolError, match=r"ended by itself .* after 0 of 4 images"):
        execute_split(prepared, 2)

"""Who ends a run is told how far it came, and finds nothing half-written."""

import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cosim import cli
from cosim import system as system_module
from cosim.position import Position
from cosim.run import execute, prepare
from cosim.scenario import load_scenario
from tests.system.conftest import SCENARIOS, SCRIPTS, Small

WAIT_S = 120

BEFORE_US = 30.0
"""Time that the hardware has seen when the run is ended; the system may be 20 us behind it."""


def waveform_us(folder: Path) -> float:
    """Time of the last change that is in the half-written waveform file."""
    texts = [file.read_bytes()[-10_000:] for file in folder.glob(".out.*.vcd")]
    return max(
        (int(time) / 1e6 for text in texts for time in re.findall(rb"\n#(\d+)\n", text)),
        default=0.0,
    )


def test_an_interrupt_says_how_far_it_came(tmp_path: Path) -> None:
    """LeNet-5 in MyHDL, which takes minutes, with all outputs; an older result is there."""
    outputs = {name: tmp_path / f"out.{name}" for name in ("json", "trace", "vcd")}
    outputs["json"].write_text("old")
    options = [part for name, path in outputs.items() for part in (f"--{name}", str(path))]
    scenario = str(SCENARIOS / "lenet5-list.toml")
    process = subprocess.Popen(
        [sys.executable, str(SCRIPTS / "run_scenario.py"), scenario, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    for _ in range(WAIT_S * 20):
        if waveform_us(tmp_path) > BEFORE_US or process.poll() is not None:
            break
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=WAIT_S)
    assert (process.returncode, out) == (cli.INTERRUPTED, "")
    found = re.fullmatch(
        r"interrupted in (?:set-up|layer \w+), after 0 of 1 images, \d+ of 5 jobs started, "
        r"(\d[\d,]*\.\d{3}) us simulated\n",
        err,
    )
    assert found is not None, err
    assert float(found[1].replace(",", "")) > 1
    assert [path.name for path in tmp_path.iterdir()] == ["out.json"]
    assert outputs["json"].read_text() == "old"


@pytest.mark.parametrize("accelerator", ["list", "dense"])
def test_progress_follows_simulated_time(
    small: Small, accelerator: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is expected of the work tells how much time has passed, before it has."""
    monkeypatch.setattr(system_module, "PROGRESS_S", 0)
    scenario = load_scenario(small.scenario, changes={"accelerator.kind": accelerator})
    seen: list[Position] = []
    run = execute(prepare(scenario), progress=seen.append)
    end = seen[-1]
    assert (end.images, end.jobs) == (end.all_images, end.all_jobs) == (2, len(run.record.jobs))
    assert end.cycles == run.record.active_cycles
    done = [position.done for position in seen]
    assert done == sorted(done)
    assert end.done == pytest.approx(1, abs=0.02)
    assert [p.layer for p in seen if p.jobs == 1][-1] == run.program.layers[0].name
    assert max(abs(p.done - p.now_ps / end.now_ps) for p in seen) < 0.3

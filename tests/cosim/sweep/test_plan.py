"""Sweep files: which points they make, and one line about whatever is wrong with them."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosim.errors import ScenarioError
from cosim.sweep.axes import Axis
from cosim.sweep.plan import load_plan
from cosim.sweep.sampling import sample
from tests.cosim.sweep.conftest import LATENCIES, UNITS, WritePlan, WriteSweep

SWEEPS = Path(__file__).parents[3] / "scripts" / "sweeps"


def test_a_grid_is_every_combination(write_plan: WritePlan) -> None:
    plan = write_plan(UNITS + LATENCIES)
    assert [tuple(point.settings.values()) for point in plan.points] == [
        (units, pytest.approx(latency))
        for units in (1, 2, 4)
        for latency in (100, 133.3333333, 166.6666667, 200)
    ]
    for point in plan.points:
        assert point.scenario is not None
        assert point.scenario.accelerator.units == point.settings["accelerator.units"]
        latency_ns = point.settings["board.memory.read_latency_ns"]
        assert point.scenario.board.memory.read_latency_ns == latency_ns


def test_choices_change_keys_together_and_set_is_for_all(write_plan: WritePlan) -> None:
    plan = write_plan(
        "set.input.images = 2\n[[axes]]\nchoices = [{ accelerator.kind = 'dense' }, "
        "{ accelerator = { kind = 'list', lookahead = 4 } }]\n",
        "host.mode=polling",
    )
    scenarios = [point.scenario for point in plan.points]
    assert [(s.accelerator.kind, s.accelerator.lookahead) for s in scenarios if s] == [
        ("dense", 2),
        ("list", 4),
    ]
    assert all(s and s.input.images == 2 and s.host.mode == "polling" for s in scenarios)


def test_files_are_relative_to_the_sweep(
    write_plan: WritePlan, scenario: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (scenario.parent / "other.npz").write_bytes((scenario.parent / "images.npz").read_bytes())
    (scenario.parent / "elsewhere").mkdir()
    monkeypatch.chdir(scenario.parent / "elsewhere")
    plan = write_plan('[[axes]]\nkey = "input.file"\nvalues = ["images.npz", "other.npz"]\n')
    names = [Path(str(p.scenario.input.file)) for p in plan.points if p.scenario]
    assert [name.name for name in names] == ["images.npz", "other.npz"]
    assert all(name.is_absolute() and name.is_file() for name in names)


def test_a_point_that_is_no_scenario_says_so_by_itself(write_plan: WritePlan) -> None:
    plan = write_plan(
        '[[axes]]\nkey = "accelerator.bias_entries"\nvalues = [16, 64]\n'
        '[[axes]]\nkey = "accelerator.units"\nvalues = [16, 32]\n'
    )
    assert [point.scenario is None for point in plan.points] == [False, True, False, False]
    assert "bias_entries must be 32 (units) at least" in str(plan.points[1].error)


@given(st.data())
def test_a_latin_hypercube_has_one_point_in_each_part(data: st.DataObject) -> None:
    points = data.draw(st.integers(1, 60))
    axes = [
        Axis(key="a", low=1.0, high=10.0),
        Axis(key="b", low=0.1, high=1000.0, scale="log"),
    ]
    found = sample(axes, "latin-hypercube", points, data.draw(st.integers(0, 99)))
    assert len(found) == points
    linear = sorted(int((each["a"] - 1) / 9 * points) for each in found)
    assert linear == list(range(points))


@given(
    st.integers(1, 50),
    st.integers(1, 50),
    st.sampled_from(["linear", "log"]),
    st.integers(2, 30),
    st.floats(0, 1, exclude_max=True),
)
def test_whole_ends_make_whole_numbers_in_the_range(
    low: int, width: int, scale: Any, steps: int, part: float
) -> None:
    axis = Axis(key="a", low=low, high=low + width, scale=scale, steps=steps)
    values = [each["a"] for each in axis.levels()]
    assert (values[0], values[-1]) == (low, low + width)
    assert values == sorted(set(values))
    assert all(isinstance(value, int) for value in values)
    drawn = axis.at(part)["a"]
    assert isinstance(drawn, int)
    assert low <= drawn <= low + width


def test_random_points_reach_all_values_and_repeat_with_the_seed() -> None:
    axes = [Axis(key="a", low=1, high=6), Axis(key="b", values=["x", "y"])]
    first = sample(axes, "random", 400, 5)
    assert {(each["a"], each["b"]) for each in first} == {(a, b) for a in range(1, 7) for b in "xy"}
    assert len(first) == 12
    assert first == sample(axes, "random", 400, 5)
    assert first != sample(axes, "random", 400, 6)


@pytest.mark.parametrize("file", sorted(SWEEPS.glob("*.toml")), ids=lambda file: file.stem)
def test_examples_are_valid_throughout(file: Path) -> None:
    plan = load_plan(file)
    assert [point.error for point in plan.points if point.scenario is None] == []
    assert len(plan.points) >= 20


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "key axes is missing"),
        ("axes = []", "axes List should have at least 1 item"),
        ("method = 'lhs'\n" + UNITS, "method must be 'grid', 'random' or 'latin-hypercube'"),
        ("points = 4\n" + UNITS, "points must be given for random and latin-hypercube"),
        ("method = 'random'\n" + UNITS, "points must be given for random and latin-hypercube"),
        ("set.run.engin = 'fast'\n" + UNITS, "unknown key run.engin; did you mean 'engine'?"),
        ("set.accelerator.units = 2\n" + UNITS, "accelerator.units must be set or varied"),
        (UNITS + UNITS, "axes.key must be unique, not 'accelerator.units' twice"),
        ("[[axes]]\nkye = 'a'\nvalues = [1]", "unknown key axes.0.kye; did you mean 'key'?"),
        ("[[axes]]\nkey = 'a'", "axis must have one of values, low and high, choices"),
        ("[[axes]]\nvalues = [1]", "axis must have a key"),
        ("[[axes]]\nkey = 'accelerator.unit'\nvalues = [1]", "did you mean 'units'?"),
        ("[[axes]]\nkey = 'accelerator.units'\nvalues = [1, 'x']", "must be a valid integer"),
        ("[[axes]]\nkey = 'accelerator.units'\nlow = 1\nhigh = 4", "axes.steps must be given"),
        ("[[axes]]\nkey = 'accelerator.units'\nlow = 4\nhigh = 1\nsteps = 2", "low must be less"),
        (
            "[[axes]]\nkey = 'accelerator.units'\nlow = 1\nhigh = 400\nsteps = 2",
            "accelerator.units must be less than or equal to 64, not 400",
        ),
        (
            "[[axes]]\nkey = 'accelerator.units'\nlow = 0\nhigh = 4\nscale = 'log'\nsteps = 2",
            "low must be positive on a log scale, not 0",
        ),
        ("[[axes]]\nkey = 'network.source'\nvalues = ['a']\nsteps = 2", "steps and scale must be"),
        ("[[axes]]\nkey = 'board.file'\nvalues = ['nope']", "board.file must be a file or one of"),
    ],
)
def test_what_is_wrong_in_one_line(write_sweep: WriteSweep, text: str, message: str) -> None:
    with pytest.raises(ScenarioError) as raised:
        load_plan(write_sweep(text))
    assert message in str(raised.value)
    assert "sweep.toml: " in str(raised.value)
    assert "\n" not in str(raised.value)

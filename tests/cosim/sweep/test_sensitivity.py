"""Which settings decide."""

import pytest

from cosim.sweep.sensitivity import effects_of, shown, varied


def test_only_what_differs_counts() -> None:
    settings = [{"a": 1, "b": "x"}, {"a": 2, "b": "x"}, {"a": 2, "b": "x", "c": 1.0}]
    assert varied(settings) == ["a"]


def test_the_largest_effect_comes_first() -> None:
    points = [
        ({"units": units, "clock": clock}, 1000.0 / units / clock)
        for units in (1, 8)
        for clock in (1.0, 1.5)
    ]
    first, second = effects_of(points, ["clock", "units"])
    assert (first.key, first.fastest, first.slowest) == ("units", "8", "1")
    assert first.ratio == pytest.approx(8)
    assert second.ratio == pytest.approx(1.5)


def test_many_numbers_are_put_into_quarters() -> None:
    points = [({"latency": float(value)}, float(value)) for value in range(1, 101)]
    (effect,) = effects_of(points, ["latency"])
    assert effect.fastest == "1.00 to 25.8"
    assert effect.slowest == "75.2 to 100"
    assert 1 < effect.ratio < 20


def test_a_setting_without_a_choice_has_no_effect() -> None:
    assert effects_of([({"a": 1}, 5.0), ({"a": 1}, 6.0)], ["a"]) == []


def test_settings_in_a_line() -> None:
    assert shown({"accelerator.units": 8, "x": 0.25}) == "accelerator.units=8, x=0.250"

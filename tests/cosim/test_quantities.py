"""Numbers have three digits and a unit that fits."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosim.quantities import energy_text, percent_text, three_digits, time_text

FACTORS = {"ns": 1.0, "µs": 1e3, "ms": 1e6, "s": 1e9}


@pytest.mark.parametrize(
    ("time_ns", "text"),
    [
        (0, "0 ns"),
        (12.345, "12.3 ns"),
        (999.4, "999 ns"),
        (999.6, "1.00 µs"),
        (425_980.66, "426 µs"),
        (2_130_000, "2.13 ms"),
        (7.2e12, "7,200 s"),
    ],
)
def test_times(time_ns: float, text: str) -> None:
    assert time_text(time_ns) == text


@given(st.floats(1, 9e11))
def test_a_time_is_what_its_text_says(time_ns: float) -> None:
    number, unit = time_text(time_ns).split()
    assert float(number) * FACTORS[unit] == pytest.approx(time_ns, rel=0.0051)
    assert len(re.sub(r"\D", "", number)) == 3


def test_energies_and_parts() -> None:
    assert energy_text(1346.1) == "1.35 mJ"
    assert energy_text(0.0065) == "6.50 nJ"
    assert [percent_text(part) for part in (0, 0.0004, 0.0234, 0.0995, 0.96)] == [
        "0 %", "< 0.1 %", "2.3 %", "10 %", "96 %",
    ]  # fmt: skip
    assert three_digits(0) == "0"

"""Numbers for readers: three digits and a unit that fits."""

Unit = tuple[float, str]
"""How large a unit is, in the one that values are given in, and its name."""

TIMES: tuple[Unit, ...] = ((1, "ns"), (1e3, "µs"), (1e6, "ms"), (1e9, "s"))
ENERGIES: tuple[Unit, ...] = ((1e-3, "nJ"), (1, "µJ"), (1e3, "mJ"), (1e6, "J"))
"""Of nanoseconds, and of microjoules."""


def unit_for(value: float, units: tuple[Unit, ...]) -> Unit:
    """The unit in which a value is not rounded to four digits, else the last."""
    return next((unit for unit in units if abs(value) < 999.5 * unit[0]), units[-1])


def time_text(time_ns: float) -> str:
    """`426 µs`."""
    return _scaled(time_ns, TIMES)


def energy_text(energy_uj: float) -> str:
    """`1.34 mJ`."""
    return _scaled(energy_uj, ENERGIES)


def percent_text(part: float) -> str:
    """`96 %`; below 10 with a decimal, since a part of 0 means that there is nothing."""
    percent = 100 * part
    if percent == 0:
        return "0 %"
    if percent < 0.1:
        return "< 0.1 %"
    return f"{percent:.0f} %" if percent >= 9.95 else f"{percent:.1f} %"


def three_digits(value: float) -> str:
    """`1,230`, `12.3` or `0.123`."""
    if value == 0:
        return "0"
    size = abs(value)
    decimals = 0 if size >= 99.95 else 1 if size >= 9.995 else 2 if size >= 0.9995 else 3
    return f"{value:,.{decimals}f}"


def _scaled(value: float, units: tuple[Unit, ...]) -> str:
    size, name = unit_for(value, units)
    return f"{three_digits(value / size)} {name}"

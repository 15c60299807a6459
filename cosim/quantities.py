"""Numbers for readers: three digits and a unit that fits."""


def time_text(time_ns: float) -> str:
    """`426 µs`."""
    return _scaled(time_ns, ((1, "ns"), (1e3, "µs"), (1e6, "ms"), (1e9, "s")))


def energy_text(energy_uj: float) -> str:
    """`1.34 mJ`."""
    return _scaled(energy_uj, ((1e-3, "nJ"), (1, "µJ"), (1e3, "mJ"), (1e6, "J")))


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


def _scaled(value: float, units: tuple[tuple[float, str], ...]) -> str:
    """In the first unit in which it is not rounded to four digits, else in the last."""
    fitting = (unit for unit in units if abs(value) < 999.5 * unit[0])
    size, name = next(fitting, units[-1])
    return f"{three_digits(value / size)} {name}"

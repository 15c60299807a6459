"""The page of a store: the best designs of each sweep, what decides, and what failed."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cosim.constants import sources_of, with_sources
from cosim.figures.drawing import Picture
from cosim.figures.effects import effects
from cosim.figures.pareto import Point, front, scatter
from cosim.merit import name_of
from cosim.page.assumptions import assumptions_section
from cosim.page.content import Fact, Page, Section, Table, columns
from cosim.quantities import energy_text, three_digits, time_text
from cosim.sweep.sensitivity import Effect, effects_of, shown, varied
from cosim.sweep.store import StoredPoint

MOST_ROWS = 500
"""Rows of a table of points; the fastest."""

Done = tuple[StoredPoint, Mapping[str, Any]]
"""A point that worked, and the document of its run."""


def sweep_page(name: str, points: Sequence[StoredPoint]) -> Page:
    """The page of all points of a store."""
    done = [(point, point.report) for point in points if point.report is not None]
    failed = [point for point in points if point.report is None]
    sections: list[Section] = []
    groups = _groups(done)
    for number, ((sweep, network), group) in enumerate(groups.items()):
        sections += _group_sections(number, f"{sweep}: {network}", group)
    if failed:
        rows = [[point.sweep, shown(point.settings), point.error or ""] for point in failed]
        head = columns("sweep", "~settings", "~error")
        sections.append(
            Section("What failed", [], [Table("Points", head, rows[:MOST_ROWS], folded=True)])
        )
    sections.append(assumptions_section(_constants(report for _, report in done)))
    wall_s = sum(point.wall_s for point in points)
    return Page(
        title=f"Sweep {name}",
        answer=_answer(groups, len(failed)),
        facts=[
            Fact("points", f"{len(points):,}", f"{len(failed):,} failed"),
            Fact("time of all runs", time_text(wall_s * 1e9), "on one core"),
            Fact("versions of the code", str(len({point.code for point in points}))),
        ],
        sections=sections,
        footer="Of points with the same settings the last is shown.",
    )


def _groups(done: Iterable[Done]) -> dict[tuple[str, str], list[Done]]:
    groups: dict[tuple[str, str], list[Done]] = {}
    for point, report in done:
        groups.setdefault((point.sweep, report["network"]), []).append((point, report))
    return groups


def _answer(groups: Mapping[tuple[str, str], Sequence[Done]], failed: int) -> str:
    if not groups:
        return f"All {failed} points failed."
    parts = []
    for (_, network), group in groups.items():
        fastest = min(group, key=lambda item: _latency_ns(item[1]))
        # without an area a part of the energy is missing: not to be compared
        complete = [item for item in group if item[1]["area"] is not None] or group
        frugal = min(complete, key=lambda item: _energy_uj(item[1]))
        latency, energy = _latency_ns(fastest[1]), _energy_uj(frugal[1])
        text = f"{network} takes {time_text(latency)} an image at best, on {_design(fastest[1])}"
        if frugal is fastest:
            text += f", which also takes the least energy ({energy_text(energy)})."
        else:
            text += f"; {_design(frugal[1])} takes the least energy ({energy_text(energy)})."
        parts.append(text)
    return " ".join(parts)


def _group_sections(number: int, name: str, group: Sequence[Done]) -> list[Section]:
    keys = varied(point.settings for point, _ in group)
    items: list[Picture | Table] = []
    sentences = [f"{len(group):,} points; {len(keys)} settings differ between them."]
    with_area = [(point, report) for point, report in group if report["area"] is not None]
    best: list[Point] = []
    places = _points(with_area, keys, lambda report: report["area"]["lut"])
    if len({place.x for place in places}) > 1:
        best += front(places)
        items.append(
            scatter(
                f"pareto-lut-{number}",
                "Latency and look-up tables",
                places,
                "look-up tables of the accelerator",
                "latency of an image, µs",
            )
        )
    if len(with_area) < len(group):
        sentences.append(
            f"The area of {len(group) - len(with_area)} points is not known; their energy is "
            "without block RAM and logic."
        )
    too_fast = sum(report["clock_mhz"] > report["area"]["fmax_mhz"] for _, report in with_area)
    if too_fast:
        sentences.append(f"{too_fast} points have a faster clock than place and route reached.")
    places = _points(group, keys, _energy_uj)
    items.append(
        scatter(
            f"pareto-energy-{number}",
            "Latency and energy",
            places,
            "energy of an image, µJ",
            "latency of an image, µs",
        )
    )
    labels = {point.label for point in (*best, *front(places))}
    ordered = sorted(group, key=lambda item: _latency_ns(item[1]))
    chosen = [item for item in ordered if _label(item, keys) in labels]
    items.append(_table("On a front", chosen, keys, folded=False))
    if len(ordered) > len(chosen):
        title = "All points" if len(ordered) <= MOST_ROWS else f"The {MOST_ROWS} fastest points"
        items.append(_table(title, ordered[:MOST_ROWS], keys, folded=True))
    sections = [Section(name, sentences, items)]
    found = effects_of([(point.settings, _latency_ns(report)) for point, report in group], keys)
    if found:
        sections.append(_effect_section(number, name, found))
    return sections


def _effect_section(number: int, name: str, found: Sequence[Effect]) -> Section:
    rows = [
        [effect.key, effect.fastest, time_text(effect.low_ns), effect.slowest,
         time_text(effect.high_ns), f"{three_digits(effect.ratio)}x"]
        for effect in found
    ]  # fmt: skip
    head = columns("setting", "fastest", "#latency", "slowest", "#latency", "#ratio")
    sentence = (
        "Points are grouped by one setting at a time, ranges in quarters; each group has the "
        "geometric mean of its latencies."
    )
    return Section(
        f"What decides, {name}",
        [sentence],
        [effects(f"effects-{number}", found), Table("Settings", head, rows, folded=True)],
    )


def _points(group: Sequence[Done], keys: Sequence[str], x_of: Any) -> list[Point]:
    return [
        Point(
            float(x_of(report)),
            _latency_ns(report) / 1000,
            report["accelerator"],
            _label((point, report), keys),
        )
        for point, report in group
    ]


def _label(item: Done, keys: Sequence[str]) -> str:
    point, report = item
    settings = shown({key: point.settings[key] for key in keys if key in point.settings})
    return f"{_design(report)}: {time_text(_latency_ns(report))}; {settings}"


def _table(title: str, group: Sequence[Done], keys: Sequence[str], *, folded: bool) -> Table:
    names = [key for key in keys if key not in ("accelerator.kind", "accelerator.units")]
    head = columns(
        "accelerator", "#units", "#µs an image", "#µJ an image", "#look-up tables",
        *(f"#{key.rpartition('.')[2].replace('_', ' ')}" for key in names),
    )  # fmt: skip
    rows = [
        [
            name_of(report["configuration"]),
            str(report["units"]),
            three_digits(_latency_ns(report) / 1000),
            three_digits(_energy_uj(report)),
            "-" if report["area"] is None else f"{report['area']['lut']:,}",
            *(_value(point.settings.get(key)) for key in names),
        ]
        for point, report in group
    ]
    return Table(title, head, rows, folded)


def _value(value: object) -> str:
    if value is None:
        return "-"
    return three_digits(value) if isinstance(value, float) else str(value)


def _design(report: Mapping[str, Any]) -> str:
    return (
        f"{name_of(report['configuration'])} x{report['units']} at {report['bits']} bits "
        f"and {three_digits(report['clock_mhz'])} MHz"
    )


def _latency_ns(report: Mapping[str, Any]) -> float:
    return float(report["latency_ns"]["mean"])


def _energy_uj(report: Mapping[str, Any]) -> float:
    return float(sum(report["energy_uj"].values()) / report["images"])


def _constants(reports: Iterable[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Constants of every board; of those that a sweep varies, how far."""
    boards: dict[str, dict[str, list[Any]]] = {}
    for report in reports:
        seen = boards.setdefault(report["board"], {})
        for key, value in report["board_constants"].items():
            values = seen.setdefault(key, [])
            if value not in values:
                values.append(value)
    found = []
    for board, constants in boards.items():
        entries = with_sources(board, {key: values[0] for key, values in constants.items()})
        sources = {f"{board}: {key}": text for key, text in sources_of(board).items()}
        spread = {
            f"{board}: {key}": _spread(values)
            for key, values in constants.items()
            if len(values) > 1
        }
        for entry in entries:
            if entry["what"] in spread:
                source = f"varied by the sweep; {sources.get(entry['what'], 'not said')}"
                entry = entry | {"value": spread[entry["what"]], "source": source}
            found.append(entry)
    return found


def _spread(values: Sequence[Any]) -> str:
    numbers = [value for value in values if isinstance(value, int | float)]
    if len(numbers) < len(values):
        return "several"
    return f"{three_digits(min(numbers))} to {three_digits(max(numbers))}"

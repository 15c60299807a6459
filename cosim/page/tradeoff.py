"""The page of a trade-off: sparse or dense, by network, width, board and density."""

from collections.abc import Mapping, Sequence
from typing import Any

from cosim.areas import area_model
from cosim.errors import ScenarioError
from cosim.figures.drawing import Picture
from cosim.figures.maps import density_maps, is_dense, winner_map
from cosim.figures.pareto import Point, scatter
from cosim.page.assumptions import assumptions_section
from cosim.page.content import Fact, Page, Section, Table, columns
from cosim.quantities import percent_text, three_digits, time_text
from cosim.scenario import load_board
from hdl.config import AcceleratorConfig

Row = Mapping[str, Any]


def tradeoff_page(data: Mapping[str, Any]) -> Page:
    """The page of the JSON of `scripts/tradeoff.py`; any of its parts may be missing."""
    rows: list[Row] = data.get("rows") or []
    maps: list[Row] = data.get("density_map") or []
    sections = []
    if maps:
        sections.append(_density_section(maps))
    if rows:
        sections += [_winners_section(rows), *_front_sections(rows)]
    sections.append(assumptions_section(data.get("assumptions") or []))
    won = [row for row in rows if row["winner"]]
    even = _crossovers(maps)
    return Page(
        title="Sparse or dense",
        answer=_answer(won, even),
        facts=[*(_fact(bits, won) for bits in sorted({row["bits"] for row in won})), *even],
        sections=sections,
        footer="Every accelerator competes with its fastest design that fits the board.",
    )


def _answer(won: Sequence[Row], even: Sequence[Fact]) -> str:
    if not won:
        clauses = [f"{fact.name} at {fact.value} {fact.note}" for fact in even]
        return f"{'; '.join(clauses) or 'Neither side wins at some densities and loses at others'}."
    sparse = sum(not is_dense(row) for row in won)
    text = f"A sparse accelerator wins in {sparse} of {len(won)} cases of network, width and board"
    margins = [row for row in won if row["margin"] is not None]
    if margins:
        most = max(margins, key=lambda row: row["margin"])
        side = "dense" if is_dense(most) else "sparse"
        case = f"{most['network']}, {most['bits']} bits, {most['board']}"
        text += f"; the widest margin is {three_digits(most['margin'])} times, {side} ({case})"
    return f"{text}."


def _crossovers(maps: Sequence[Row]) -> list[Fact]:
    """For each width and sparse organisation that the whole system is even with, where it is."""
    places: dict[tuple[int, str], list[float]] = {}
    for entry in maps:
        if entry["scope"] == "system":
            own = places.setdefault((entry["bits"], " or ".join(entry["sparse"])), [])
            own += [weights for weights, _ in entry["crossover"] if weights is not None]
    found = []
    for (bits, kind), own in sorted(places.items()):
        if not own:
            continue
        low, high = percent_text(min(own)), percent_text(max(own))
        span = low if low == high else f"{low} to {high}"
        name = f"{bits} bits: {kind} as fast as dense"
        found.append(Fact(name, span, "of weights not zero, whole system"))
    return found


def _fact(bits: int, won: Sequence[Row]) -> Fact:
    own = [row for row in won if row["bits"] == bits]
    sparse = sum(not is_dense(row) for row in own)
    return Fact(f"{bits} bits", f"{sparse} of {len(own)}", "won by a sparse accelerator")


def _density_section(maps: Sequence[Row]) -> Section:
    rows = [
        [
            " or ".join(entry["sparse"]),
            str(entry["bits"]),
            entry["board"],
            entry["layer"],
            entry["scope"],
            percent_text(activations),
            "-" if weights is None else percent_text(weights),
        ]
        for entry in maps
        for weights, activations in entry["crossover"]
    ]
    head = columns("sparse", "#bits", "board", "layer", "scope", "#activations", "#even at weights")
    sentences = [
        "Each cell sets the fastest sparse design that fits the board against the fastest dense "
        "one, for one layer at the densities given. All is estimated; weights and activations are "
        "independent."
    ]
    groups: dict[tuple[str, ...], list[Row]] = {}
    for entry in maps:
        key = (*entry["sparse"], entry["layer"], entry["board"], entry["scope"])
        groups.setdefault(key, []).append(entry)
    items: list[Picture | Table] = [
        density_maps(group, f"density-{number}") for number, group in enumerate(groups.values())
    ]
    items.append(Table("Crossover densities", head, rows, folded=True))
    return Section("Where sparse wins: weight and activation density", sentences, items)


def _winners_section(rows: Sequence[Row]) -> Section:
    head = columns(
        "network", "#bits", "board", "accelerator", "#units", "#MHz", "#latency", "#images/s",
        "#µJ", "", "#ahead by", "~decided by",
    )  # fmt: skip
    table = Table("All contenders", head, [_cells(row) for row in rows], folded=True)
    winners = Table(
        "Winners",
        [column for index, column in enumerate(head) if index != 9],
        [_cells(row)[:9] + _cells(row)[10:] for row in rows if row["winner"]],
    )
    return Section("Who wins where", [], [winner_map(rows), winners, table])


def _cells(row: Row) -> list[str]:
    margin = "" if row["margin"] is None else f"{three_digits(row['margin'])}x"
    return [
        row["network"],
        str(row["bits"]),
        row["board"],
        row["accelerator"],
        str(row["units"]),
        three_digits(row["clock_mhz"]),
        time_text(1000 * row["latency_us"]),
        three_digits(row["throughput_per_s"]),
        three_digits(row["energy_uj"]),
        "wins" if row["winner"] else "",
        margin,
        (row["decided_by"] or "").replace("_", " "),
    ]


def _front_sections(rows: Sequence[Row]) -> list[Section]:
    """Scatter plots of each network's contenders: latency and area, latency and energy."""
    items: list[Picture | Table] = []
    for number, network in enumerate(dict.fromkeys(row["network"] for row in rows)):
        own = [row for row in rows if row["network"] == network]
        by_area = [_point(row, lut) for row in own if (lut := _lut(row)) is not None]
        if by_area:
            items.append(
                scatter(
                    f"pareto-lut-{number}",
                    f"{network}: latency and look-up tables",
                    by_area,
                    "look-up tables of the accelerator",
                    "latency of an image, µs",
                )
            )
        items.append(
            scatter(
                f"pareto-energy-{number}",
                f"{network}: latency and energy",
                [_point(row, row["energy_uj"]) for row in own],
                "energy of an image, µJ",
                "latency of an image, µs",
            )
        )
    sentence = "Contenders of all boards and widths together."
    return [Section("Latency against area and energy", [sentence], items)]


def _point(row: Row, x: float) -> Point:
    return Point(
        x,
        row["latency_us"],
        str(row["accelerator"]).split()[0].rstrip(","),
        f"{row['accelerator']} x{row['units']}, {row['bits']} bits, {row['board']}: "
        f"{time_text(1000 * row['latency_us'])}, {three_digits(row['energy_uj'])} µJ",
    )


def _lut(row: Row) -> int | None:
    """Look-up tables of a row's design; None where its board or area is not known."""
    try:
        fpga = load_board(row["board"]).fpga
        if fpga is None:
            return None
        return area_model(fpga.family).area(AcceleratorConfig(**row["configuration"])).lut
    except ScenarioError:
        return None

"""The study's page: what was found, as Markdown, from the parts alone."""

from collections.abc import Mapping, Sequence
from typing import Any

from cosim.areas import held_back_errors, load_points
from cosim.board import Family
from cosim.density_map import LAYERS
from cosim.estimate.errors import EstimateError, summary
from cosim.fit import RESOURCES
from cosim.scenario import load_board
from hdl.config import STREAM_BITS, AcceleratorConfig
from hdl.lists import ListLayout

Row = Mapping[str, Any]

SPARSE = ("list", "bitmap")
MLPERF_POWER_W = (1.58, 1.76)
"""Whole-board power of five accelerators on the PYNQ-Z2 (MLPerf Tiny v0.7 logs, energy x rate)."""


def winners_table(rows: Sequence[Row]) -> list[str]:
    """A line a network, width and board: the winner and the best of the other side."""
    lines = [
        "| network | bits | board | winner | units | MHz | us | uJ | other side's best | times | "
        "decided by |",
        "| --- | ---: | --- | --- | ---: | ---: | ---: | ---: | --- | ---: | --- |",
    ]
    for row in rows:
        if row["winner"]:
            margin = "-" if row["margin"] is None else f"{row['margin']:.2f}"
            lines.append(
                f"| {row['network']} | {row['bits']} | {row['board']} | {row['accelerator']} | "
                f"{row['units']} | {row['clock_mhz']} | {row['latency_us']:,.1f} | "
                f"{row['energy_uj']:,.1f} | {row.get('rival') or '-'} | {margin} | "
                f"{row['decided_by'] or '-'} |"
            )
    return lines


def published_table(rows: Sequence[Row]) -> list[str]:
    """Dense against the published organisation alone, at each width: times faster than dense."""
    lines = [
        "| network | board | 8 bits | 16 bits | 32 bits |",
        "| --- | --- | ---: | ---: | ---: |",
    ]
    for network in _unique(rows, "network"):
        for board in _unique(rows, "board"):
            cells = [
                _gain(rows, network, board, bits, "bitmap as published") for bits in (8, 16, 32)
            ]
            if any(cells):
                texts = ["-" if cell is None else f"{cell:.2f}" for cell in cells]
                lines.append(f"| {network} | {board} | {' | '.join(texts)} |")
    return lines


def crossover_table(maps: Sequence[Row]) -> list[str]:
    """Weight densities up to which sparse wins, with dense and with half of the activations."""
    lines = [
        "| layer | board | sparse | scope | bits | activations all | activations half | 0.08 |",
        "| --- | --- | --- | --- | ---: | ---: | ---: | ---: |",
    ]
    for found in maps:
        places = [_crossover(found, activations) for activations in (1.0, 0.5, 0.08)]
        lines.append(
            f"| {found['layer']} | {found['board']} | {found['rivalry']} | {found['scope']} | "
            f"{found['bits']} | {' | '.join(places)} |"
        )
    return lines


def claims(
    rows: Sequence[Row], maps: Sequence[Row], reload: Row, use: Mapping[str, float]
) -> list[str]:
    """The verdict on each of the paper's five claims, with numbers."""
    power = [row["energy_uj"] / row["latency_us"] for row in rows if row["board"] == "zynq7020"]
    best = {bits: _range(rows, bits, SPARSE) for bits in (8, 16, 32)}
    published = {bits: _range(rows, bits, ("bitmap as published",)) for bits in (8, 16, 32)}
    lost = [gain < 1 for gain in _gains(rows, 8, ("bitmap as published",))]
    never, look_ahead = (
        next(plan for plan in reload["plans"] if plan["policy"] == name)
        for name in ("never", "look-ahead")
    )
    list_line = _map_span(maps, "list", "accelerator", 8)
    published_line = _map_span(maps, "published", "accelerator", 8)
    return [
        "1. **A pipeline can avoid all useless operations.** Yes: `bitmap` and `list` with K > 1 "
        "multiply no zero. What they lose instead is waiting: as published "
        f"{use.get('published', 0):.0%} of the multipliers' cycles are useful on LeNet-5 with 8 "
        f"units, balanced and with lists (K = 2) {use.get('list', 0):.0%}.",
        f"2. **It fits an FPGA.** Yes, {_room(rows)} Power is "
        f"the board's: {min(power):.2f} to {max(power):.2f} W for all designs on the Zynq board "
        f"(published accelerators: {MLPERF_POWER_W[0]} to {MLPERF_POWER_W[1]} W), so the "
        "faster design is the one that saves energy.",
        "3. **Sparsity costs area that dense multipliers could use.** With the fastest design of "
        f"each that fits, sparse is {best[8]} times as fast as dense at 8 bits, {best[16]} at 16 "
        f"and {best[32]} at 32, over all networks and boards, latency of the whole system.",
        "4. **At 8 bits, or at low sparsity, dense wins.** The published organisation loses "
        f"to dense in {sum(lost)} of {len(lost)} cases at 8 bits (range {published[8]}; at 32 bits "
        f"{published[32]}); dense layers' weights must be fewer than {published_line} for it to "
        f"win. For lists the line is at {list_line}; on the boards, at 8 bits, they win "
        f"{_wins(rows, 8, ('list',))}.",
        "5. **Load the best-fitting accelerator at run time.** A load takes "
        f"{reload['load_ms']:.1f} ms on the Zynq board. For "
        + ", ".join(f"{stage['images']:,} images of {stage['name']}" for stage in reload["stages"])
        + f" never reloading takes {never['total_ps'] / 1e9:,.1f} ms, looking ahead "
        f"{look_ahead['total_ps'] / 1e9:,.1f} ms with {look_ahead['loads']} loads. It pays from "
        + "; ".join(_pays(stage) for stage in reload["stages"])
        + ".",
    ]


def errors_text(errors: Sequence[EstimateError]) -> list[str]:
    """How far the estimates are off that the maps are made of."""
    found = summary(errors)
    return [
        f"Estimates against the exact engine, {len(errors)} runs: cycles "
        f"{found['cycles_mean']:.1%} off in the mean, {found['cycles_max']:.1%} at most; latency "
        f"{found['latency_mean']:.1%} "
        f"and {found['latency_max']:.1%}; the worst layer over 400 cycles "
        f"{found['worst_layer_max']:.1%}. From densities alone, as the maps, cycles are "
        f"{found['densities_cycles_mean']:.1%} and at most {found['densities_cycles_max']:.1%} off "
        "on the same networks."
    ]


def area_text() -> list[str]:
    """How far the area lines are off at measured points that are held back."""
    families: tuple[Family, ...] = ("ecp5", "xilinx")
    lines = []
    for family in families:
        errors = held_back_errors(load_points(family))
        if not errors:
            continue
        luts = [abs(each["lut"]) for _, each in errors]
        lines.append(
            f"* {family}: {len(load_points(family))} accelerators synthesised; each held back and "
            f"fitted from the others, look-up tables are {sum(luts) / len(luts):.1%} off in the "
            f"mean and {max(luts):.1%} at most."
        )
    return lines


def assumptions_text() -> list[str]:
    """What is assumed, not measured."""
    zynq = load_board("zynq7020")
    static = zynq.energy.static_w
    return [
        f"* Board power {static.value} W ({static.low} to {static.high}): {static.source}.",
        "* The clock on the Zynq and Spartan parts is what nextpnr finds for an ECP5 (grade 6).",
        "* Look-up tables and registers fill a device to 80 %; what the rest of the system takes "
        "is in the board files.",
        "* DDR latency, driver steps and all dynamic energies; each with its source or the word "
        "assumption in the board files, and with bounds for energies.",
        "* Accelerators have 64 units at most: on the Zynq board and the ECP5-85 a dense one with "
        "more would fit, so that dense is better there than the tables say.",
        f"* The maps' layers are {LAYERS[0].name} and {LAYERS[1].name}, with random zeros.",
    ]


def stream_text() -> list[str]:
    """Up to which density of the weights the stream of a sparse accelerator is the shorter one."""
    config = AcceleratorConfig(kind="list", bits=8, lookahead=1)
    bits = config.bits
    word_bits = STREAM_BITS * ListLayout.of(config).stream_words
    lists, bitmaps = bits / word_bits, (bits - 1) / bits
    return [
        "In a fully connected layer every weight is used once an image, so that weights which do "
        f"not fit on chip are sent for each. At {bits} bits a weight of a list (K = 1) takes a "
        f"{word_bits}-bit word of the stream, one of `bitmap` {bits} bits and 1 bit a "
        f"position, one of `dense` {bits} bits: lists move less than dense up to a density of "
        f"{lists:.2f}, bitmaps up to {bitmaps:.2f}."
    ]


def _room(rows: Sequence[Row]) -> str:
    """How many units the smallest board holds, and what sparse designs fill most."""
    sparse = [row for row in rows if row["accelerator"].startswith(SPARSE)]
    units = {
        board: [row["units"] for row in sparse if row["board"] == board]
        for board in _unique(sparse, "board")
    }
    smallest = min(units, key=lambda board: max(units[board]))
    fullest = [max(row["used"], key=row["used"].get) for row in sparse]
    resource = max(fullest, key=fullest.count)
    least, most = min(units[smallest]), max(units[smallest])
    count = f"{least} to {most} units" if least < most else f"{most} unit{'s' if most > 1 else ''}"
    return (
        f"{count} on {smallest}, the smallest board. "
        f"Of {len(sparse)} sparse designs {fullest.count(resource)} fill "
        f"{RESOURCES[resource]} most: every unit has its own copy of the activations."
    )


def _wins(rows: Sequence[Row], bits: int, names: Sequence[str]) -> str:
    """In how many of the cases the best of these beats the best dense design, by network."""
    found = []
    for network in _unique(rows, "network"):
        of_network = [row for row in rows if row["network"] == network]
        gains = _gains(of_network, bits, names)
        found.append(f"{sum(gain > 1 for gain in gains)} of {len(gains)} ({network})")
    return ", ".join(found)


def _unique(rows: Sequence[Row], key: str) -> list[Any]:
    return list(dict.fromkeys(row[key] for row in rows))


def _best(
    rows: Sequence[Row], network: str, board: str, bits: int, names: Sequence[str]
) -> float | None:
    found = [
        row["latency_us"]
        for row in rows
        if (row["network"], row["board"], row["bits"]) == (network, board, bits)
        and row["accelerator"].startswith(tuple(names))
    ]
    return min(found, default=None)


def _gain(rows: Sequence[Row], network: str, board: str, bits: int, *names: str) -> float | None:
    """How many times as fast as the best dense design the best of these is."""
    own = _best(rows, network, board, bits, names)
    dense = _best(rows, network, board, bits, ("dense",))
    return None if own is None or dense is None else dense / own


def _gains(rows: Sequence[Row], bits: int, names: Sequence[str]) -> list[float]:
    found = [
        _gain(rows, network, board, bits, *names)
        for network in _unique(rows, "network")
        for board in _unique(rows, "board")
    ]
    return [gain for gain in found if gain is not None]


def _range(rows: Sequence[Row], bits: int, names: Sequence[str]) -> str:
    gains = _gains(rows, bits, names)
    return f"{min(gains):.2f} to {max(gains):.2f}" if gains else "never to be had"


def _crossover(found: Row, activations: float) -> str:
    for weights, active in found["crossover"]:
        if active == activations:
            column = found["activation_density"].index(activations)
            if weights is not None:
                return f"{weights:.2f}"
            ahead = all(row[column] > 1 for row in found["ratio"])
            return "always" if ahead else "never"
    return "-"


def _map_span(maps: Sequence[Row], rivalry: str, scope: str, bits: int) -> str:
    found = [
        f"{_crossover(item, 1.0)} ({item['layer'].split(',')[0]}, {item['board']})"
        for item in maps
        if (item["rivalry"], item["scope"], item["bits"]) == (rivalry, scope, bits)
    ]
    return ", ".join(found)


def _pays(stage: Row) -> str:
    images = [value for value in stage["reload_pays_from_images"].values() if value is not None]
    if not images:
        return f"never for {stage['name']}: one accelerator is best"
    return f"{min(images):,} images of {stage['name']}"

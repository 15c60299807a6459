"""The datasheet: for every block its text, ports, latency and a waveform of a simulated job."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import wavedrom

from hdl.example_run import ExampleRun
from hdl.hierarchy import Block, BlockPort
from hdl.latency import Latency, find_latencies
from hdl.waveform import Waveform

FOLDER = "timing"
"""Where the waveforms are, beside the datasheet."""

_HOW_TO_READ = """\
Widths are in bits; `n x w` is a list of n signals, of which a waveform shows the first. Latency is
the fewest clock cycles from any input (but clock and reset) to the output, counted in registers on
the way: data may take longer. `0` is combinational; the inputs seen in the same cycle are named.

Waveforms are samples of a simulated job, a small network, in the cycles in which most ports of the
block change; of several instances, the busiest is shown. A column begins with a rising edge of the
clock; its number counts from the start of the simulation. Vectors are hexadecimal, signed ones
decimal. The `.json` beside a waveform is its WaveJSON."""


def write_datasheet(run: ExampleRun, directory: Path) -> None:
    """Writes DATASHEET.md and the folder of waveforms, WaveJSON and SVG."""
    (directory / FOLDER).mkdir()
    config = run.config
    lines = [
        f"# Datasheet: `{config.kind}` accelerator, {config.units} units, {config.bits} bits",
        "",
        _HOW_TO_READ,
        "",
        "| parameter | |",
        "| --- | ---: |",
        *(f"| `{name}` | {value} |" for name, value in config.model_dump().items()),
        "",
        "| block | instances | in |",
        "| --- | ---: | --- |",
    ]
    lines += [
        f"| [{block.name}](#{block.name}) | {len(block.instances)} | {', '.join(block.parents)} |"
        for block in run.blocks
    ]
    for block in map(run.waveforms.busiest_instance, run.blocks):
        waveform = run.waveforms.waveform(block)
        if waveform.wave is not None:
            _write_waveform(block.name, waveform.wave, directory / FOLDER)
        lines += ["", *_page(block, waveform)]
    (directory / "DATASHEET.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _write_waveform(name: str, wave: dict[str, Any], folder: Path) -> None:
    text = json.dumps(wave, indent=1)
    (folder / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    wavedrom.render(text).saveas(folder / f"{name}.svg")


def _page(block: Block, waveform: Waveform) -> Iterator[str]:
    where = f"In {', '.join(block.parents)}. " if block.parents else ""
    yield f"## {block.name}"
    yield ""
    yield f"`{block.module}`; instances: {len(block.instances)}. {where}".rstrip()
    yield ""
    if block.doc:
        yield block.doc
        yield ""
    yield "| port | direction | bits | latency |"
    yield "| --- | --- | ---: | --- |"
    latencies = find_latencies(block)
    for port in block.ports:
        latency = _latency(latencies[port.name]) if port.name in latencies else _role(block, port)
        yield f"| `{port.name}` | {port.direction} | {_width(port)} | {latency} |"
    yield ""
    if waveform.wave is None:
        yield "No port changes in the run."
        return
    yield f"![{block.name} from cycle {waveform.first_cycle} on]({FOLDER}/{block.name}.svg)"
    if waveform.constant:
        values = ", ".join(f"`{name}` {value}" for name, value in waveform.constant.items())
        yield ""
        yield f"Constant meanwhile: {values}."
    if waveform.left_out:
        yield ""
        yield f"Not shown: {', '.join(f'`{name}`' for name in waveform.left_out)}."


def _width(port: BlockPort) -> str:
    width = f"{port.width_bits}{' signed' if port.signed else ''}"
    return width if len(port.signals) == 1 else f"{len(port.signals)} x {width}"


def _role(block: Block, port: BlockPort) -> str:
    if block.is_clock(port):
        return "clock"
    return "reset" if port.is_reset else ""


def _latency(latency: Latency) -> str:
    if latency.cycles is None:
        return "constant"
    if latency.combinational:
        return f"0, from {', '.join(f'`{name}`' for name in latency.combinational)}"
    return str(latency.cycles)

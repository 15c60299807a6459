"""The folder that a hardware engineer gets: HDL, testbench, build files and documents."""

import importlib.metadata
import os
import tempfile
from pathlib import Path
from string import Template

from hdl.convert import TOP_NAME, Language, convert
from hdl.datasheet import write_datasheet
from hdl.example_run import ExampleRun
from hdl.fusesoc import core_name, render_core
from hdl.port_recorder import find_ports
from hdl.register_docs import render_registers
from hdl.register_header import render_header
from hdl.testbench import write_testbench
from hdl.vivado import render_wrapper

COMPILE_ORDER = "compile_order.txt"
WRAPPER = f"{TOP_NAME}_vivado.v"

_README = Template("""\
# `$kind` accelerator, $units units, $bits bits, $language

| file | |
| --- | --- |
| `$order` | the design's files in compile order; the top is `$top` |
| `$bench` | self-checking testbench; reads `$vectors` in its working directory |
| `$core` | FuseSoC core; targets `default`, `sim` and `vivado` (synthesis) |
| `$wrapper` | wrapper for Vivado's block designs: interfaces named, monitor left open |
| `registers.md`, `registers.h` | registers and stream packets, to read and for C |
| `DATASHEET.md` | every block: text, ports, latency, waveform |

Ports: `aclk`, `aresetn` (synchronous), AXI4-Lite slave `s_axi`, AXI4-Stream slave `s_axis` and
master `m_axis`, `interrupt` (level, active high). The `monitor` outputs may be left open.

## Simulate

The testbench replays $cycles cycles of a run (a small network, one image, its results and the
interrupt) and compares every output in every cycle. It must print `passed $cycles cycles`; anything
else is a difference.

```sh
$simulate
```

or

```sh
fusesoc --cores-root . run --target sim $vlnv
```

## Vivado

Add the files of `$order` (VHDL ones as VHDL-2008) and `$wrapper` as sources, then add
`${top}_vivado` to the block design as an RTL module.
""")

_SIMULATE: dict[Language, str] = {
    "vhdl": """\
ghdl -a --std=08 $$(cat $order) $bench
ghdl -e --std=08 ${top}_tb
ghdl -r --std=08 ${top}_tb""",
    "verilog": """\
iverilog -g2005 -s ${top}_tb -o ${top}_tb.vvp $$(cat $order) $bench
vvp -n ${top}_tb.vvp""",
}


def write_handoff(run: ExampleRun, language: Language, directory: Path) -> tuple[Path, ...]:
    """Writes everything into `directory`, or nothing; returns the HDL files in compile order.

    What is there under other names stays. Raises RuntimeError if the conversion fails, OSError if
    the disk does not take it.
    """
    created = [path for path in (directory, *directory.parents) if not path.exists()]
    directory.mkdir(parents=True, exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(prefix=".handoff-", dir=directory) as aside:
            sources = _write(run, language, Path(aside))
            for path in sorted(Path(aside).rglob("*")):
                target = directory / path.relative_to(aside)
                if path.is_dir():
                    target.mkdir(exist_ok=True)
                else:
                    os.replace(path, target)
    except BaseException:
        for path in created:
            if not any(path.iterdir()):
                path.rmdir()
        raise
    return tuple(directory / name for name in sources)


def _write(run: ExampleRun, language: Language, directory: Path) -> list[str]:
    """Writes all files; returns the names of the HDL files in compile order."""
    config = run.config
    sources = [path.name for path in convert(config, language, directory)]
    bench = write_testbench(run.recorder, language, directory).name
    names = {
        "kind": config.kind,
        "units": str(config.units),
        "bits": str(config.bits),
        "language": {"vhdl": "VHDL-2008", "verilog": "Verilog-2005"}[language],
        "top": TOP_NAME,
        "order": COMPILE_ORDER,
        "bench": bench,
        "vectors": f"{TOP_NAME}_vectors.txt",
        "core": f"{TOP_NAME}.core",
        "wrapper": WRAPPER,
        "cycles": str(run.cycles),
        "vlnv": core_name(config.kind, importlib.metadata.version("sparse-cosim")),
    }
    core = render_core(
        names["vlnv"],
        f"{config.kind} accelerator, {config.units} units, {config.bits} bits",
        language,
        top=TOP_NAME,
        sources=sources,
        bench=bench,
        vectors=names["vectors"],
        wrapper=WRAPPER,
    )
    simulate = Template(_SIMULATE[language]).substitute(names)
    texts = {
        COMPILE_ORDER: "".join(f"{name}\n" for name in sources),
        names["core"]: core,
        WRAPPER: render_wrapper(TOP_NAME, tuple(find_ports(run.blocks[0].instance))),
        "registers.md": render_registers(),
        "registers.h": render_header(),
        "README.md": _README.substitute(names, simulate=simulate),
    }
    for name, text in texts.items():
        (directory / name).write_text(text, encoding="utf-8")
    write_datasheet(run, directory)
    return sources

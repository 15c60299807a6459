"""A FuseSoC core description (CAPI2) of a handed-off accelerator and its testbench."""

from collections.abc import Sequence
from string import Template

from hdl.convert import Language

SIMULATORS: dict[Language, str] = {"vhdl": "ghdl", "verilog": "icarus"}
_FILE_TYPES: dict[Language, str] = {"vhdl": "vhdlSource-2008", "verilog": "verilogSource-2005"}

_CORE = Template("""\
CAPI=2:
# Generated. fusesoc --cores-root . run --target sim $vlnv
name: $vlnv
description: $description

filesets:
  rtl:
    files: [$sources]
    file_type: $file_type
  testbench:
    files:
      - $bench: {file_type: $file_type}
      - $vectors: {file_type: user, copyto: $vectors}
  vivado:
    files: [$wrapper]
    file_type: verilogSource-2005

targets:
  default:
    filesets: [rtl]
    toplevel: $top
  sim:
    filesets: [rtl, testbench]
    flow: sim
    flow_options: {tool: $simulator}
    toplevel: $bench_top
  vivado:
    filesets: [rtl, vivado]
    flow: vivado
    flow_options: {pnr: none}
    toplevel: ${top}_vivado
""")


def core_name(kind: str, version: str) -> str:
    """Vendor, library, name and version of an accelerator's core."""
    return f"sparse-cosim:accelerators:{kind}:{version}"


def render_core(
    vlnv: str,
    description: str,
    language: Language,
    *,
    top: str,
    sources: Sequence[str],
    bench: str,
    vectors: str,
    wrapper: str,
) -> str:
    """The core file's text; file names are relative to it, `sources` in compile order."""
    return _CORE.substitute(
        vlnv=vlnv,
        description=description,
        top=top,
        bench_top=f"{top}_tb",
        sources=", ".join(sources),
        file_type=_FILE_TYPES[language],
        simulator=SIMULATORS[language],
        bench=bench,
        vectors=vectors,
        wrapper=wrapper,
    )

"""The accelerator's Verilog for simulation, cached by the hardware's sources and configuration."""

import importlib.metadata
import re
from importlib import resources
from pathlib import Path

from cosim.cache import Note, cached, key
from cosim.errors import ToolError
from hdl.config import AcceleratorConfig
from hdl.convert import TOP_NAME, convert

BIT_OPERATION = re.compile(
    r"(?P<head>function \[[^\]]+\] (?P<name>\w+?_(?P<operation>ones|one_hot_index));\n"
    r" *input \[\d+-1:0\] vector;\n)"
    r"(?: *(?:reg|integer) [^;]+;\n)+begin.*?endfunction",
    re.DOTALL,
)
"""A function of `hdl.bit_operations` as MyHDL writes it."""


def simulation_verilog(config: AcceleratorConfig, note: Note | None = None) -> str:
    """The accelerator's Verilog, with fast bit counting; raises ToolError if MyHDL fails."""
    sources = sorted(
        (item for item in resources.files("hdl").iterdir() if item.name.endswith(".py")),
        key=lambda item: item.name,
    )
    depends = (
        config.model_dump_json(),
        importlib.metadata.version("myhdl"),
        *(f"{item.name}\n{item.read_text(encoding='utf-8')}" for item in sources),
    )

    def make(folder: Path) -> None:
        if note is not None:
            note("converting the accelerator to Verilog")
        try:
            convert(config, "verilog", folder)
        except RuntimeError as error:
            raise ToolError(str(error).splitlines()[-1]) from error

    folder = cached(f"verilog-{key(depends)}", make)
    return count_fast((folder / f"{TOP_NAME}.v").read_text())


def count_fast(verilog: str) -> str:
    """The Verilog with `hdl.bit_operations` as built-in functions instead of masks and sums.

    A function that does not look as expected stays as it is: right, but slow.
    """

    def replace(function: re.Match[str]) -> str:
        expression = {
            "ones": "$countones(vector)",
            "one_hot_index": "vector == 0 ? 0 : $countones(vector - 1)",
        }[function["operation"]]
        return f"{function['head']}    {function['name']} = {expression};\nendfunction"

    return BIT_OPERATION.sub(replace, verilog)

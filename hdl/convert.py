"""The one place where VHDL and Verilog come out."""

import os
import re
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any, Literal

from hdl.config import AcceleratorConfig

Language = Literal["vhdl", "verilog"]

TOP_NAME = "accelerator"


def convert(config: AcceleratorConfig, language: Language, directory: Path) -> tuple[Path, ...]:
    """Writes the accelerator's HDL into `directory` and returns the files in compile order.

    VHDL is VHDL-2008: the MyHDL support package, then the top. Verilog is one Verilog-2001 file.
    Raises `RuntimeError` with MyHDL's message if the conversion fails.
    """
    directory.mkdir(parents=True, exist_ok=True)
    try:
        output = convert_apart("hdl.convert", [language, str(directory.resolve())], config)
    except RuntimeError as error:
        raise RuntimeError(f"conversion to {language} failed: {error}") from error
    return tuple(Path(line) for line in output.splitlines())


def convert_apart(module: str, arguments: list[str], config: AcceleratorConfig) -> str:
    """Runs `module` in a process of its own, `config` as JSON at its input; returns its output.

    Apart, since MyHDL numbers instances across conversions. With a fixed hash seed, since it writes
    sensitivity lists and resets in the order of sets. Raises `RuntimeError` with its message.
    """
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        input=config.model_dump_json(),
        env=os.environ | {"PYTHONHASHSEED": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr.strip())
    return done.stdout


def emit(top: Any, language: Language, directory: Path, name: str) -> list[Path]:
    """Writes the elaborated block `top` as `name`; returns the files in compile order."""
    with warnings.catch_warnings():
        # the monitor and high address bits are driven but not read inside
        warnings.simplefilter("ignore")
        if language == "vhdl":
            top.convert(
                hdl="VHDL",
                path=str(directory),
                name=name,
                std_logic_ports=True,
                initial_values=True,
            )
            files = [*sorted(directory.glob("pck_myhdl_*.vhd")), directory / f"{name}.vhd"]
            for written in files:
                written.write_text(_without_heading(written.read_text()))
            return files
        top.convert(
            hdl="Verilog", path=str(directory), name=name, testbench=False, initial_values=True
        )
    file = directory / f"{name}.v"
    file.write_text(_portable(file.read_text()))
    return [file]


def _without_heading(vhdl: str) -> str:
    """MyHDL's VHDL without its heading, which has the folder and the date."""
    return re.sub(r"\A(?:--.*\n|\s*\n)*", "", vhdl)


def _portable(verilog: str) -> str:
    """MyHDL's Verilog without what Yosys refuses or SystemVerilog runs otherwise, and the date.

    MyHDL ends each function with a `disable` of the function's own block. It stands last, so that
    it changes nothing; Yosys has no `disable`.

    In SystemVerilog (IEEE 1800-2017 6.8) the initial value of a declaration is no event, so that a
    combinational process whose inputs start as they stay would never run. Set by `initial`, behind
    the processes, it is one.
    """
    body = verilog[verilog.index("`timescale") :]
    body = re.sub(r"^ *disable \w+;\n(?=end\nendfunction)", "", body, flags=re.MULTILINE)
    declared = re.compile(r"^(reg (?:signed )?(?:\[[^]]*\] )?(\w+)) = ([^;]+);$", re.MULTILINE)
    values = [f"initial {name} = {value};\n" for _, name, value in declared.findall(body)]
    if values:
        body = declared.sub(r"\1;", body)
        end = body.rindex("endmodule")
        body = f"{body[:end]}{''.join(values)}\n{body[end:]}"
    return body


def _main() -> None:
    from hdl import bit_operations
    from hdl.accelerator import accelerator
    from hdl.elaboration import elaborate
    from hdl.ports import Ports

    language, directory = sys.argv[1:]
    config = AcceleratorConfig.model_validate_json(sys.stdin.read())
    ports = Ports(config)
    top = elaborate(
        accelerator, **ports.arguments(), config=config, operations=bit_operations.SYNTHESIS
    )
    wanted: Language = "vhdl" if language == "vhdl" else "verilog"
    for path in emit(top, wanted, Path(directory), TOP_NAME):
        print(path)


if __name__ == "__main__":
    _main()

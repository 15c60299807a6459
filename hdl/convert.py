"""The one place where VHDL and Verilog come out."""

import subprocess
import sys
import warnings
from pathlib import Path
from typing import Literal

from hdl.config import AcceleratorConfig

Language = Literal["vhdl", "verilog"]

TOP_NAME = "accelerator"


def convert(config: AcceleratorConfig, language: Language, directory: Path) -> tuple[Path, ...]:
    """Writes the accelerator's HDL into `directory` and returns the files in compile order.

    VHDL is VHDL-2008: the MyHDL support package, then the top. Verilog is one Verilog-2001 file.
    Each conversion runs in a process of its own, since MyHDL numbers instances across conversions.
    Raises `RuntimeError` with MyHDL's message if the conversion fails.
    """
    directory.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "hdl.convert", language, str(directory.resolve())]
    done = subprocess.run(
        command, input=config.model_dump_json(), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"conversion to {language} failed: {done.stderr.strip()}")
    return tuple(Path(line) for line in done.stdout.splitlines())


def _convert_here(config: AcceleratorConfig, language: Language, directory: Path) -> list[Path]:
    from myhdl import ToVerilogWarning, ToVHDLWarning

    from hdl import bit_operations
    from hdl.accelerator import accelerator
    from hdl.ports import Ports

    ports = Ports(config)
    top = accelerator(**ports.arguments(), config=config, operations=bit_operations.SYNTHESIS)
    with warnings.catch_warnings():
        # the monitor and high address bits are driven but not read inside
        warnings.simplefilter("ignore", ToVHDLWarning)
        warnings.simplefilter("ignore", ToVerilogWarning)
        if language == "vhdl":
            top.convert(
                hdl="VHDL",
                path=str(directory),
                name=TOP_NAME,
                std_logic_ports=True,
                initial_values=True,
            )
            return [*sorted(directory.glob("pck_myhdl_*.vhd")), directory / f"{TOP_NAME}.vhd"]
        top.convert(
            hdl="Verilog",
            path=str(directory),
            name=TOP_NAME,
            testbench=False,
            initial_values=True,
        )
        return [directory / f"{TOP_NAME}.v"]


def _main() -> None:
    language, directory = sys.argv[1:]
    config = AcceleratorConfig.model_validate_json(sys.stdin.read())
    for path in _convert_here(config, "vhdl" if language == "vhdl" else "verilog", Path(directory)):
        print(path)


if __name__ == "__main__":
    _main()

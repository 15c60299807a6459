"""The C header compiles without a warning, and a C program sees the values of the tables."""

import re
import subprocess
from pathlib import Path

from hdl import packets, registers
from hdl.packets import Destination
from hdl.register_docs import error_codes, header_fields
from hdl.register_header import render_header
from hdl.registers import REGISTERS

FLAGS = ["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror"]


def test_values_in_c(tmp_path: Path) -> None:
    header = render_header()
    names = re.findall(r"^#define ACCELERATOR_(\w+) ", header, re.MULTILINE)
    assert len(names) == len(set(names))
    prints = "\n".join(
        f'    printf("{name} %lu\\n", (unsigned long)ACCELERATOR_{name});' for name in names
    )
    (tmp_path / "registers.h").write_text(header)
    # included twice: it must guard itself
    (tmp_path / "main.c").write_text(
        '#include <stdio.h>\n#include "registers.h"\n#include "registers.h"\n'
        f"int main(void) {{\n{prints}\n    return 0;\n}}\n"
    )
    compiled = subprocess.run(
        ["gcc", *FLAGS, "-o", "main", "main.c"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (compiled.returncode, compiled.stderr) == (0, "")
    done = subprocess.run([tmp_path / "main"], capture_output=True, text=True, check=True)
    values = {name: int(value) for name, value in (row.split() for row in done.stdout.splitlines())}
    expected = {"TABLE_VERSION": registers.TABLE_VERSION}
    for register in REGISTERS:
        expected[f"{register.name}_OFFSET"] = register.offset
        for item in register.fields:
            expected[f"{register.name}_{item.name.upper()}_SHIFT"] = item.low
            expected[f"{register.name}_{item.name.upper()}_MASK"] = item.mask
    for kind, code in registers.KIND_CODES.items():
        expected[f"KIND_{kind.upper()}"] = code
    for name, code in error_codes().items():
        expected[f"ERROR_{name}"] = code
    for (_, name), (low, width) in header_fields().items():
        expected[f"PACKET_{name.upper()}_SHIFT"] = low
        expected[f"PACKET_{name.upper()}_MASK"] = ((1 << width) - 1) << low
    expected["PACKET_HEADER_WORDS"] = packets.HEADER_WORDS
    expected["PACKET_MAX_PAYLOAD_WORDS"] = packets.MAX_PAYLOAD_WORDS
    for destination in Destination:
        expected[f"DESTINATION_{destination.name}"] = destination.value
    assert values == expected

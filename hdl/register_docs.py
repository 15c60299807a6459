"""The registers and the packets of the input stream, as Markdown, from their tables."""

import ast
import inspect
from itertools import pairwise
from typing import Any

from hdl import packets, registers
from hdl.packets import Destination
from hdl.registers import JOB_BASE, Register

ACCESS = {
    "rw": "read and write",
    "ro": "read only; a write is refused",
    "w1c": "read; writing ones clears",
    "wo": "write only; reads as zero",
}


def header_fields() -> dict[tuple[int, str], tuple[int, int]]:
    """Lowest bit and width of every field of a packet's header, by header word and name."""
    return {
        (0, "destination"): (packets.DESTINATION_LOW, packets.DESTINATION_WIDTH),
        (0, "repeat"): (packets.REPEAT_LOW, 1),
        (0, "fence"): (packets.FENCE_LOW, 1),
        (0, "unit"): (packets.UNIT_LOW, packets.UNIT_WIDTH),
        (1, "count"): (packets.COUNT_LOW, packets.COUNT_WIDTH),
        (1, "address"): (packets.ADDRESS_LOW, packets.ADDRESS_WIDTH),
    }


_HEADER_DOCS = {
    "destination": "where the payload goes, see below",
    "fence": "1: the packet waits until no job is running",
    "unit": "the unit that a packet to the memories of one unit is for",
    "repeat": "1 (ACTIVATIONS only): one payload word follows, written as often as `count` says",
    "count": "words written, minus one",
    "address": "first entry of the destination to be written",
}


def destination_docs() -> dict[Destination, str]:
    """What is written below each destination in its enumeration, on one line."""
    (enumeration,) = ast.parse(inspect.getsource(Destination)).body
    assert isinstance(enumeration, ast.ClassDef)
    docs = dict.fromkeys(Destination, "")
    for member, below in pairwise(enumeration.body):
        if isinstance(member, ast.Assign) and isinstance(below, ast.Expr):
            (target,) = member.targets
            docs[Destination[ast.unparse(target)]] = " ".join(ast.literal_eval(below.value).split())
    return docs


def error_codes() -> dict[str, int]:
    """The codes of the ERROR register by name."""
    return {
        name.removeprefix("ERROR_"): value
        for name, value in vars(registers).items()
        if name.startswith("ERROR_")
    }


def _below_summary(item: Any) -> list[str]:
    """The lines of a docstring after its first paragraph."""
    return str(inspect.getdoc(item)).partition("\n\n")[2].splitlines()


def bits(low: int, width: int) -> str:
    """`7:0`, or `3` for one bit."""
    return str(low) if width == 1 else f"{low + width - 1}:{low}"


def _register(register: Register) -> list[str]:
    lines = [
        f"### {register.name}, 0x{register.offset:02x}",
        "",
        f"{register.doc} Access: {ACCESS[register.access]}.",
        "",
    ]
    if register.fields:
        lines += ["| bits | field | meaning |", "| ---: | --- | --- |"]
        lines += [
            f"| {bits(item.low, item.width)} | `{item.name}` | {item.doc} |"
            for item in register.fields
        ]
        lines.append("")
    return lines


def render_registers() -> str:
    """The whole document."""
    lines = [
        "# Registers and packets",
        "",
        f"Version {registers.TABLE_VERSION} of the table. Generated from `hdl/registers.py` and "
        "`hdl/packets.py`, which the hardware is made from too. `registers.h` has the same for C.",
        "",
        *_below_summary(registers),
        "",
        *_below_summary(Register),
        "",
        "| offset | register | access | |",
        "| ---: | --- | --- | --- |",
    ]
    lines += [
        f"| 0x{item.offset:02x} | `{item.name}` | {item.access} | {item.doc} |"
        for item in registers.REGISTERS
    ]
    for title, job_group in (("Control registers", False), ("Job registers", True)):
        lines += ["", f"## {title}", ""]
        for item in registers.REGISTERS:
            if (item.offset >= JOB_BASE) == job_group:
                lines += _register(item)
    lines += _packets()
    return "\n".join(lines) + "\n"


def _packets() -> list[str]:
    lines = ["## Packets of the input stream", "", *_below_summary(packets), ""]
    lines += ["| word | bits | field | meaning |", "| ---: | ---: | --- | --- |"]
    lines += [
        f"| {word} | {bits(low, width)} | `{name}` | {_HEADER_DOCS[name]} |"
        for (word, name), (low, width) in header_fields().items()
    ]
    lines += ["", "| destination | name | payload |", "| ---: | --- | --- |"]
    lines += [
        f"| {item.value} | `{item.name}` | {doc} |" for item, doc in destination_docs().items()
    ]
    return lines

"""The registers and the packets of the input stream, as a C header, from their tables."""

from collections.abc import Iterator

from hdl import packets, registers
from hdl.register_docs import destination_docs, error_codes, header_fields

PREFIX = "ACCELERATOR"


def _define(name: str, value: str, doc: str = "") -> str:
    line = f"#define {PREFIX}_{name} {value}"
    return f"{line} /* {doc} */" if doc else line


def _field(name: str, low: int, width: int, doc: str) -> Iterator[str]:
    yield _define(f"{name}_SHIFT", f"{low}u", doc)
    yield _define(f"{name}_MASK", f"0x{((1 << width) - 1) << low:08x}u")


def render_header() -> str:
    """The header's text: offsets, and of each field its mask, in place, and its shift."""
    lines = [
        "/* Registers and packets of the accelerator. Generated from its register table.",
        " * Offsets are bytes; masks are in place: field = (word & MASK) >> SHIFT. */",
        f"#ifndef {PREFIX}_REGISTERS_H",
        f"#define {PREFIX}_REGISTERS_H",
        "",
        _define("TABLE_VERSION", f"{registers.TABLE_VERSION}u"),
    ]
    for register in registers.REGISTERS:
        lines += ["", f"/* {register.name}, {register.access}: {register.doc} */"]
        lines.append(_define(f"{register.name}_OFFSET", f"0x{register.offset:02x}u"))
        for item in register.fields:
            name = f"{register.name}_{item.name.upper()}"
            lines += _field(name, item.low, item.width, item.doc)
    lines += ["", "/* VERSION.kind */"]
    lines += [
        _define(f"KIND_{name.upper()}", f"{code}u") for name, code in registers.KIND_CODES.items()
    ]
    lines += ["", "/* ERROR.code */"]
    lines += [_define(f"ERROR_{name}", f"{code}u") for name, code in error_codes().items()]
    lines += [
        "",
        "/* A packet of the input stream: header words, then count + 1 payload words. */",
        _define("PACKET_HEADER_WORDS", f"{packets.HEADER_WORDS}u"),
        _define("PACKET_MAX_PAYLOAD_WORDS", f"{packets.MAX_PAYLOAD_WORDS}u"),
    ]
    for (word, name), (low, width) in header_fields().items():
        lines += _field(f"PACKET_{name.upper()}", low, width, f"header word {word}")
    lines += ["", "/* Destinations of a packet */"]
    lines += [
        _define(f"DESTINATION_{item.name}", f"{item.value}u", doc)
        for item, doc in destination_docs().items()
    ]
    lines += ["", f"#endif /* {PREFIX}_REGISTERS_H */", ""]
    return "\n".join(lines)

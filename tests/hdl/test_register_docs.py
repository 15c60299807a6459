"""The register document has everything that is in the tables."""

from hypothesis import given
from hypothesis import strategies as st

from hdl import packets, registers
from hdl.packets import Destination, Header
from hdl.register_docs import (
    bits,
    destination_docs,
    error_codes,
    header_fields,
    render_registers,
)
from hdl.registers import BY_NAME, REGISTERS


def test_every_register_and_field() -> None:
    text = render_registers()
    sections = text.split("\n## Packets")[0].split("\n### ")[1:]
    assert [section.split(",")[0] for section in sections] == [item.name for item in REGISTERS]
    for section, register in zip(sections, REGISTERS, strict=True):
        assert section.startswith(f"{register.name}, 0x{register.offset:02x}\n")
        rows = [row.split(" | ") for row in section.splitlines() if row.startswith("| ")]
        rows = [row for row in rows if row[0][2].isdigit() and len(row) == 3]
        assert [(row[0].strip("| "), row[1].strip("`")) for row in rows] == [
            (bits(item.low, item.width), item.name) for item in register.fields
        ]
        assert all(f"| {item.doc} |" in section for item in register.fields)


def test_bits() -> None:
    assert bits(8, 8) == "15:8"
    assert bits(3, 1) == "3"


def test_every_destination_is_described() -> None:
    docs = destination_docs()
    assert docs.keys() == set(Destination)
    scales = "multiplier in bits 15 to 0, shift in bits 22 to 16."
    assert docs[Destination.BIASES].endswith(scales), "lines are joined"
    assert (packets.MULTIPLIER_LOW, packets.MULTIPLIER_WIDTH) == (0, 16)
    assert (packets.CHANNEL_SHIFT_LOW, packets.CHANNEL_SHIFT_WIDTH) == (16, 7)
    text = render_registers()
    for item, doc in docs.items():
        assert len(doc) > 10
        assert f"| {item.value} | `{item.name}` | {doc} |" in text


def test_every_error_has_a_name() -> None:
    doc = BY_NAME["ERROR"].field("code").doc
    assert {f"{code}:" for code in error_codes().values()} <= set(doc.split())
    assert error_codes()["UNKNOWN_DESTINATION"] == registers.ERROR_UNKNOWN_DESTINATION


def test_header_fields_are_all_of_the_table() -> None:
    entries = {"MULTIPLIER_LOW", "CHANNEL_SHIFT_LOW"}
    lows = {name for name in vars(packets) if name.endswith("_LOW")} - entries
    assert {f"{name.upper()}_LOW" for _, name in header_fields()} == lows


@given(
    st.sampled_from(Destination),
    st.integers(1, packets.MAX_PAYLOAD_WORDS),
    st.integers(0, 0xFFFF),
    st.integers(0, 0xFF),
    st.booleans(),
    st.booleans(),
)
def test_header_fields_decode_a_header(
    destination: Destination, count: int, address: int, unit: int, fence: bool, repeat: bool
) -> None:
    words = Header(destination, count, address, unit, fence, repeat).words()
    decoded = {
        name: words[word] >> low & ((1 << width) - 1)
        for (word, name), (low, width) in header_fields().items()
    }
    assert decoded == {
        "destination": destination,
        "repeat": repeat,
        "fence": fence,
        "unit": unit,
        "count": count - 1,
        "address": address,
    }

"""A small block to test the conversion harness itself on: an AXI4-Stream register slice."""

from pathlib import Path
from typing import Any

from myhdl import ResetSignal, always_comb, always_seq, block

from hdl.bundles import AxiStream, bit, number, word
from hdl.convert import Language


@block
def register_slice(aclk, aresetn, s_axis, m_axis, level, beats):
    """Holds up to two beats; full throughput. `beats` counts down (signed) the beats taken."""
    valid, spare_valid, last, spare_last = (bit() for _ in range(4))
    data, spare_data = word(32), word(32)
    count = number(6)

    @always_comb
    def comb_ports():
        s_axis.tready.next = not spare_valid
        m_axis.tvalid.next = valid
        m_axis.tdata.next = data
        m_axis.tlast.next = last
        level.next = 0
        if spare_valid:
            level.next = 2
        elif valid:
            level.next = 1
        beats.next = count

    @always_seq(aclk.posedge, reset=aresetn)
    def seq_hold():
        if m_axis.tready or not valid:
            if spare_valid:
                valid.next = 1
                data.next = spare_data
                last.next = spare_last
                spare_valid.next = 0
            else:
                valid.next = s_axis.tvalid
                data.next = s_axis.tdata
                last.next = s_axis.tlast
        elif s_axis.tvalid and not spare_valid:
            spare_valid.next = 1
            spare_data.next = s_axis.tdata
            spare_last.next = s_axis.tlast
        if s_axis.tvalid and not spare_valid:
            if count == -32:
                count.next = 31
            else:
                count.next = count - 1

    return comb_ports, seq_hold


def build() -> Any:
    """A new instance with its own signals."""
    return register_slice(
        bit(), ResetSignal(0, active=0, isasync=False), AxiStream(), AxiStream(), word(2), number(6)
    )


def convert(language: Language, directory: Path) -> tuple[Path, ...]:
    """Emits the block into `directory`; to be called once a process."""
    if language == "verilog":
        build().convert(hdl="Verilog", path=str(directory), initial_values=True, testbench=False)
        return (directory / "register_slice.v",)
    build().convert(hdl="VHDL", path=str(directory), std_logic_ports=True, initial_values=True)
    return (*sorted(directory.glob("pck_myhdl_*.vhd")), directory / "register_slice.vhd")

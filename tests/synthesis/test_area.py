"""Which block owns a cell: on a small netlist whose answers are known."""

from typing import Any

import pytest

from hdl.area import HARNESS, OTHER, PARTS, Netlist, Resources, drivers, part_of, path_of
from hdl.area import resources_of as taken

VERILOG = """
always @(posedge clock) begin: core0_collector0_seq_total
    if (taking) begin
        core0_collector0_total[0] <= (core0_sum + 1);
    end
end

always @(core0_collector0_total) begin: core0_requantise0_comb_round
    reg half;
    half = core0_collector0_total[0];
    core0_wide = half;
end

assign core0_ready = (core0_list_pipeline0_list_unit3_pair_queue3_count != 0);

always @(posedge clock) begin: core0_list_pipeline0_list_unit3_ram2_seq_ram
    core0_list_pipeline0_list_unit3_ram2_words[address] <= data;
end

always @(posedge clock) begin: registered0_seq_chain
    registered0_chain <= {registered0_chain[7-1:0], scan_in};
end
"""


def cell(kind: str, output: int, *inputs: int) -> dict[str, Any]:
    names = [f"I{index}" for index in range(len(inputs))]
    return {
        "type": kind,
        "port_directions": dict.fromkeys(names, "input") | {"O": "output"},
        "connections": {name: [bit] for name, bit in zip(names, inputs, strict=True)}
        | {"O": [output]},
    }


def net(*bits: int | str, hidden: bool = False) -> dict[str, Any]:
    return {"bits": list(bits), "hide_name": int(hidden)}


def small_netlist() -> Netlist:
    """chain(1) -> a(2) -> b(3) -> total register(4) -> rounding(5); ready(7) from RAM(6)."""
    cells = {
        "chain_TRELLIS_FF_Q": cell("TRELLIS_FF", 1, 1),
        "a": cell("LUT4", 2, 1),
        "b": cell("CCU2C", 3, 2),
        "total_TRELLIS_FF_Q": cell("TRELLIS_FF", 4, 3),
        "rounding": cell("LUT4", 5, 4),
        "core0_list_pipeline0_list_unit3_ram2_words.0.0": cell("DP16KD", 6, 5),
        "ready": cell("LUT4", 7, 6),
        "to_pin": cell("LUT4", 8, 4),
        "captured_TRELLIS_FF_Q": cell("TRELLIS_FF", 9, 8),
    }
    names = {
        "registered0_chain": net(1, "x"),
        "core0_job_shift": net(1),
        "core0_collector0_total[0]": net(4),
        "core0_requantise0_comb_round.half": net(4),
        "core0_wide": net(5),
        "core0_ready": net(7),
        "$auto$1": net(3, hidden=True),
        "registered0_seq_captured_q": net(9),
    }
    known = drivers(VERILOG + "assign core0_job_shift = registered0_chain[0];\n")
    return Netlist({"cells": cells, "netnames": names}, known)


def test_names() -> None:
    assert path_of("core0_list_pipeline0_list_unit12_pair_queue3_seq_issue") == (
        "core",
        "list_pipeline",
        "list_unit",
        "pair_queue",
    )
    assert path_of("captured") == ()


def test_innermost_known_block_decides() -> None:
    assert part_of(("core", "list_pipeline", "list_unit", "ram")) == "lists"
    assert part_of(("core", "list_pipeline", "list_unit", "multiply_accumulate")) == "mac"
    assert part_of(("accelerator", "register_file", "job_field")) == "bus"
    assert part_of(("unheard_of",)) == OTHER
    assert part_of(()) == OTHER
    assert set(PARTS.values()) >= {HARNESS, "bus", "mac", "lists", "match", "weights"}


def test_drivers_know_block_and_kind() -> None:
    found = drivers(VERILOG)
    assert found["core0_collector0_total"].path == ("core", "collector")
    assert found["core0_collector0_total"].rank == 0
    assert found["core0_wide"].path == ("core", "requantise")
    assert found["core0_wide"].rank == 1
    assert found["core0_ready"].path == ("core", "list_pipeline", "list_unit", "pair_queue")
    assert found["core0_ready"].rank == 2
    assert "core0_sum" not in found


@pytest.mark.parametrize(
    ("name", "owner"),
    [
        ("total_TRELLIS_FF_Q", ("core", "collector")),  # not its alias in another process
        ("b", ("core", "collector")),  # feeds the register
        ("a", ("core", "collector")),  # feeds what feeds it
        ("rounding", ("core", "requantise")),
        ("ready", ("core", "list_pipeline", "list_unit", "pair_queue")),
        (
            "core0_list_pipeline0_list_unit3_ram2_words.0.0",
            ("core", "list_pipeline", "list_unit", "ram"),
        ),
        ("chain_TRELLIS_FF_Q", ("registered",)),  # not the input it drives
        ("to_pin", ()),
    ],
)
def test_owner(name: str, owner: tuple[str, ...]) -> None:
    assert small_netlist().owner(name) == owner


def test_parts_add_up() -> None:
    netlist = small_netlist()
    blocks = netlist.by_block()
    everything = sum((taken(kind) for kind in netlist.cell_types().elements()), Resources())
    assert sum(blocks.values(), Resources()) == everything == Resources(6, 3, 1, 0)
    assert blocks["core", "collector"] == Resources(lut=3, ff=1)


def test_resources_of_cells() -> None:
    assert taken("LUT4") == taken("SB_LUT4") == taken("LUT6") == Resources(lut=1)
    assert taken("CCU2C") == Resources(lut=2)
    assert taken("TRELLIS_DPR16X4") == taken("RAM32M") == Resources(lut=4)
    assert taken("RAMB36E1") == Resources(block_ram=2)
    assert taken("FDRE") == taken("SB_DFFESR") == taken("TRELLIS_FF") == Resources(ff=1)
    assert taken("MULT18X18D") == taken("DSP48E1") == taken("SB_MAC16") == Resources(dsp=1)
    assert taken("PFUMX") == taken("MUXF7") == Resources()


def test_memories_by_their_cells() -> None:
    netlist = small_netlist()
    held = netlist.cells_of_memory("core0_list_pipeline0_list_unit3_ram2_words")
    assert held == {"DP16KD": 1}
    assert not netlist.cells_of_memory("core0_list_pipeline0")

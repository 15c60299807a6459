"""Constants of a board, and what its file says about them."""

import pytest

from cosim.constants import constants_of, is_assumed, sources_of, with_sources
from cosim.scenario import BOARDS, load_board

SHIPPED = sorted(file.stem for file in BOARDS.glob("*.toml"))


def described(board: str, **changes: float) -> dict[str, dict[str, str]]:
    values = constants_of(load_board(board)) | changes
    return {entry["what"].partition(": ")[2]: entry for entry in with_sources(board, values)}


@pytest.mark.parametrize("board", SHIPPED)
def test_every_constant_of_a_shipped_board_has_a_source(board: str) -> None:
    entries = described(board)
    assert [key for key, entry in entries.items() if entry["source"] == "not said"] == []
    assert len(entries) > 50


def test_sources_are_where_the_file_has_them() -> None:
    sources = sources_of("zynq7020")
    assert sources["memory.write_latency_ns"] == "assumption: until a write is acknowledged"
    # "the same" stands for the line before
    assert sources["host.invalidate_line_ns"] == sources["host.flush_line_ns"]
    # a comment above a table is for all of it, and of the tables in it
    assert sources["memory.efficiency.random.mixed"].startswith("UG585 table 22-5")
    # values that are tables have one of their own
    assert sources["energy.bus_byte_pj"] == "assumption: on-chip wires and FIFOs"
    assert sources["fpga.available.dsp"].startswith("DS190")


def test_a_board_has_what_its_base_says_but_not_the_device() -> None:
    small, large = sources_of("ecp5-25"), sources_of("ecp5-85")
    assert small["host.call_ns"] == large["host.call_ns"]
    assert "fpga.available.lut" in small
    assert described("ecp5-25")["fpga.available.lut"]["value"] == "24,288"


def test_what_a_run_changes_is_said() -> None:
    entry = described("zynq7020", **{"host.flush_line_ns": 12.0})["host.flush_line_ns"]
    assert entry["value"] == "12"
    assert entry["source"].startswith("given for this run; the board file has 113 (constant of")
    assert is_assumed(entry["source"])


def test_bounds_are_shown() -> None:
    assert described("zynq7020")["energy.static_w"]["value"] == "1.58 (1.5 to 1.7)"


def test_other_boards_have_no_sources() -> None:
    assert sources_of("mine") == {}
    (entry,) = with_sources("mine", {"host.call_ns": 5.0})
    assert entry["source"] == "the file of mine, not at hand"

"""Boards and buses for the tests of the system model."""

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cosim.board import Board

BOARDS = Path(__file__).parents[2] / "cosim" / "boards"

MakeBoard = Callable[..., Board]


def load_board(**changes: dict[str, Any]) -> Board:
    """The shipped board, changed by keyword arguments like `memory={"banks": 4}`."""
    data = tomllib.loads((BOARDS / "zynq7020.toml").read_text())
    for section, values in changes.items():
        data[section] |= values
    return Board.model_validate(data)


@pytest.fixture
def make_board() -> MakeBoard:
    """Makes boards, see `load_board`."""
    return load_board


@pytest.fixture
def reference_board(make_board: MakeBoard) -> Board:
    """The board with a memory without wait states, as the DMA's vendor measured."""
    perfect = {"read": 1.0, "write": 1.0, "mixed": 1.0}
    return make_board(
        memory={
            "read_latency_ns": 0.0,
            "write_latency_ns": 0.0,
            "peak_mbyte_s": 1e6,
            "efficiency": {"sequential": perfect, "random": perfect},
        }
    )

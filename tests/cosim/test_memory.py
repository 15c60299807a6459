"""The bytes of the memory, and when its controller serves them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from simpy import Environment

from cosim.board import Board, MemoryConfig
from cosim.memory import MemoryController, Storage
from tests.cosim.conftest import MakeBoard

BURST_BYTES = 64


@given(st.lists(st.tuples(st.integers(0, 255), st.binary(min_size=1, max_size=40)), max_size=20))
def test_storage_holds_what_was_written_last(writes: list[tuple[int, bytes]]) -> None:
    storage, expected = Storage(0x1000, 300), bytearray(300)
    for offset, data in writes:
        storage.write(0x1000 + offset, data)
        expected[offset : offset + len(data)] = data
    assert storage.read(0x1000, 300) == expected


@pytest.mark.parametrize(("address", "length"), [(0xFFF, 4), (0x103E, 4), (0x2000, 1)])
def test_storage_ends_where_it_ends(address: int, length: int) -> None:
    storage = Storage(0x1000, 64)
    with pytest.raises(
        IndexError, match=f"must be 0x00001000 to 0x0000103f, not 0x0000{address:04x}"
    ):
        storage.read(address, length)
    with pytest.raises(IndexError, match="memory address must be"):
        storage.write(address, bytes(length))


def bandwidth(config: MemoryConfig, addresses: list[int], *, write: bool) -> float:
    """MB/s at which back-to-back bursts are served."""
    controller = MemoryController(Environment(), config)
    for address in addresses:
        service = controller.reserve("port", address, BURST_BYTES, write=write)
    return len(addresses) * BURST_BYTES / (service.end_ps / 1e6)


@pytest.mark.parametrize(
    ("write", "stride", "efficiency"),
    # UG585 table 22-5; a stride of a row plus one bank never meets an open row.
    [(False, 64, 0.97), (True, 64, 0.90), (False, 65 * 2048, 0.92), (True, 65 * 2048, 0.87)],
)
def test_published_efficiencies(
    make_board: MakeBoard, write: bool, stride: int, efficiency: float
) -> None:
    config = make_board().memory
    addresses = [index * stride for index in range(2000)]
    reached = bandwidth(config, addresses, write=write)
    # Sequential bursts open a new row every 2 KiB.
    assert reached == pytest.approx(efficiency * config.peak_mbyte_s, rel=0.004)


def test_alternating_directions_pay_the_turn(make_board: MakeBoard) -> None:
    config = make_board().memory
    controller = MemoryController(Environment(), config)
    for index in range(2000):
        service = controller.reserve("p", index * BURST_BYTES, BURST_BYTES, write=index % 2 == 0)
    reached = 2000 * BURST_BYTES / (service.end_ps / 1e6)
    assert reached == pytest.approx(0.87 * config.peak_mbyte_s, rel=0.01)


def test_latencies_overlap_and_the_bus_does_not(make_board: MakeBoard) -> None:
    controller = MemoryController(Environment(), make_board().memory)
    first = controller.reserve("a", 0, 64, write=False)
    second = controller.reserve("b", 64, 64, write=False)
    assert first.first_ps - first.start_ps == second.first_ps - second.start_ps == 200_000
    assert second.start_ps == first.end_ps < first.first_ps


def test_small_requests_move_whole_dram_bursts(reference_board: Board) -> None:
    controller = MemoryController(Environment(), reference_board.memory)
    small = controller.reserve("a", 14, 4, write=False)
    whole = controller.reserve("a", 0, 32, write=False)
    assert small.end_ps - small.start_ps == whole.end_ps - whole.start_ps
    assert controller.read_bytes == 36

"""Block RAMs computed from the shapes of memories, against what synthesis took."""

import pytest

from cosim.areas import AreaPoint, load_points
from cosim.board import Family
from hdl.block_rams import MemoryShape, block_rams, memory_shapes


@pytest.mark.parametrize(
    ("words", "bits", "expected"),
    [(512, 36, 1), (512, 37, 2), (1024, 32, 2), (16384, 1, 1), (256, 42, 2), (2048, 32, 4)],
)
def test_a_memory_takes_as_few_as_its_best_layout(words: int, bits: int, expected: int) -> None:
    assert MemoryShape("m", words, bits, 1).block_rams("ecp5") == expected
    assert MemoryShape("m", words, bits, 3).block_rams("xilinx") == 3 * expected


@pytest.mark.parametrize("family", ["ecp5", "xilinx"])
def test_synthesis_takes_what_is_computed(family: Family) -> None:
    def differs(point: AreaPoint) -> bool:
        return block_rams(memory_shapes(point.configuration), family) != point.block_ram

    points = load_points(family)
    assert len(points) > 8
    assert [point for point in points if differs(point)] == []

"""One operation, or a band of its rows, with the places of its tensors on chip."""

from collections.abc import Mapping
from dataclasses import dataclass

from networks.schedule.operation import Operation


@dataclass(frozen=True)
class Region:
    """Words `first_word` and on of a tensor, `words` of them, on chip from element `address` on."""

    address: int
    first_word: int
    words: int

    def start(self, lanes: int) -> int:
        """Where the tensor's first element would be; may be negative."""
        return self.address - self.first_word * lanes

    def overlaps(self, other: "Region", lanes: int) -> bool:
        """Whether the two share a place on chip."""
        end, other_end = self.address + self.words * lanes, other.address + other.words * lanes
        return self.address < other_end and other.address < end


@dataclass(frozen=True, eq=False)
class Stage:
    """Output rows `first_row` and on, `rows` of them, of an operation.

    Before it `loads` are sent from system memory to their `regions` and, if `clear`, the border of
    the target is zeroed; behind it `stores` are sent back.
    """

    operation: Operation
    first_row: int
    rows: int
    regions: Mapping[str, Region]
    loads: tuple[str, ...]
    clear: bool
    stores: tuple[str, ...]

    def distance(self, lanes: int) -> int:
        """Elements from the first source to the second; 0 if there is only one."""
        first, last = (self.regions[self.operation.sources[i]].start(lanes) for i in (0, -1))
        return last - first

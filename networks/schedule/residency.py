"""Which layers' weights stay on chip, and where the others stream through."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from networks.schedule.weights import Room, StoredFilters, Tile, total_room

_MAX_SEARCHED_LAYERS = 12
_TILE_WORDS = 64
"""Cost of one more tile, in words sent: its registers, packet headers and the pipeline's drain."""


@dataclass(frozen=True)
class Placement:
    """A tile at its place in all units' weight memories; `start` counts words and sections."""

    tile: Tile
    start: Room

    def overlaps(self, other: "Placement") -> bool:
        """Whether the two share a word of any memory."""
        end, other_end = self.start + self.tile.room, other.start + other.tile.room
        return (self.start.words < other_end.words and other.start.words < end.words) or (
            self.start.sections < other_end.sections and other.start.sections < end.sections
        )


@dataclass(frozen=True)
class LayerPlacement:
    """Tiles of one operation; if they are resident they are loaded once and never replaced."""

    resident: bool
    tiles: tuple[Placement, ...]


def place_weights(layers: Sequence[StoredFilters], capacity: Room) -> tuple[LayerPlacement, ...]:
    """Places the weights of all layers in order.

    If not all fit, the set of resident layers is the one that leaves the fewest words to send for
    an image, tiles counted in, among all subsets. In deeper networks only 12 layers are tried,
    around the size up to which all together fit: all smaller ones stay, no larger one. The others
    stream through two halves of the space left, in turn; a layer of which one filter a unit does
    not fit a half uses the whole. Raises NetworkError, with the layer's name, if that does not fit
    either.
    """
    whole = [layer.tiles() or () for layer in layers]
    for resident in resident_sets([total_room(tiles) for tiles in whole], capacity):
        placed = _place(layers, whole, resident, capacity)
        if placed is not None:
            return placed
    for layer in layers:
        if layer.tiles(capacity) is None:
            raise layer.operation.layer.error(
                f"one filter a unit must fit weight memories of {capacity}, "
                f"it needs {layer.largest_filter}"
            )
    raise AssertionError("layers that fit one by one must fit when all are streamed")


def resident_sets(whole: Sequence[Room], capacity: Room) -> list[frozenset[int]]:
    """Sets of layers that fit together for good, cheapest first; `whole` is what each takes."""
    smallest = sorted(range(len(whole)), key=lambda i: whole[i].words + whole[i].sections)
    fitting, used = 0, Room(0)
    while fitting < len(whole) and capacity.holds(used + whole[smallest[fitting]]):
        used += whole[smallest[fitting]]
        fitting += 1
    first = max(0, min(fitting - _MAX_SEARCHED_LAYERS // 2, len(whole) - _MAX_SEARCHED_LAYERS))
    kept, searched = smallest[:first], smallest[first : first + _MAX_SEARCHED_LAYERS]
    costs: list[tuple[float, int, frozenset[int]]] = []
    for count in range(len(searched) + 1):
        for some in combinations(sorted(searched), count):
            chosen = frozenset((*kept, *some))
            used = sum((whole[index] for index in chosen), Room(0))
            streamed = [whole[i] for i in range(len(whole)) if i not in chosen]
            if capacity.holds(used):
                cost = stream_cost(streamed, capacity - used)
                costs.append((cost, len(costs), chosen))
    return [chosen for _, _, chosen in sorted(costs)]


def stream_cost(streamed: Sequence[Room], left: Room) -> float:
    """Words a unit receives for an image, and tiles at their price; infinite without room."""
    cost = 0.0
    for room in streamed:
        tiles = 1.0
        for needed, available in ((room.words, left.words), (room.sections, left.sections)):
            if needed:
                tiles = max(tiles, needed / (available // 2) if available > 1 else float("inf"))
        cost += room.words + room.sections + _TILE_WORDS * tiles
    return cost


def _place(
    layers: Sequence[StoredFilters],
    whole: Sequence[tuple[Tile, ...]],
    resident: frozenset[int],
    capacity: Room,
) -> tuple[LayerPlacement, ...] | None:
    used = Room(0)
    kept: dict[int, list[Placement]] = {}
    for index in sorted(resident):
        kept[index] = []
        for tile in whole[index]:
            kept[index].append(Placement(tile, used))
            used += tile.room
    left = capacity - used
    half = Room(left.words // 2, left.sections // 2)
    second_half = False
    placements: list[LayerPlacement] = []
    for index, layer in enumerate(layers):
        if index in kept:
            placements.append(LayerPlacement(True, tuple(kept[index])))
            continue
        tiles = layer.tiles(half)
        if tiles is None:
            tiles = layer.tiles(left)
            if tiles is None:
                return None
            placements.append(LayerPlacement(False, tuple(Placement(t, used) for t in tiles)))
            continue
        halves: list[Placement] = []
        for tile in tiles:
            halves.append(Placement(tile, used + half if second_half else used))
            second_half = not second_half
        placements.append(LayerPlacement(False, tuple(halves)))
    return tuple(placements)

"""The driver's descriptor rings: which DMA descriptors stand where in memory for a program.

Each direction has one ring, in the order in which a program uses it, so that an image costs one
write of TAILDESC a direction and visit, and the last descriptor leads back to the first:

    MM2S   [set-up ...] -> visit 0 ... -> visit 1 ... -> (back to visit 0)
    S2MM                   visit 0 ... -> visit 1 ... -> (back to visit 0)
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cosim.descriptors import (
    DESCRIPTOR_BYTES,
    END_OF_FRAME,
    MAX_LENGTH_BYTES,
    START_OF_FRAME,
    Descriptor,
)
from cosim.errors import ScenarioError
from networks.program import Offload, Program, Transfer


@dataclass(frozen=True)
class Chain:
    """Descriptors of one direction of one visit, by address; `lengths_bytes` are the buffers'."""

    addresses_bytes: tuple[int, ...]
    lengths_bytes: tuple[int, ...]

    @property
    def tail_bytes(self) -> int:
        """Address of the last descriptor."""
        return self.addresses_bytes[-1]


@dataclass(frozen=True)
class Rings:
    """All chains of a program: `visits[i]` is (send, receive) of its i-th offload.

    `contents` are the descriptors' bytes by address; `end_bytes` is the first free address.
    """

    setup: Chain | None
    visits: tuple[tuple[Chain, Chain], ...]
    contents: dict[int, bytes]
    end_bytes: int

    @property
    def first_send_bytes(self) -> int:
        """Address of MM2S's first descriptor."""
        return (self.setup or self.visits[0][0]).addresses_bytes[0]

    @property
    def first_receive_bytes(self) -> int:
        """Address of S2MM's first descriptor."""
        return self.visits[0][1].addresses_bytes[0]


def build_rings(program: Program, base_bytes: int) -> Rings | None:
    """Places the rings from the first aligned address at or above `base_bytes`.

    None if the program never visits the accelerator. Raises ScenarioError on a transfer that one
    descriptor cannot describe.
    """
    offloads = [step for step in program.steps if isinstance(step, Offload)]
    if not offloads:
        return None
    builder = _Builder(-(-base_bytes // DESCRIPTOR_BYTES) * DESCRIPTOR_BYTES)
    setup = builder.place(program.setup) if program.setup else None
    sends = [builder.place(offload.send) for offload in offloads]
    receives = [builder.place(offload.receive) for offload in offloads]
    lead = [(setup, program.setup)] if setup is not None else []
    visits = list(zip(sends, (offload.send for offload in offloads), strict=True))
    builder.link([*lead, *visits], loop_bytes=sends[0].addresses_bytes[0], one_packet=True)
    returns = list(zip(receives, (offload.receive for offload in offloads), strict=True))
    builder.link(returns, loop_bytes=receives[0].addresses_bytes[0], one_packet=False)
    return Rings(
        setup, tuple(zip(sends, receives, strict=True)), builder.contents, builder.next_bytes
    )


class _Builder:
    def __init__(self, base_bytes: int) -> None:
        self.next_bytes = base_bytes
        self.contents: dict[int, bytes] = {}

    def place(self, transfers: Sequence[Transfer]) -> Chain:
        addresses = []
        for transfer in transfers:
            if (transfer.address_bytes | transfer.length_bytes) % 4 or not (
                0 < transfer.length_bytes <= MAX_LENGTH_BYTES
            ):
                raise ScenarioError(
                    f"transfer at 0x{transfer.address_bytes:08x} must be 1 to "
                    f"{MAX_LENGTH_BYTES // 4} whole words, not {transfer.length_bytes} bytes"
                )
            addresses.append(self.next_bytes)
            self.next_bytes += DESCRIPTOR_BYTES
        return Chain(tuple(addresses), tuple(t.length_bytes for t in transfers))

    def link(
        self,
        chains: Iterable[tuple[Chain, Sequence[Transfer]]],
        *,
        loop_bytes: int,
        one_packet: bool,
    ) -> None:
        """Writes the descriptors; each chain is one packet, or else each transfer is."""
        items = [
            (address, transfer, index == 0, index == len(transfers) - 1)
            for chain, transfers in chains
            for index, (address, transfer) in enumerate(
                zip(chain.addresses_bytes, transfers, strict=True)
            )
        ]
        for position, (address, transfer, first, last) in enumerate(items):
            following = items[position + 1][0] if position + 1 < len(items) else loop_bytes
            control = transfer.length_bytes
            if one_packet:
                control |= START_OF_FRAME if first else 0
                control |= END_OF_FRAME if last else 0
            descriptor = Descriptor(following, transfer.address_bytes, control)
            self.contents[address] = descriptor.pack()

"""The driver's descriptor rings."""

from dataclasses import replace

import pytest

from cosim import descriptors as layout
from cosim.chains import build_rings
from cosim.descriptors import Descriptor
from cosim.errors import ScenarioError
from networks.program import Offload, Transfer
from tests.cosim.fake_accelerator import make_program

BASE = 0x100000


def test_rings_follow_the_program_and_close() -> None:
    program = make_program(BASE)
    [offload] = program.steps
    assert isinstance(offload, Offload)
    program = replace(program, steps=(offload, offload))
    rings = build_rings(program, program.memory_bytes + 4)
    assert rings is not None
    descriptors = {a: Descriptor.unpack(data) for a, data in rings.contents.items()}
    assert all(address % 64 == 0 for address in descriptors)
    assert min(descriptors) >= program.memory_bytes + 4
    assert rings.end_bytes == max(descriptors) + 64

    walked = []
    address = rings.first_send_bytes
    for _ in range(1 + 2 * len(offload.send)):
        descriptor = descriptors[address]
        walked.append(Transfer(descriptor.buffer_bytes, descriptor.length_bytes))
        address = descriptor.next_bytes
    assert walked == [*program.setup, *offload.send, *offload.send]
    assert address == rings.visits[0][0].addresses_bytes[0]

    for send, receive in rings.visits:
        flags = [descriptors[a].control & ~layout.LENGTH_MASK for a in send.addresses_bytes]
        assert flags == [layout.START_OF_FRAME, layout.END_OF_FRAME]
        assert [descriptors[a].buffer_bytes for a in receive.addresses_bytes] == [
            offload.receive[0].address_bytes
        ]
    last_receive = rings.visits[-1][1].tail_bytes
    assert descriptors[last_receive].next_bytes == rings.first_receive_bytes


def test_a_program_without_visits_needs_no_rings() -> None:
    assert build_rings(replace(make_program(BASE), steps=()), BASE) is None


@pytest.mark.parametrize("transfer", [Transfer(BASE + 2, 64), Transfer(BASE, 6), Transfer(BASE, 0)])
def test_transfers_must_be_whole_words(transfer: Transfer) -> None:
    program = replace(make_program(BASE), setup=(transfer,))
    message = f"transfer at 0x{transfer.address_bytes:08x} must be 1 to 16777215 whole words"
    with pytest.raises(ScenarioError, match=message):
        build_rings(program, BASE)

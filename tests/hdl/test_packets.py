"""Packets: header layout and encode errors."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hdl.packets import MAX_PAYLOAD_WORDS, Destination, Header, packet


@given(
    destination=st.sampled_from(Destination),
    count=st.integers(1, MAX_PAYLOAD_WORDS),
    address=st.integers(0, 2**16 - 1),
    unit=st.integers(0, 255),
    fence=st.booleans(),
    repeat=st.booleans(),
)
def test_header_layout(
    destination: Destination, count: int, address: int, unit: int, fence: bool, repeat: bool
) -> None:
    """The layout drawn in the module's docstring, written out once more."""
    first, second = Header(destination, count, address, unit, fence, repeat).words()
    assert f"{first:032b}" == f"{destination:04b}00{repeat:b}{fence:b}{unit:08b}{0:016b}"
    assert f"{second:032b}" == f"{count - 1:016b}{address:016b}"


def test_packet_is_header_and_payload() -> None:
    header = Header(Destination.BIASES, 3, 7)
    assert packet(header, [1, -1, 2**32 - 1]) == [*header.words(), 1, 2**32 - 1, 2**32 - 1]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"count": 0}, "packet count must be 1 to 65536 words, not 0"),
        ({"count": 65537}, "packet count must be 1 to 65536 words, not 65537"),
        ({"address": 65536}, "packet address must fit 16 bits, not 65536"),
        ({"address": -1}, "packet address must fit 16 bits, not -1"),
        ({"unit": 256}, "packet unit must fit 8 bits, not 256"),
        ({"unit": -1}, "packet unit must fit 8 bits, not -1"),
    ],
)
def test_values_that_do_not_fit(values: dict[str, Any], message: str) -> None:
    header = Header(**{"destination": Destination.VALUES, "count": 1} | values)
    with pytest.raises(ValueError, match=message):
        header.words()


def test_payload_must_match_the_header() -> None:
    with pytest.raises(ValueError, match="payload must have 2 words, not 3"):
        packet(Header(Destination.VALUES, 2), [1, 2, 3])


def test_repeated_word_is_sent_once() -> None:
    header = Header(Destination.ACTIVATIONS, 500, 9, repeat=True)
    assert packet(header, [7]) == [*header.words(), 7]
    with pytest.raises(ValueError, match="payload must have 1 words, not 2"):
        packet(header, [7, 7])

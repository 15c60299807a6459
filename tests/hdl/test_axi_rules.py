"""The rule checkers find each way to break a rule, and accept what is allowed."""

import re
from typing import Any

import pytest

from hdl.bundles import AxiLite, AxiStream, bit
from tests.hdl.axi_rules import Handshake, LiteRules, lite_rules, stream_rules
from tests.hdl.bench import run


def test_accepts_waits_and_back_to_back_transfers() -> None:
    channel = Handshake("s")
    taken = [
        channel.observe(bool(valid), bool(ready), payload)
        for valid, ready, payload in [
            (0, 1, 0),
            (1, 0, 5),
            (1, 0, 5),
            (1, 1, 5),
            (1, 1, 6),
            (0, 0, 9),
        ]
    ]
    assert taken == [False, False, False, True, True, False]
    assert channel.transfers == 2


def play_stream(cycles: list[tuple[int, int, int, int]]) -> int:
    """Plays (valid, ready, data, last) cycles on a watched stream; returns the transfers."""
    clock, stream, channel = bit(), AxiStream(), Handshake("m_axis")

    def script() -> Any:
        for valid, ready, data, last in cycles:
            yield clock.negedge
            stream.tvalid.next, stream.tready.next = bool(valid), bool(ready)
            stream.tdata.next, stream.tlast.next = data, bool(last)
        yield clock.posedge

    run(clock, stream_rules(clock, stream, channel), script=script)
    return channel.transfers


def test_stream_accepts_a_held_beat() -> None:
    assert play_stream([(1, 0, 7, 1), (1, 1, 7, 1), (0, 1, 0, 0), (1, 1, 8, 0)]) == 2


@pytest.mark.parametrize(
    ("cycles", "message"),
    [
        ([(1, 0, 7, 0), (0, 0, 7, 0)], "m_axis must stay valid until it is taken"),
        ([(1, 0, 7, 0), (1, 1, 8, 0)], "m_axis must stay (7, False) until it is taken"),
        ([(1, 0, 7, 0), (1, 1, 7, 1)], "m_axis must stay (7, False) until it is taken"),
    ],
    ids=["dropped", "data", "last"],
)
def test_stream_finds_a_broken_rule(cycles: list[tuple[int, int, int, int]], message: str) -> None:
    with pytest.raises(AssertionError, match=re.escape(message)):
        play_stream(cycles)


@pytest.mark.parametrize(
    ("drive", "message"),
    [
        ({"bvalid": 1}, "B must come after AW and W"),
        ({"rvalid": 1}, "R must come after AR"),
        ({"awvalid": 1, "awready": 1, "bvalid": 1}, "B must come after AW and W"),
    ],
)
def test_lite_finds_a_response_without_request(drive: dict[str, int], message: str) -> None:
    clock, port = bit(), AxiLite()

    def script() -> Any:
        for name, value in drive.items():
            getattr(port, name).next = bool(value)
        for _ in range(3):
            yield clock.posedge

    with pytest.raises(AssertionError, match=message):
        run(clock, lite_rules(clock, port, LiteRules()), script=script)

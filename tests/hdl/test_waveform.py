"""WaveJSON says what the ports did, in the cycles in which most of them did something."""

import random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hdl.hierarchy import find_blocks
from hdl.port_recorder import PortRecorder
from hdl.waveform import WINDOW_CYCLES, BlockRecorder, busiest_window
from tests.conversion import register_slice
from tests.drivers import Pace, reset_source, simulate, stream_sink, stream_source


def decoded(row: dict[str, Any]) -> list[str]:
    """The value of every cycle of a WaveJSON row, as text."""
    data, values = iter(row.get("data", ())), []
    for letter in row["wave"]:
        values.append(values[-1] if letter == "." else next(data) if letter == "=" else letter)
    assert next(data, None) is None
    return values


@pytest.fixture(scope="module")
def recorded() -> tuple[PortRecorder, BlockRecorder, Any]:
    slice_ = register_slice.build()
    aclk, aresetn, s_axis, m_axis = slice_.args[:4]
    ports = PortRecorder(slice_)
    (item,) = find_blocks(slice_)
    blocks = BlockRecorder([item], aclk)
    random_ = random.Random(1)
    beats = [(random_.getrandbits(32), random_.random() < 0.5) for _ in range(40)]
    received: list[tuple[int, bool]] = []
    simulate(
        aclk,
        slice_,
        ports.process(),
        blocks.process(),
        reset_source(aclk, aresetn),
        stream_source(aclk, aresetn, s_axis, beats, Pace(0.6, 1)),
        stream_sink(aclk, m_axis, received, Pace(0.5, 2)),
        done=lambda: received == beats,
        limit_cycles=1000,
    )
    return ports, blocks, item


def test_rows_are_the_samples(recorded: tuple[PortRecorder, BlockRecorder, Any]) -> None:
    ports, blocks, item = recorded
    waveform = blocks.waveform(item)
    assert waveform.wave is not None
    clock, *groups = waveform.wave["signal"]
    assert clock == {"name": "aclk", "wave": "p" + "." * (WINDOW_CYCLES - 1)}
    assert [group[0] for group in groups] == ["in", "out"]
    rows = {row["name"]: decoded(row) for group in groups for row in group[1:]}
    window = slice(waveform.first_cycle, waveform.first_cycle + WINDOW_CYCLES)
    for index, port in enumerate(ports.ports):
        values = [sample[index] for sample in ports.samples[window]]
        if port.name in waveform.constant:
            assert len(set(values)) == 1
            continue
        shown = [int(text, 16) for text in rows.pop(port.name)]
        if port.name == "beats":  # signed, and so decimal
            shown = [int(f"{value:x}") & 0x3F for value in shown]
        assert shown == values
    assert rows == {}
    assert waveform.left_out == ()


def test_nothing_recorded() -> None:
    slice_ = register_slice.build()
    (item,) = find_blocks(slice_)
    with pytest.raises(ValueError, match="run must be 2 cycles or longer, not 0"):
        BlockRecorder([item], slice_.args[0]).waveform(item)


@given(st.integers(2, 40), st.integers(1, 4), st.integers(0, 1000))
def test_busiest_window(cycles: int, columns: int, seed: int) -> None:
    random_ = np.random.default_rng(seed)
    values = np.cumsum(random_.random((cycles, columns)) < 0.1, axis=0)
    length = min(WINDOW_CYCLES, cycles)

    def merit(first: int) -> tuple[int, int]:
        changes = values[first + 1 : first + length] != values[first : first + length - 1]
        return int(changes.any(axis=0).sum()), int(changes.sum())

    best = max(range(cycles - length + 1), key=merit)
    assert busiest_window(values) == best

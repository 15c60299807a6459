"""The conversion harness on a register slice: it passes equal runs and finds what differs."""

import random
from pathlib import Path

import pytest

from hdl.convert import Language
from hdl.port_recorder import PortRecorder, find_ports
from hdl.testbench import vector_lines, write_testbench
from tests.conversion import register_slice
from tests.conversion.harness import in_fresh_process, replay
from tests.drivers import Pace, reset_source, simulate, stream_sink, stream_source


def recorded_run(seed: int) -> PortRecorder:
    """A run of 60 beats with random gaps and back-pressure; checks that every beat came out."""
    slice_ = register_slice.build()
    aclk, aresetn, s_axis, m_axis = slice_.args[:4]
    recorder = PortRecorder(slice_)
    random_ = random.Random(seed)
    beats = [(random_.getrandbits(32), random_.random() < 0.2) for _ in range(60)]
    received: list[tuple[int, bool]] = []
    simulate(
        aclk,
        slice_,
        recorder.process(),
        reset_source(aclk, aresetn),
        stream_source(aclk, aresetn, s_axis, beats, Pace(0.6, seed)),
        stream_sink(aclk, m_axis, received, Pace(0.5, seed + 1)),
        done=lambda: len(received) == len(beats),
        limit_cycles=2000,
    )
    assert received == beats
    return recorder


@pytest.fixture(scope="module", params=["vhdl", "verilog"])
def emitted(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Language, tuple[Path, ...]]:
    language: Language = request.param
    directory = tmp_path_factory.mktemp(language)
    return language, in_fresh_process(register_slice.convert, language, directory)


def test_find_ports() -> None:
    ports = [
        (port.name, port.is_output, port.width_bits, port.single)
        for port in find_ports(register_slice.build())
    ]
    assert ports == [
        ("aclk", False, 1, True),
        ("aresetn", False, 1, True),
        ("s_axis_tdata", False, 32, False),
        ("s_axis_tvalid", False, 1, True),
        ("s_axis_tready", True, 1, True),
        ("s_axis_tlast", False, 1, True),
        ("m_axis_tdata", True, 32, False),
        ("m_axis_tvalid", True, 1, True),
        ("m_axis_tready", False, 1, True),
        ("m_axis_tlast", True, 1, True),
        ("level", True, 2, False),
        ("beats", True, 6, False),
    ]


def test_vector_lines() -> None:
    ports = PortRecorder(register_slice.build()).ports
    sample = (1, 0xDEADBEEF, 1, 0, 1, 0x12345678, 1, 0, 1, 2, 0b111110)
    (line,) = vector_lines(ports, [sample])
    inputs, outputs = line.split()
    assert int(inputs, 16) == 1 | 0xDEADBEEF << 1 | 1 << 33 | 1 << 34
    assert int(outputs, 16) == 0x12345678 << 1 | 1 << 33 | 1 << 34 | 2 << 35 | 0b111110 << 37


def test_replay_passes(emitted: tuple[Language, tuple[Path, ...]], tmp_path: Path) -> None:
    language, files = emitted
    recorder = recorded_run(seed=3)
    assert replay(files, recorder, language, tmp_path) == f"passed {len(recorder.samples)} cycles"


@pytest.mark.parametrize("port_name", ["m_axis_tdata", "s_axis_tready", "beats"])
def test_replay_finds_a_wrong_value(
    emitted: tuple[Language, tuple[Path, ...]], port_name: str, tmp_path: Path
) -> None:
    language, files = emitted
    recorder = recorded_run(seed=4)
    index = recorder.port_index(port_name)
    sample = list(recorder.samples[50])
    got = sample[index]
    sample[index] ^= 1
    recorder.samples[50] = tuple(sample)
    verdict = replay(files, recorder, language, tmp_path).lower()
    head, got_text = verdict.rsplit(" got ", 1)
    head, expected_text = head.rsplit(" expected ", 1)
    assert head == f"cycle 50 port {port_name}"
    assert (int(expected_text, 16), int(got_text, 16)) == (got ^ 1, got)


def test_replay_finds_a_changed_circuit(
    emitted: tuple[Language, tuple[Path, ...]], tmp_path: Path
) -> None:
    language, files = emitted
    changed = tmp_path / files[-1].name
    text = files[-1].read_text()
    old, new = {
        "vhdl": ("spare_last <= s_axis_tlast;", "spare_last <= '0';"),
        "verilog": ("spare_last <= s_axis_tlast;", "spare_last <= 0;"),
    }[language]
    assert old in text
    changed.write_text(text.replace(old, new))
    verdict = replay([*files[:-1], changed], recorded_run(seed=5), language, tmp_path)
    assert " port m_axis_tlast expected 1 got 0" in verdict


def test_empty_run(tmp_path: Path) -> None:
    recorder = PortRecorder(register_slice.build())
    with pytest.raises(
        ValueError, match="run of register_slice must be longer than 2 cycles, not 0"
    ):
        write_testbench(recorder, "vhdl", tmp_path)


def test_unknown_clock() -> None:
    with pytest.raises(ValueError, match="block register_slice must have a port clk"):
        PortRecorder(register_slice.build(), clock="clk")

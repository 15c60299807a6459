"""The fast engine against the RTL, port by port and cycle by cycle, in random traffic."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from cosim.engine import Inputs
from cosim.fast.engine import FastEngine
from cosim.stream import Beat
from hdl.accelerator import accelerator
from hdl.config import AcceleratorConfig
from hdl.packets import Destination, Header, packet
from hdl.ports import Ports
from hdl.registers import BY_NAME, REGISTERS
from tests.cosim.fast.random_jobs import MEMORIES, JobMaker, store_words
from tests.drivers import reset_source
from tests.hdl.bench import run

PERIOD_PS = 10_000


class Traffic:
    """Random traffic at the ports of both; each cycle's outputs are compared."""

    def __init__(self, config: AcceleratorConfig, beats: list[Beat], seed: int) -> None:
        self.config = config
        self.beats = beats
        self.random = np.random.default_rng(seed)
        self.ports = Ports(config)
        self.engine = FastEngine(config, PERIOD_PS)
        self.inputs = Inputs()
        self.cycle = 0
        self.place = 0

    def run(self, cycles: int, **paces: float) -> None:
        """Plays so many cycles; `paces`: how likely a beat, room or an access is in a cycle."""
        ports = self.ports

        def script() -> Iterator[Any]:
            yield ports.aresetn.posedge
            for _ in range(cycles):
                self.drive(**paces)
                yield ports.aclk.posedge
                self.compare()
                yield ports.aclk.negedge
                assert self.engine.interrupt() == bool(ports.interrupt), f"cycle {self.cycle}"

        run(
            ports.aclk,
            accelerator(**ports.arguments(), config=self.config),
            reset_source(ports.aclk, ports.aresetn),
            script=script,
            limit_cycles=cycles + 100,
        )

    def drive(self, beat: float, room: float, access: float, clear: float) -> None:
        """Draws what drives the ports in the next cycle."""
        ports, random, inputs = self.ports, self.random, self.inputs
        if inputs.beat is None and self.place < len(self.beats) and random.random() < beat:
            inputs.beat = self.beats[self.place]
        inputs.ready = bool(random.random() < room)
        if inputs.write is None and inputs.read is None and random.random() < access:
            offset = int(random.choice([register.offset for register in REGISTERS] + [0x7C, 2]))
            if random.random() < 0.5 and offset < 0x40:
                inputs.read = offset
            else:
                name = str(random.choice(["INTERRUPT_ENABLE", "INTERRUPT_STATUS", "VERSION"]))
                if random.random() < clear:
                    name = "CONTROL"
                inputs.write = BY_NAME[name].offset, int(random.integers(0, 4))
        s_axi, s_axis = ports.s_axi, ports.s_axis
        s_axi.awvalid.next = s_axi.wvalid.next = inputs.write is not None
        if inputs.write is not None:
            s_axi.awaddr.next, s_axi.wdata.next = inputs.write
        s_axi.wstrb.next = 15
        s_axi.bready.next = s_axi.rready.next = True
        s_axi.arvalid.next = inputs.read is not None
        if inputs.read is not None:
            s_axi.araddr.next = inputs.read
        s_axis.tvalid.next = inputs.beat is not None
        if inputs.beat is not None:
            s_axis.tdata.next, s_axis.tlast.next = inputs.beat
        ports.m_axis.tready.next = inputs.ready

    def compare(self) -> None:
        """Plays the cycle on the engine and compares all that the ports show."""
        ports, inputs = self.ports, self.inputs
        s_axi, m_axis, monitor = ports.s_axi, ports.m_axis, ports.monitor
        self.cycle += 1
        fast = self.engine.cycle(self.cycle * PERIOD_PS, inputs)
        wanted = {
            "write_taken": bool(s_axi.awvalid and s_axi.awready),
            "write_response": int(s_axi.bresp) if s_axi.bvalid else None,
            "read_taken": bool(s_axi.arvalid and s_axi.arready),
            "read_data": (int(s_axi.rdata), int(s_axi.rresp)) if s_axi.rvalid else None,
            "beat_taken": bool(ports.s_axis.tvalid and ports.s_axis.tready),
            "beat": Beat(int(m_axis.tdata), bool(m_axis.tlast)) if m_axis.tvalid else None,
        }
        found = {name: getattr(fast, name) for name in wanted}
        for name in ("job", "storing", "load", "store", "write"):
            found[name], wanted[name] = fast.monitor[name], int(getattr(monitor, name))
        assert found == wanted, f"cycle {self.cycle}"
        if wanted["write_taken"]:
            inputs.write = None
        if wanted["read_taken"]:
            inputs.read = None
        if wanted["beat_taken"]:
            inputs.beat = None
            self.place += 1


def overlapping_load(maker: JobMaker, registers: dict[str, int]) -> list[int]:
    """Activations for a part that the job neither reads nor writes: its output half's end."""
    config = maker.config
    words = config.activation_elements // config.lanes
    output = BY_NAME["JOB_ADDRESS"].decode(registers["JOB_ADDRESS"])["output"]
    # the last eighth of the memory before the input half begins again
    first = (output + config.activation_elements // 2 - 1) // config.lanes - 8
    header = Header(Destination.ACTIVATIONS, 6, first % words, repeat=bool(maker.pick(0, 1)))
    data = maker.random.integers(0, 1 << 32, 1 if header.repeat else 6)
    return packet(header, data.tolist())


def stream_of_jobs(
    config: AcceleratorConfig,
    seed: int,
    jobs: int,
    change: Callable[[dict[str, int]], None] | None = None,
) -> list[Beat]:
    """Jobs whose loads overlap, and what stores their results."""
    maker = JobMaker(config, seed, fenced=False)
    words: list[int] = []
    for _ in range(jobs):
        job = maker.job(spare=64)
        if change is not None:
            change(job.registers)
        words += job.loads + job.register_words()
        for _ in range(3):
            words += overlapping_load(maker, job.registers)
        words += store_words(config, job.output_word, job.output_words)
    return [Beat(word, False) for word in words[:-1]] + [Beat(words[-1], True)]


_ROWS: list[tuple[Any, Any, Any, int]] = [
    ("bitmap", 2, 8, 3), ("dense", 2, 16, 4), ("list", 1, 8, 3), ("list", 2, 32, 2),
]  # fmt: skip
CONFIGS = [
    pytest.param(
        AcceleratorConfig(kind=kind, lookahead=lookahead, bits=bits, units=units, **MEMORIES),
        id=f"{kind}{lookahead}-{bits}bits",
    )
    for kind, lookahead, bits, units in _ROWS
]


@pytest.mark.parametrize("config", CONFIGS)
def test_all_ports_in_random_traffic(config: AcceleratorConfig) -> None:
    traffic = Traffic(config, stream_of_jobs(config, 3, 3), seed=4)
    traffic.run(3000, beat=0.9, room=0.6, access=0.03, clear=0.0)
    assert len(traffic.engine.jobs) >= 4


class Clearing(Traffic):
    """Clears in the middle of multiplications; then all is sent again."""

    wait_cycles = 0

    def drive(self, beat: float, room: float, access: float, clear: float) -> None:
        """Draws what drives the ports in the next cycle."""
        ports, inputs = self.ports, self.inputs
        self.wait_cycles = max(0, self.wait_cycles - 1)
        super().drive(0.0 if self.wait_cycles else beat, room, access, 0.0)
        idle = inputs.write is None and inputs.read is None
        if idle and ports.monitor.multiply and self.random.random() < clear:
            inputs.write, inputs.beat = (BY_NAME["CONTROL"].offset, 1), None
            ports.s_axi.awvalid.next = ports.s_axi.wvalid.next = True
            ports.s_axi.awaddr.next, ports.s_axi.wdata.next = inputs.write
            ports.s_axis.tvalid.next = False
            self.wait_cycles, self.place = 6, 0


def fine_results(registers: dict[str, int]) -> None:
    """Makes a job round so little that its 16-bit results show every product."""
    registers["JOB_SCALE"] = BY_NAME["JOB_SCALE"].encode(shift=22)
    registers["JOB_LOW"], registers["JOB_HIGH"] = 0x8000, 0x7FFF


@pytest.mark.parametrize("kind", ["bitmap", "dense", "list"])
def test_clears_in_jobs(kind: Any) -> None:
    """A job that is cut short leaves nothing behind that the next one shows."""
    config = AcceleratorConfig(kind=kind, bits=16, units=2, **MEMORIES)
    traffic = Clearing(config, stream_of_jobs(config, 1, 2, change=fine_results), seed=2)
    traffic.run(1500, beat=1.0, room=1.0, access=0.0, clear=0.012)
    assert len(traffic.engine.jobs) > 2


@pytest.mark.parametrize("seed", range(2))
def test_bad_packets_and_clears(seed: int) -> None:
    """Errors stop the loader until a clear, wherever it falls."""
    config = AcceleratorConfig(kind="dense", units=2, **MEMORIES)
    beats = stream_of_jobs(config, seed, 2)
    random = np.random.default_rng(seed)
    bad = [
        Beat(beat.data, bool(random.random() < 0.02)) if index % 97 > 90 else beat
        for index, beat in enumerate(beats)
    ]
    no_jobs = [Beat(word, last) for word, last in bad if not word >> 28 == Destination.REGISTERS]
    traffic = Traffic(config, no_jobs, seed)
    traffic.run(1500, beat=0.9, room=0.5, access=0.1, clear=0.1)

"""The converted accelerator on the AXI models of cocotbext-axi; runs inside an HDL simulator.

`tests.conversion.test_axi` starts it, with the case in the environment (`Case`). What drives the
ports is not ours: nothing is shared with the drivers of the MyHDL tests.
"""

import itertools
import os
import random
from collections.abc import Callable, Iterator
from typing import ClassVar

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.handle import SimHandleBase
from cocotb.triggers import ClockCycles, ReadOnly, RisingEdge, with_timeout
from cocotbext.axi import (
    AxiLiteBus,
    AxiLiteMaster,
    AxiResp,
    AxiStreamBus,
    AxiStreamFrame,
    AxiStreamSink,
    AxiStreamSource,
)
from pydantic import BaseModel, ConfigDict

from hdl.config import AcceleratorConfig
from hdl.packets import (
    COUNT_LOW,
    DESTINATION_LOW,
    HEADER_WORDS,
    WORD_BYTES,
    Destination,
    Header,
    packet,
)
from hdl.registers import BY_NAME, ERROR_UNKNOWN_DESTINATION, JOB_REGISTERS
from networks import reference
from networks.program import Offload
from networks.schedule import compile_network
from tests.conversion.accelerator_run import MEMORY_BASE_BYTES, random_image, random_network
from tests.hdl.axi_rules import Handshake
from tests.hdl.program_memory import ProgramMemory

PERIOD_NS = 10
INPUTS = (
    *("aresetn", "s_axis_tdata", "s_axis_tvalid", "s_axis_tlast", "m_axis_tready"),
    *("s_axi_awaddr", "s_axi_awvalid", "s_axi_wdata", "s_axi_wstrb", "s_axi_wvalid"),
    *("s_axi_bready", "s_axi_araddr", "s_axi_arvalid", "s_axi_rready"),
)
TIMEOUT_US = 1000


class Case(BaseModel):
    """What to run; `pause` is the probability that a side of a channel waits in a cycle."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    config: AcceleratorConfig
    seed: int
    pause: float

    VARIABLE: ClassVar[str] = "AXI_BENCH_CASE"


def pauses(probability: float, seed: int) -> Iterator[bool]:
    """An endless, repeatable sequence of pauses."""
    random_ = random.Random(seed)
    return (random_.random() < probability for _ in itertools.count())


class Bench:
    """The accelerator with a master, a source and a sink, all of them pausing at random.

    `running_cycles` counts the cycles of `monitor.job`. The channels that the accelerator drives
    are checked for the handshake rules in every cycle.
    """

    def __init__(self, top: SimHandleBase, case: Case) -> None:
        self.top = top
        # in the wrapper for Vivado the monitor is one level below
        self.monitor_job = getattr(top, "inner", top).monitor_job
        reset = {"reset": top.aresetn, "reset_active_level": False}
        self.master = AxiLiteMaster(AxiLiteBus.from_prefix(top, "s_axi"), top.aclk, **reset)
        self.source = AxiStreamSource(AxiStreamBus.from_prefix(top, "s_axis"), top.aclk, **reset)
        self.sink = AxiStreamSink(AxiStreamBus.from_prefix(top, "m_axis"), top.aclk, **reset)
        write, read = self.master.write_if, self.master.read_if
        ends = (write.aw_channel, write.w_channel, write.b_channel, read.ar_channel, read.r_channel)
        for index, end in enumerate((*ends, self.source, self.sink)):
            end.set_pause_generator(pauses(case.pause, 16 * case.seed + index))
        self.running_cycles = 0
        self.results = Handshake("m_axis")
        cocotb.start_soon(self._watch())

    async def _watch(self) -> None:
        top = self.top
        channels: list[tuple[Handshake, SimHandleBase, SimHandleBase, Callable[[], object]]] = [
            (
                self.results,
                top.m_axis_tvalid,
                top.m_axis_tready,
                lambda: (int(top.m_axis_tdata.value), int(top.m_axis_tlast.value)),
            ),
            (
                Handshake("s_axi B"),
                top.s_axi_bvalid,
                top.s_axi_bready,
                lambda: int(top.s_axi_bresp.value),
            ),
            (
                Handshake("s_axi R"),
                top.s_axi_rvalid,
                top.s_axi_rready,
                lambda: (int(top.s_axi_rdata.value), int(top.s_axi_rresp.value)),
            ),
        ]
        while True:
            await RisingEdge(top.aclk)
            self.running_cycles += bool(self.monitor_job.value)
            for channel, valid, ready, payload in channels:
                is_valid = bool(valid.value)
                # data may be undefined in simulation while it is not valid
                channel.observe(is_valid, bool(ready.value), payload() if is_valid else None)

    async def read(self, name: str) -> int:
        """A register's word; the response must be OKAY."""
        answer = await self.master.read(BY_NAME[name].offset, WORD_BYTES)
        assert answer.resp == AxiResp.OKAY, f"read of {name}: {answer.resp!r}"
        return int.from_bytes(answer.data, "little")

    async def write(self, name: str, word: int) -> None:
        """Writes a register; the response must be OKAY."""
        data = word.to_bytes(WORD_BYTES, "little")
        answer = await self.master.write(BY_NAME[name].offset, data)
        assert answer.resp == AxiResp.OKAY, f"write of {name}: {answer.resp!r}"

    async def status(self) -> dict[str, int]:
        """The fields of STATUS."""
        return BY_NAME["STATUS"].decode(await self.read("STATUS"))

    async def until(self, **wanted: int) -> None:
        """Polls STATUS until its fields are as wanted."""
        status = await self.status()
        while any(status[name] != value for name, value in wanted.items()):
            status = await self.status()

    async def send(self, words: list[int]) -> None:
        """Streams words, TLAST on the last one, and waits until they are taken."""
        data = np.array(words, dtype="<u4").tobytes()
        await self.source.send(AxiStreamFrame(data))
        await self.source.wait()

    async def receive(self) -> list[int]:
        """The words of one result stream, up to TLAST."""
        frame = await self.sink.recv()
        return [int(word) for word in np.frombuffer(bytes(frame.tdata), dtype="<u4")]


class Network:
    """A compiled random network with an image in memory, and what must come out."""

    def __init__(self, case: Case) -> None:
        graph = random_network(case.seed)
        image = random_image(graph, case.seed + 1)
        program = compile_network(graph, case.config, memory_base_bytes=MEMORY_BASE_BYTES)
        self.expected = reference.run(graph, image[None])[0]
        self.memory = ProgramMemory(program)
        self.memory.write_image(image)
        self.setup = program.setup
        self.offloads: list[Offload] = []
        for step in program.steps:
            assert isinstance(step, Offload), f"layer {step.layer} must run on the accelerator"
            self.offloads.append(step)
        self.job_count = sum(len(offload.jobs) for offload in self.offloads)

    def check_result(self) -> None:
        """Compares what the memory holds with the reference."""
        np.testing.assert_array_equal(self.memory.result()[:, 0, 0], self.expected)


def packets(words: list[int]) -> Iterator[list[int]]:
    """The packets of a stream, one after the other."""
    while words:
        length = HEADER_WORDS + (words[1] >> COUNT_LOW) + 1
        yield words[:length]
        words = words[length:]


async def start_bench(top: SimHandleBase) -> tuple[Bench, Case]:
    """The accelerator after reset, and the case to run on it."""
    case = Case.model_validate_json(os.environ[Case.VARIABLE])
    # VHDL's signals are undefined until they are driven, which the models do not expect
    for name in INPUTS:
        getattr(top, name).value = 0
    cocotb.start_soon(Clock(top.aclk, PERIOD_NS, unit="ns").start())
    await ClockCycles(top.aclk, 4)
    bench = Bench(top, case)
    await ClockCycles(top.aclk, 2)
    top.aresetn.value = 1
    await ClockCycles(top.aclk, 2)
    version = BY_NAME["VERSION"].decode(await bench.read("VERSION"))
    assert (version["units"], version["bits"]) == (case.config.units, case.config.bits)
    return bench, case


async def send_jobs_by_bus(bench: Bench, words: list[int]) -> int:
    """Sends packets, but writes (and reads back) job registers over s_axi; how many it wrote."""
    names = {register.offset: register.name for register in JOB_REGISTERS}
    written = 0
    for part in packets(words):
        if part[0] >> DESTINATION_LOW != Destination.REGISTERS:
            await bench.send(part)
            continue
        await bench.until(busy=0, loading=0)
        first = (part[1] & 0xFFFF) * WORD_BYTES
        for index, word in enumerate(part[HEADER_WORDS:]):
            name = names[first + WORD_BYTES * index]
            await bench.write(name, word)
            assert name == "JOB_COMMAND" or await bench.read(name) == word
            written += 1
    return written


async def check_counters(bench: Bench, network: Network) -> None:
    """Counters and interrupt after a network's run; acknowledges the interrupt."""
    assert await bench.read("JOBS") == network.job_count
    assert await bench.read("CYCLES") == bench.running_cycles > 0
    assert await bench.status() == {"busy": 0, "loading": 0, "failed": 0}
    assert await bench.read("ERROR") == 0
    if not bench.top.interrupt.value:
        await with_timeout(RisingEdge(bench.top.interrupt), TIMEOUT_US, "us")
    done = BY_NAME["INTERRUPT_STATUS"].encode(done=1)
    assert await bench.read("INTERRUPT_STATUS") == done
    await bench.write("INTERRUPT_STATUS", done)
    assert await bench.read("INTERRUPT_STATUS") == 0
    assert not bench.top.interrupt.value


@cocotb.test(timeout_time=TIMEOUT_US, timeout_unit="us")
async def network_over_the_stream(top: SimHandleBase) -> None:
    """Packets start the jobs, as with the DMA of a system; registers are read meanwhile."""
    bench, case = await start_bench(top)
    network = Network(case)
    await bench.write("INTERRUPT_ENABLE", BY_NAME["INTERRUPT_ENABLE"].encode(done=1, error=1))
    seen_busy = False
    if network.setup:
        await bench.send(network.memory.words(network.setup))
    for offload in network.offloads:
        sending = cocotb.start_soon(bench.send(network.memory.words(offload.send)))
        for transfer in offload.receive:
            receiving = cocotb.start_soon(bench.receive())
            while not receiving.done():
                seen_busy |= bool((await bench.status())["busy"])
            network.memory.receive(transfer, receiving.result())
        await sending
        await bench.until(busy=0, loading=0)
    assert seen_busy
    network.check_result()
    await check_counters(bench, network)


@cocotb.test(timeout_time=TIMEOUT_US, timeout_unit="us")
async def jobs_from_the_bus(top: SimHandleBase) -> None:
    """The same network, but the host writes the job registers, and reads them back, over s_axi."""
    bench, case = await start_bench(top)
    network = Network(case)
    await bench.write("INTERRUPT_ENABLE", BY_NAME["INTERRUPT_ENABLE"].encode(done=1))
    written = await send_jobs_by_bus(bench, network.memory.words(network.setup))
    for offload in network.offloads:
        written += await send_jobs_by_bus(bench, network.memory.words(offload.send))
        for transfer in offload.receive:
            network.memory.receive(transfer, await bench.receive())
    assert written >= network.job_count
    await bench.until(busy=0, loading=0)
    network.check_result()
    await check_counters(bench, network)


@cocotb.test(timeout_time=TIMEOUT_US, timeout_unit="us")
async def errors_and_clear(top: SimHandleBase) -> None:
    """Refused accesses answer SLVERR, change nothing; a bad packet stops the loader until clear."""
    bench, _ = await start_bench(top)
    master = bench.master
    unknown = max(register.offset for register in BY_NAME.values()) + 4
    enable = BY_NAME["INTERRUPT_ENABLE"].encode(error=1)
    await bench.write("INTERRUPT_ENABLE", enable)
    assert (await master.read(unknown, 4)).resp == AxiResp.SLVERR
    assert (await master.write(unknown, bytes(4))).resp == AxiResp.SLVERR
    for name, register in BY_NAME.items():
        if register.access == "ro":
            assert (await master.write(register.offset, bytes(4))).resp == AxiResp.SLVERR, name
    partial = await master.write(BY_NAME["INTERRUPT_ENABLE"].offset, bytes(1))
    assert partial.resp == AxiResp.SLVERR
    assert await bench.read("INTERRUPT_ENABLE") == enable

    biases = packet(Header(Destination.BIASES, 3), [5, 6, 7])
    unused = max(Destination) + 1
    sending = cocotb.start_soon(bench.send([*biases, unused << DESTINATION_LOW, 0, *biases]))
    if not top.interrupt.value:
        await RisingEdge(top.interrupt)
    await bench.until(failed=1)
    assert await bench.read("ERROR") == ERROR_UNKNOWN_DESTINATION
    error = BY_NAME["INTERRUPT_STATUS"].encode(error=1)
    assert await bench.read("INTERRUPT_STATUS") == error
    await ClockCycles(top.aclk, 50)
    assert not sending.done(), "a failed loader must take nothing more"
    await bench.write("CONTROL", BY_NAME["CONTROL"].encode(clear=1))
    await sending
    await bench.until(failed=0, loading=0)
    assert await bench.read("ERROR") == 0
    assert await bench.read("INTERRUPT_STATUS") == 0
    await ReadOnly()
    assert not top.interrupt.value

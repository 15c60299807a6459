"""The driver on the host: sets the accelerator up once, then runs a program for every image."""

import math
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from simpy import Environment, Event

from cosim import descriptors as layout
from cosim.board import BusConfig, HostConfig
from cosim.chains import Chain, Rings
from cosim.devices import AcceleratorDevice, DmaDevice
from cosim.errors import SimulationError
from cosim.host import Host
from cosim.interrupt import InterruptLine
from cosim.units import ns_to_ps
from hdl.config import AcceleratorConfig
from hdl.registers import BY_NAME, KIND_CODES
from networks import reference
from networks.graph import LayerGraph
from networks.program import HostStep, LayerInfo, Offload, Program

NoticeMode = Literal["interrupt", "polling"]


@dataclass(frozen=True)
class ImageResult:
    """One image: its logits in true channel order, the winner, and start and end of its run."""

    logits: tuple[int, ...]
    prediction: int
    start_ps: int
    end_ps: int


@dataclass(frozen=True)
class Lines:
    """Interrupt lines the driver knows."""

    accelerator: InterruptLine
    mm2s: InterruptLine
    s2mm: InterruptLine


@dataclass(frozen=True)
class Work:
    """What the driver runs: a program and its descriptor rings, for a graph on an accelerator."""

    program: Program
    rings: Rings | None
    graph: LayerGraph
    config: AcceleratorConfig


class Driver:
    """Runs a program on the accelerator and its host layers on the host.

    `waiting_for` says what the driver waits for now, None while it does not. `setup_ps` is None
    until set-up is done, then how long it took. `on_phase` is called after set-up and after
    each image. Its methods are processes; they raise SimulationError when the hardware reports an
    error or returns what the program does not say.
    """

    def __init__(
        self,
        env: Environment,
        host: Host,
        bus: BusConfig,
        lines: Lines,
        work: Work,
        *,
        mode: NoticeMode,
        on_phase: Callable[[], None],
    ) -> None:
        self.env = env
        self.waiting_for: str | None = None
        self.results: list[ImageResult] = []
        self.setup_ps: int | None = None
        self._host = host
        self._lines = lines
        self._work = work
        self._program = work.program
        self._accelerator = AcceleratorDevice(host, bus.accelerator_base_bytes)
        self._sender = DmaDevice(host, "MM2S", bus.dma_base_bytes)
        self._receiver = DmaDevice(host, "S2MM", bus.dma_base_bytes + layout.S2MM_BASE)
        self._on_phase = on_phase
        self._interrupts = mode == "interrupt"
        self._threshold = 0

    def run(self, images: NDArray[np.int64]) -> Generator[Event, Any, None]:
        """Process: set-up, then every image `(images, channels, height, width)` in turn."""
        rings = self._work.rings
        if rings is not None:
            yield from self._set_up(rings)
        self.setup_ps = int(self.env.now)
        self._on_phase()
        for image in images:
            yield from self._run_image(image)
            self._on_phase()
        if rings is not None:
            # The accelerator's own count must be what the program has started.
            steps = [step for step in self._program.steps if isinstance(step, Offload)]
            started = len(images) * sum(len(step.jobs) for step in steps)
            finished = yield from self._accelerator.read("JOBS")
            if finished != started:
                raise SimulationError(f"JOBS of the accelerator must be {started}, not {finished}")

    def _set_up(self, rings: Rings) -> Generator[Event, Any, None]:
        host, config = self._host, self._work.config
        expected = {
            "units": config.units,
            "bits": config.bits,
            "kind": KIND_CODES[config.kind],
        }
        yield from self._accelerator.expect("VERSION", expected)
        yield from self._accelerator.write("CONTROL", BY_NAME["CONTROL"].encode(clear=1))
        for address_bytes, data in rings.contents.items():
            yield from host.work("descriptors", "descriptor", host.config.descriptor_cycles)
            yield from host.flush(address_bytes, data, "descriptor")
        yield from self._sender.start(rings.first_send_bytes, self._control(1))
        yield from self._receiver.start(rings.first_receive_bytes, self._control(1))
        yield from self._expect_packets(len(rings.visits[0][1].addresses_bytes))
        if rings.setup is not None:
            yield from self._send_setup(rings.setup)
        if self._interrupts:
            enable = BY_NAME["INTERRUPT_ENABLE"].encode(done=1, error=1)
            yield from self._accelerator.write("INTERRUPT_ENABLE", enable)

    def _control(self, threshold: int, *, notice: bool = False) -> int:
        """DMACR of a running channel; `notice`: it interrupts after `threshold` packets."""
        control = layout.CONTROL_RUN | threshold << layout.CONTROL_THRESHOLD_LOW
        if self._interrupts:
            control |= layout.CONTROL_ERROR_ENABLE | (layout.CONTROL_IOC_ENABLE if notice else 0)
        return control

    def _send_setup(self, chain: Chain) -> Generator[Event, Any, None]:
        if self._interrupts:
            yield from self._sender.control(self._control(1, notice=True))
        yield from self._sender.advance(chain.tail_bytes)
        self.waiting_for = f"{sum(chain.lengths_bytes)} bytes of set-up to be sent"
        sent = False
        while not sent:
            yield from self._notice((self._lines.mm2s,))
            sent = yield from self._sender.acknowledge()
        self.waiting_for = None
        if self._interrupts:
            # of the images' packets only the results are waited for
            yield from self._sender.control(self._control(1))

    def _notice(self, lines: tuple[InterruptLine, ...]) -> Generator[Event, Any, None]:
        """Process: until one of the lines may have something to say."""
        host = self._host
        if self._interrupts:
            yield from host.take_interrupt(lines)
        else:
            yield from host.work("notice", "poll interval", host.config.poll_interval_cycles)

    def _run_image(self, image: NDArray[np.int64]) -> Generator[Event, Any, None]:
        host, program = self._host, self._program
        start_ps = int(self.env.now)
        yield from host.spend("call", "call", ns_to_ps(host.config.call_ns))
        yield from host.work("input", "quantise", image.size * host.config.quantise_element_cycles)
        yield from host.flush(program.input.address_bytes, program.input.encode(image), "input")
        visit = 0
        for step in program.steps:
            if isinstance(step, Offload):
                yield from self._offload(step, visit)
                visit += 1
            else:
                yield from self._run_host_layer(step)
        output = program.output
        data = yield from host.fetch(output.address_bytes, output.length_bytes, "logits")
        logits = tuple(int(value) for value in output.decode(data).reshape(-1))
        yield from host.work("result", "logits", len(logits) * host.config.result_element_cycles)
        prediction = int(np.argmax(logits))
        self.results.append(ImageResult(logits, prediction, start_ps, int(self.env.now)))

    def _offload(self, offload: Offload, visit: int) -> Generator[Event, Any, None]:
        assert self._work.rings is not None
        host = self._host
        send, receive = self._work.rings.visits[visit]
        for address_bytes in (*receive.addresses_bytes, *send.addresses_bytes):
            # The DMA refuses a descriptor that is still marked complete.
            yield from host.work("descriptors", "descriptor", host.config.descriptor_cycles)
            status_bytes = address_bytes + layout.STATUS_OFFSET_BYTES
            yield from host.flush(status_bytes, bytes(4), "descriptor")
        yield from self._expect_packets(len(receive.addresses_bytes))
        yield from self._receiver.advance(receive.tail_bytes)
        yield from self._sender.advance(send.tail_bytes)
        names = ", ".join(self._program.layers[index].name for index in offload.layers)
        self.waiting_for = f"the results of {names}"
        yield from self._wait_results()
        self.waiting_for = None
        for address_bytes, length_bytes in zip(
            receive.addresses_bytes, receive.lengths_bytes, strict=True
        ):
            yield from self._check_received(address_bytes, length_bytes, names)

    def _expect_packets(self, packets: int) -> Generator[Event, Any, None]:
        """Process: one S2MM interrupt for all packets, or one each if they are too many."""
        threshold = packets if packets <= layout.CONTROL_THRESHOLD_MAX else 1
        if threshold != self._threshold:
            yield from self._receiver.control(self._control(threshold, notice=True))
            self._threshold = threshold

    def _wait_results(self) -> Generator[Event, Any, None]:
        """Until the accelerator has reported the last job and the DMA that all results arrived."""
        lines, interrupts = self._lines, self._interrupts
        computed = received = False
        while not (computed and received):
            yield from self._notice((lines.accelerator, lines.mm2s, lines.s2mm))
            if lines.accelerator.high or not interrupts:
                computed |= yield from self._accelerator.acknowledge()
            if lines.mm2s.high or not interrupts:
                yield from self._sender.acknowledge()
            if lines.s2mm.high or not interrupts:
                received |= yield from self._receiver.acknowledge()

    def _check_received(
        self, address_bytes: int, length_bytes: int, names: str
    ) -> Generator[Event, Any, None]:
        host = self._host
        yield from host.work("descriptors", "check", host.config.descriptor_cycles)
        data = yield from host.fetch(address_bytes, layout.DESCRIPTOR_USED_BYTES, "descriptor")
        status = layout.Descriptor.unpack(data).status
        moved_bytes = status & layout.LENGTH_MASK
        complete = status & layout.COMPLETE and status & layout.END_OF_FRAME
        if not complete or moved_bytes != length_bytes:
            raise SimulationError(
                f"result of {names} must be one packet of {length_bytes} bytes, "
                f"not {moved_bytes} bytes (descriptor status 0x{status:08x})"
            )

    def _run_host_layer(self, step: HostStep) -> Generator[Event, Any, None]:
        host, info = self._host, self._program.layers[step.layer]
        target = step.output
        tensors = []
        for source in step.inputs:
            data = yield from host.fetch(source.address_bytes, source.length_bytes, source.name)
            tensors.append(source.decode(data)[None])
        result = reference.run_layer(self._work.graph.layer(info.name), *tensors)[0]
        yield from host.work("layers", info.name, host_layer_cycles(host.config, info, step))
        yield from host.flush(target.address_bytes, target.encode(result), target.name)


def host_layer_cycles(costs: HostConfig, info: LayerInfo, step: HostStep) -> int:
    """Host cycles of a layer for one image: its MACs, and each element in and out."""
    elements = sum(math.prod(buffer.shape_nhwc) for buffer in (*step.inputs, step.output))
    return host_step_cycles(costs, info.macs_dense, elements)


def host_step_cycles(costs: HostConfig, macs: int, elements: int) -> int:
    """Host cycles of so many MACs, and elements in and out."""
    return round(macs * costs.layer_mac_cycles + elements * costs.layer_element_cycles)

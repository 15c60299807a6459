"""Tops for synthesis: a design behind registers, so that only paths between registers count.

    scan_in ──> chain of registers ──> inputs of the design, outputs ──> registers ──> captured

One pin feeds all inputs, so that any design fits the package; the registers have no logic before
them, belong to nobody's area (`hdl.area`) and stand for the neighbours in a system. The monitor is
left open and trimmed.
"""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

from myhdl import ConcatSignal, ResetSignal, Signal, always, always_comb, block, concat

from hdl import bit_operations, convert
from hdl.accelerator import accelerator
from hdl.bundles import (
    ActivationWrite,
    Job,
    LoadWrite,
    Monitor,
    Status,
    StoreRead,
    bit,
    word,
)
from hdl.config import AcceleratorConfig
from hdl.core import core
from hdl.elaboration import elaborate
from hdl.ports import Ports

Scope = Literal["accelerator", "core"]
"""The whole accelerator, or the part without the bus front end."""

TOP_NAME = "measured"

Instance = tuple[Callable[..., Any], list[Signal], list[Signal], dict[str, Any]]
"""A top, its inputs and outputs behind registers, and the other arguments of the design."""


@block
def scan_bit(chain, signal, *, index):
    """A signal of one bit that follows bit `index` of the chain."""

    @always_comb
    def comb_bit():
        signal.next = chain[index]

    return comb_bit


@block
def scan_word(chain, signal, *, low):
    """A signal that follows the bits of the chain from `low` on."""
    high = low + len(signal)

    @always_comb
    def comb_word():
        signal.next = chain[high:low]

    return comb_word


@block
def registered(clock, scan_in, captured, inputs, outputs):
    """Drives `inputs` from the scan chain, lowest bits first, and registers `outputs`."""
    chain = word(sum(len(signal) for signal in inputs))
    last = len(chain) - 1
    joined = ConcatSignal(*outputs)
    taps = []
    low = 0
    for signal in inputs:
        if isinstance(signal.val, bool) or isinstance(signal, ResetSignal):
            taps.append(scan_bit(chain, signal, index=low))
        else:
            taps.append(scan_word(chain, signal, low=low))
        low += len(signal)

    @always(clock.posedge)
    def seq_chain():
        chain.next = concat(chain[last:], scan_in)

    @always(clock.posedge)
    def seq_captured():
        captured.next = joined

    return taps, seq_chain, seq_captured


@block
def measured_core(clock, scan_in, captured, *, config, inputs, outputs, arguments):
    """The core behind registers."""
    inside = core(clock, **arguments, config=config, operations=bit_operations.SYNTHESIS)
    return inside, registered(clock, scan_in, captured, inputs, outputs)


@block
def measured_accelerator(clock, scan_in, captured, *, config, inputs, outputs, arguments):
    """The whole accelerator behind registers."""
    inside = accelerator(clock, **arguments, config=config, operations=bit_operations.SYNTHESIS)
    return inside, registered(clock, scan_in, captured, inputs, outputs)


def _signals(bundle: object, *names: str) -> list[Signal]:
    """Signals of a bundle: those named, or all."""
    return [getattr(bundle, name) for name in names or vars(bundle)]


def _core_instance(config: AcceleratorConfig) -> Instance:
    reset = ResetSignal(0, active=1, isasync=False)
    start, stored, store_start, load_ready, interrupt, job_running = (bit() for _ in range(6))
    error = word(8)
    job, load, load_write = Job(config), LoadWrite(config), ActivationWrite(config)
    store_read, status = StoreRead(config), Status()
    inputs = [
        reset,
        start,
        stored,
        error,
        *_signals(job),
        *_signals(load),
        *_signals(load_write),
        *_signals(store_read, "enable", "address"),
        *_signals(status, "enable", "acknowledge"),
    ]
    outputs = [
        store_start,
        load_ready,
        interrupt,
        job_running,
        store_read.data,
        *_signals(status, "busy", "error", "interrupts", "cycles", "jobs"),
    ]
    arguments = {
        "reset": reset,
        "start": start,
        "stored": stored,
        "store_start": store_start,
        "job": job,
        "load": load,
        "load_write": load_write,
        "load_ready": load_ready,
        "store_read": store_read,
        "status": status,
        "error": error,
        "interrupt": interrupt,
        "job_running": job_running,
        "monitor": Monitor(config),
    }
    return measured_core, inputs, outputs, arguments


def _accelerator_instance(config: AcceleratorConfig) -> Instance:
    ports = Ports(config)
    axi = ports.s_axi
    inputs = [
        ports.aresetn,
        *_signals(axi, "awaddr", "awvalid", "wdata", "wstrb", "wvalid", "bready"),
        *_signals(axi, "araddr", "arvalid", "rready"),
        *_signals(ports.s_axis, "tdata", "tvalid", "tlast"),
        ports.m_axis.tready,
    ]
    outputs = [
        *_signals(axi, "awready", "wready", "bresp", "bvalid"),
        *_signals(axi, "arready", "rdata", "rresp", "rvalid"),
        ports.s_axis.tready,
        *_signals(ports.m_axis, "tdata", "tvalid", "tlast"),
        ports.interrupt,
    ]
    arguments = {name: port for name, port in ports.arguments().items() if name != "aclk"}
    return measured_accelerator, inputs, outputs, arguments


def emit(config: AcceleratorConfig, scope: Scope, directory: Path) -> Path:
    """Writes the top's Verilog into `directory`; once a process, MyHDL numbers across calls."""
    make = _core_instance if scope == "core" else _accelerator_instance
    top, inputs, outputs, arguments = make(config)
    captured = word(sum(len(signal) for signal in outputs))
    parameters = {"config": config, "inputs": inputs, "outputs": outputs, "arguments": arguments}
    instance = elaborate(top, bit(), bit(), captured, **parameters)
    (file,) = convert.emit(instance, "verilog", directory, TOP_NAME)
    return file


def _main(arguments: Sequence[str]) -> None:
    scope, directory = arguments
    config = AcceleratorConfig.model_validate_json(sys.stdin.read())
    wanted: Scope = next(item for item in get_args(Scope) if item == scope)
    print(emit(config, wanted, Path(directory)))


if __name__ == "__main__":
    _main(sys.argv[1:])

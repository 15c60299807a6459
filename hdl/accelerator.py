"""The top: an accelerator with AXI4-Lite and AXI4-Stream ports, an interrupt line and a monitor."""

from myhdl import ResetSignal, always_comb, block

from hdl import bit_operations
from hdl.bundles import ActivationWrite, Job, LoadWrite, RegisterWrite, Status, StoreRead, bit, word
from hdl.core import core
from hdl.loader import loader
from hdl.register_file import register_file
from hdl.store import store


@block
def accelerator(
    aclk,
    aresetn,
    s_axi,
    s_axis,
    m_axis,
    interrupt,
    monitor,
    *,
    config,
    operations=bit_operations.SIMULATION,
):
    """The bus front end (register file, loader, store stage) around `hdl.core`.

    `aresetn` is synchronous and active low. While no job runs, no packet is being received and no
    bus transfer is under way, no register changes: the clock may be gated. `operations` are the
    bit-counting functions to use (`hdl.bit_operations`).
    """
    reset = ResetSignal(0, active=1, isasync=False)
    clear, start, store_start, stored, load_ready, job_running = (bit() for _ in range(6))
    job = Job(config)
    status = Status()
    inside = RegisterWrite()
    load = LoadWrite(config)
    load_write = ActivationWrite(config)
    error = word(8)
    store_read = StoreRead(config)
    busy = status.busy

    @always_comb
    def comb_reset():
        reset.next = not aresetn or clear

    registers = register_file(
        aclk, aresetn, s_axi, inside, job, status, start, clear, config=config
    )
    packets = loader(
        aclk, reset, s_axis, busy, load_ready, inside, load, load_write, status.loading, error,
        monitor.load, config=config,
    )  # fmt: skip
    inner = core(
        aclk, reset, start, stored, store_start, job, load, load_write, load_ready, store_read,
        status, error, interrupt, job_running, monitor, config=config, operations=operations,
    )  # fmt: skip
    words_out = store(
        aclk, reset, store_start, job, store_read, m_axis, stored, monitor.store, config=config,
    )  # fmt: skip

    return comb_reset, registers, packets, inner, words_out

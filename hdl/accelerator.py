"""The top: an accelerator with AXI4-Lite and AXI4-Stream ports, an interrupt line and a monitor."""

from myhdl import ResetSignal, always_comb, block

from hdl import bit_operations
from hdl.bitmap_pipeline import bitmap_pipeline
from hdl.bundles import (
    ActivationWrite,
    Job,
    LoadWrite,
    RegisterWrite,
    Results,
    Status,
    StoreRead,
    Sum,
    bit,
    word,
)
from hdl.collector import collector
from hdl.control import control
from hdl.dense_pipeline import dense_pipeline
from hdl.list_pipeline import list_pipeline
from hdl.loader import loader
from hdl.register_file import register_file
from hdl.requantise import requantise
from hdl.store import store
from hdl.write_back import merge_writes, pool_channels, pool_units


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
    """Loader, register file, control, pipeline, collector, write-back and store stage.

    `aresetn` is synchronous and active low. While no job runs, no packet is being received and no
    bus transfer is under way, no register changes: the clock may be gated. `operations` are the
    bit-counting functions to use (`hdl.bit_operations`).
    """
    reset = ResetSignal(0, active=1, isasync=False)
    clear, start, compute_start, store_start, finished, stored = (bit() for _ in range(6))
    job = Job(config)
    status = Status()
    inside = RegisterWrite()
    load = LoadWrite(config)
    load_write, result_write, write = (ActivationWrite(config) for _ in range(3))
    load_ready, job_running = bit(), bit()
    error = word(8)
    store_read = StoreRead(config)
    results = Results(config)
    total = Sum(config, config.accumulator_bits)
    result = Sum(config, config.bits)
    busy = status.busy

    @always_comb
    def comb_reset():
        reset.next = not aresetn or clear

    registers = register_file(
        aclk, aresetn, s_axi, inside, job, status, start, clear, config=config
    )
    jobs = control(
        aclk, reset, job, status, start, compute_start, store_start, finished, stored, error,
        interrupt, job_running,
    )  # fmt: skip
    packets = loader(
        aclk, reset, s_axis, busy, load_ready, inside, load, load_write, status.loading, error,
        monitor.load, config=config,
    )  # fmt: skip
    pipeline_ports = (
        aclk, reset, compute_start, job, load, write, store_read, results, monitor,
    )  # fmt: skip
    if config.kind == "bitmap":
        pipeline = bitmap_pipeline(*pipeline_ports, config=config, operations=operations)
    elif config.kind == "list":
        pipeline = list_pipeline(*pipeline_ports, config=config)
    else:
        pipeline = dense_pipeline(*pipeline_ports, config=config)
    pool = pool_channels if config.kind == "list" else pool_units
    back_end = (
        collector(aclk, reset, compute_start, job, load, results, total, config=config),
        requantise(aclk, reset, job, total, result, config=config),
        pool(aclk, reset, compute_start, job, result, result_write, finished, config=config),
        merge_writes(result_write, load_write, write, load_ready),
    )
    words_out = store(
        aclk, reset, store_start, job, store_read, m_axis, stored, monitor.store, config=config,
    )  # fmt: skip

    @always_comb
    def comb_monitor():
        monitor.job.next = job_running
        monitor.storing.next = job_running and job.store
        monitor.write.next = result_write.enable
        monitor.collect.next = total.valid

    return comb_reset, registers, jobs, packets, pipeline, back_end, words_out, comb_monitor

"""An accelerator without its bus front end: what area, clock and merit are compared on."""

from myhdl import always_comb, block

from hdl import bit_operations
from hdl.bitmap_pipeline import bitmap_pipeline
from hdl.bundles import WINDOW_FLAGS, ActivationWrite, Results, Sum, bit, word
from hdl.collector import collector
from hdl.control import control
from hdl.dense_pipeline import dense_pipeline
from hdl.list_pipeline import list_pipeline
from hdl.requantise import requantise
from hdl.windows import ring_bits
from hdl.write_back import merge_writes, pool


@block
def core(
    clock, reset, start, stored, store_start, job, load, load_write, load_ready, store_read, status,
    error, interrupt, job_running, monitor,
    *, config, operations=bit_operations.SIMULATION,
):  # fmt: skip
    """Job control, pipeline, collector, requantisation and write-back.

    `start` begins the job in `job`; `load` and `load_write` bring words from outside, the latter
    while `load_ready`. `store_start` and `stored` pulse at the ends of a store job, whose words are
    read through `store_read`. `operations` are the bit-counting functions (`hdl.bit_operations`).
    """
    compute_start, finished, computing = bit(), bit(), bit()
    result_write, write = ActivationWrite(config), ActivationWrite(config)
    results = Results(config)
    total = Sum(config, config.accumulator_bits)
    result = Sum(config, config.bits + 1)
    slot, place = word(ring_bits(config)), word(config.element_address_bits)
    flags = word(WINDOW_FLAGS)
    reading, read_channel = bit(), word(len(result.channel))

    jobs = control(
        clock, reset, job, status, start, compute_start, store_start, finished, stored, error,
        interrupt, job_running, config=config,
    )  # fmt: skip
    pipeline_ports = (
        clock, reset, compute_start, computing, job, load, write, store_read, results, slot,
        place, flags, monitor,
    )  # fmt: skip
    if config.kind == "bitmap":
        pipeline = bitmap_pipeline(*pipeline_ports, config=config, operations=operations)
    elif config.kind == "list":
        pipeline = list_pipeline(*pipeline_ports, config=config)
    else:
        pipeline = dense_pipeline(*pipeline_ports, config=config)
    back_end = (
        collector(
            clock, reset, compute_start, job, load, results, slot, place, flags, total,
            config=config,
        ),
        requantise(clock, reset, job, total, result, read_channel, reading, config=config),
        pool(
            clock, reset, compute_start, job, result, read_channel, reading, result_write, finished,
            config=config,
        ),
        merge_writes(result_write, load_write, write, load_ready),
    )  # fmt: skip

    @always_comb
    def comb_monitor():
        computing.next = job_running and not job.store
        monitor.job.next = job_running
        monitor.storing.next = job_running and job.store
        monitor.write.next = result_write.enable
        monitor.collect.next = total.valid

    return jobs, pipeline, back_end, comb_monitor

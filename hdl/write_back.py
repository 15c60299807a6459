"""Stage 9: max-pools results and writes them where they belong in the activation memory."""

from myhdl import always, always_comb, always_seq, block, intbv

from hdl.bundles import BEGIN, EMIT, FINAL, bit, word
from hdl.memories import ram
from hdl.partial_sums import last_of_pairs


@block
def pool(clock, reset, start, job, result, read_channel, reading, write, finished, *, config):
    """Keeps the largest result of each channel's pooling window; writes the window's last.

    `reading` and `read_channel` announce `result` 2 cycles earlier; results of a channel are at
    least `hdl.config.REST_CYCLES` apart, so that the one before is in the memory. `write`
    follows a window's last result by 1 cycle; `finished` pulses with the job's last.
    """
    units = config.units
    bits = config.bits
    stored, largest = word(bits), word(bits)
    kept = word(bits)
    keep = bit()
    keep_channel = word(len(read_channel))
    ended, active = word(len(read_channel)), word(len(read_channel))
    limit = 1 << bits

    largest_memory = ram(
        clock, keep, keep_channel, kept, reading, read_channel, stored,
        depth=config.bias_entries,
    )  # fmt: skip

    @always_comb
    def comb_active():
        if job.last_filter < units:
            active.next = job.last_filter
        else:
            active.next = units - 1

    @always_seq(clock.posedge, reset=reset)
    def seq_write():
        keep.next = result.valid
        write.enable.next = result.valid and result.flags[EMIT]
        finished.next = 0
        if start:
            ended.next = 0
        elif result.valid and result.end and result.flags[FINAL]:
            ended.next = ended + 1
            finished.next = ended == active

    @always(clock.posedge)
    def seq_largest():
        largest.next = stored
        if result.valid:
            winner = intbv(0, min=-limit, max=limit)
            rival = intbv(0, min=-limit, max=limit)
            winner[:] = result.total
            if job.unsigned_output:
                rival[:] = largest
            else:
                rival[:] = largest.signed()
            if not result.flags[BEGIN] and rival > winner:
                winner[:] = rival
            kept.next = winner[bits:]
            keep_channel.next = result.channel
            write.address.next = result.address

    @always_comb
    def comb_data():
        write.data.next = kept
        write.wide.next = 0

    counted = comb_active
    if config.partial_sums:
        counted = last_of_pairs(job, active, units=units)
    return largest_memory, counted, seq_write, seq_largest, comb_data


@block
def merge_writes(result_write, load_write, write, load_ready):
    """Results, an element each, go before loads, a word each, which wait. Combinational."""

    @always_comb
    def comb_merge():
        load_ready.next = not result_write.enable
        if result_write.enable:
            write.enable.next = 1
            write.wide.next = 0
            write.address.next = result_write.address
            write.data.next = result_write.data
        else:
            write.enable.next = load_write.enable
            write.wide.next = 1
            write.address.next = load_write.address
            write.data.next = load_write.data

    return comb_merge

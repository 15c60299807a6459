"""Stage 1: walks the loops of a job and issues one step a cycle."""

from myhdl import always_seq, block, intbv

from hdl.bundles import BEGIN, EMIT, FINAL, bit, word


@block
def sequencer(
    clock, reset, start, job, weight_start, advance, step, running, *, first_channel, stride
):
    """Issues the steps of output channels `first_channel`, `first_channel + stride`, ...

    `start` loads the job; from the next cycle a new `step` appears in every cycle with `advance`.
    The weight index runs through a filter's steps and returns to its first at every window.
    `running` is high while steps remain to be issued. Throughput 1 step a cycle, no bubbles.
    """
    address_bits = len(step.address)
    weight_bits = len(step.weight)
    address = word(address_bits)
    weight = word(weight_bits)
    filter_weight = word(weight_bits)
    channel = word(16)
    at_step, at_row, at_pool_x, at_pool_y, at_x, at_y = (word(16) for _ in range(6))
    active = bit()
    listed = len(step.flags) > BEGIN
    begin = BEGIN if listed else EMIT

    @always_seq(clock.posedge, reset=reset)
    def seq_walk():
        total = intbv(0)[address_bits + 1 :]
        following = intbv(0)[weight_bits + 1 :]
        channels = intbv(0)[17:]
        if start:
            active.next = job.last_filter >= first_channel
            running.next = job.last_filter >= first_channel
            channel.next = first_channel
            address.next = job.input
            weight.next = weight_start[weight_bits:]
            filter_weight.next = weight_start[weight_bits:]
            at_step.next = 0
            at_row.next = 0
            at_pool_x.next = 0
            at_pool_y.next = 0
            at_x.next = 0
            at_y.next = 0
        elif advance:
            step.valid.next = active
            if active:
                step.address.next = address
                step.weight.next = weight
                step.channel.next = channel
                step.window.next = 0
                step.flags.next = 0
                if listed:
                    # every step of a window has its flags: filters end anywhere in a list
                    if at_pool_x == 0 and at_pool_y == 0:
                        step.flags.next[begin] = 1
                    if at_pool_x == job.last_pool_x and at_pool_y == job.last_pool_y:
                        step.flags.next[EMIT] = 1
                        if at_x == job.last_x and at_y == job.last_y:
                            step.flags.next[FINAL] = 1
                following[:] = weight + 1
                weight.next = following[weight_bits:]
                if at_step != job.last_step:
                    at_step.next = at_step + 1
                    total[:] = address + job.jump_step
                else:
                    at_step.next = 0
                    if at_row != job.last_row:
                        at_row.next = at_row + 1
                        total[:] = address + job.jump_row
                    else:
                        at_row.next = 0
                        step.window.next = 1
                        weight.next = filter_weight
                        if at_pool_x != job.last_pool_x:
                            at_pool_x.next = at_pool_x + 1
                            total[:] = address + job.jump_pool_x
                        else:
                            at_pool_x.next = 0
                            if at_pool_y != job.last_pool_y:
                                at_pool_y.next = at_pool_y + 1
                                total[:] = address + job.jump_pool_y
                            else:
                                at_pool_y.next = 0
                                step.flags.next[EMIT] = 1
                                if at_x != job.last_x:
                                    at_x.next = at_x + 1
                                    total[:] = address + job.jump_x
                                else:
                                    at_x.next = 0
                                    if at_y != job.last_y:
                                        at_y.next = at_y + 1
                                        total[:] = address + job.jump_y
                                    else:
                                        at_y.next = 0
                                        step.flags.next[FINAL] = 1
                                        total[:] = job.input
                                        weight.next = following[weight_bits:]
                                        filter_weight.next = following[weight_bits:]
                                        channels[:] = channel + stride
                                        channel.next = channels[16:]
                                        if channels > job.last_filter:
                                            active.next = 0
                                            running.next = 0
                address.next = total[address_bits:]

    return seq_walk

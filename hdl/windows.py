"""Stage 1: walks the windows of a job, ahead of the units, and hands each its next one."""

from myhdl import always, always_comb, always_seq, block, concat, intbv

from hdl.bundles import BEGIN, EMIT, FINAL, WINDOW_FLAGS, bit, result_depth, word
from hdl.config import AcceleratorConfig


def ring_bits(config: AcceleratorConfig) -> int:
    """Address width of the ring of windows: 16 places are one distributed RAM a four bits."""
    if result_depth(config) > 2:
        return 6
    return 5 if config.kind == "bitmap" else 4


def lead(config: AcceleratorConfig) -> int:
    """Windows that may be ready beyond the one the slowest unit has asked for.

    The rest of the ring holds what a unit has been given but not finished: one window waits before
    the walker, one can be in each of its stages, finished filters wait, and two pass the collector.
    A list takes at least three cycles a window, a section one.
    """
    if not config.independent_units:
        return 4
    if result_depth(config) > 2:
        return 32
    return 14 if config.kind == "bitmap" else 6


@block
def windows(clock, reset, start, running, job, port, slot, place, flags, *, config, clients):
    """Fills a ring with the windows of the job in `job`; clients read it one after the other.

    `running` while a compute job runs. At `start` every client is served the first window; later
    client `c` is served in its turn, one client a cycle, once it wants a window and there is one.
    Windows are made one a turn of all clients, unless one of them is `lead` behind: the collector
    takes one result a cycle for all units, so this is no bottleneck. Clients after
    `job.last_filter` have no turn. `slot` counts windows; its output `place` and `flags` are
    combinational.
    """
    address_bits = config.element_address_bits
    bits = ring_bits(config)
    depth = 1 << bits
    most = lead(config)
    wanted = port.wanted
    serve = port.serve
    several = clients > 1
    active, begins, emits, ends, push, crowded, behind, served = (bit() for _ in range(8))
    left_pool_x, left_pool_y, left_x, left_y = word(4), word(4), word(12), word(12)
    base, output = word(address_bits), word(address_bits)
    write, pointer = word(bits), word(bits)
    turn = word(max(1, (clients - 1).bit_length()))
    fresh = word(clients)
    pointers = [word(bits) for _ in range(clients)]
    bases = [word(address_bits) for _ in range(depth)]
    outputs = [word(address_bits) for _ in range(depth)]
    all_flags = [word(WINDOW_FLAGS) for _ in range(depth)]
    stored, ready = word(bits), word(address_bits)
    turn_done = bit()

    @always_comb
    def comb_position():
        emits.next = left_pool_x == 0 and left_pool_y == 0
        ends.next = left_pool_x == 0 and left_pool_y == 0 and left_x == 0 and left_y == 0

    @always_seq(clock.posedge, reset=reset)
    def seq_walk():
        total = intbv(0)[address_bits + 1 :]
        following = intbv(0)[address_bits + 1 :]
        if start:
            active.next = 1
            begins.next = 1
            write.next = 0
            base.next = job.input
            output.next = job.output
            left_pool_x.next = job.last_pool_x
            left_pool_y.next = job.last_pool_y
            left_x.next = job.last_x
            left_y.next = job.last_y
        elif push:
            write.next = (write + 1) % depth
            begins.next = emits
            total[:] = base + job.jump_pool_x
            following[:] = output
            if left_pool_x != 0:
                left_pool_x.next = left_pool_x - 1
            else:
                left_pool_x.next = job.last_pool_x
                if left_pool_y != 0:
                    left_pool_y.next = left_pool_y - 1
                    total[:] = base + job.jump_pool_y
                else:
                    left_pool_y.next = job.last_pool_y
                    if left_x != 0:
                        left_x.next = left_x - 1
                        total[:] = base + job.jump_x
                        following[:] = output + job.pitch
                    else:
                        left_x.next = job.last_x
                        total[:] = base + job.jump_y
                        following[:] = output + job.line
                        if left_y != 0:
                            left_y.next = left_y - 1
                        else:
                            active.next = 0
            base.next = total[address_bits:]
            output.next = following[address_bits:]

    @always(clock.posedge)
    def seq_ring():
        if push:
            bases[write].next = base
            outputs[write].next = output
            all_flags[write].next = concat(begins, ends, emits)

    @always_comb
    def comb_stored():
        stored.next = pointers[turn]

    @always_comb
    def comb_client():
        ahead = intbv(0)[bits:]
        mine = intbv(0)[bits:]
        mine[:] = stored
        if fresh[turn]:
            mine[:] = 1
        pointer.next = mine
        ahead[:] = (write - mine) % depth
        behind.next = ahead == most and turn <= job.last_filter
        # between jobs the next one's registers arrive, one after the other
        served.next = (
            running and not start and wanted[turn] and turn <= job.last_filter
            and ahead != 0 and ahead <= most
        )  # fmt: skip
        turn_done.next = turn == clients - 1 or turn == job.last_filter

    @always_comb
    def comb_push():
        push.next = active and turn_done and not crowded and not behind

    @always_comb
    def comb_ready():
        ready.next = bases[pointer]

    @always_comb
    def comb_serve():
        port.base.next = ready
        if start:
            port.base.next = job.input
        for c in range(clients):
            serve[c].next = (start and job.last_filter >= c) or (served and turn == c)

    @always_seq(clock.posedge, reset=reset)
    def seq_turn():
        if start:
            turn.next = clients - 1
            crowded.next = 0
            for c in range(clients):
                fresh.next[c] = 1
        elif running:
            if served:
                fresh.next[turn] = 0
            if several:
                if turn_done:
                    turn.next = 0
                    crowded.next = 0
                else:
                    turn.next = turn + 1
                    crowded.next = crowded or behind

    @always(clock.posedge)
    def seq_pointer():
        if served:
            pointers[turn].next = (pointer + 1) % depth

    @always_comb
    def comb_place():
        place.next = outputs[slot]
        flags.next = all_flags[slot]

    assert (EMIT, FINAL, BEGIN) == (0, 1, 2), "flags must be joined in this order"
    return (
        comb_position, seq_walk, seq_ring, comb_stored, comb_client, comb_push, comb_ready,
        comb_serve, seq_turn, seq_pointer, comb_place,
    )  # fmt: skip

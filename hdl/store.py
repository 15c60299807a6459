"""Sends words of the activation memory to the output stream."""

from myhdl import always, always_comb, always_seq, block, intbv

from hdl.bundles import bit, word


@block
def store(clock, reset, start, job, read, m_axis, done, sent, *, config):
    """Streams `last_word + 1` words from element `job.input`, TLAST on the last.

    First word 3 cycles after `start`, then one a cycle as long as the receiver is ready. `done`
    pulses when the last word has been taken. `read` is the activation memory's port for it.
    """
    lane_bits = (config.lanes - 1).bit_length()
    address_bits = config.element_address_bits
    word_bits = address_bits - lane_bits
    active, read_valid, read_last, advance = (bit() for _ in range(4))
    at_word = word(word_bits)
    left = word(16)
    # a register of its own: a port that is one gets no initial value in Verilog
    sending = word(32)

    @always_comb
    def comb_advance():
        advance.next = not m_axis.tvalid or m_axis.tready
        sent.next = m_axis.tvalid and m_axis.tready
        read.enable.next = active and (not m_axis.tvalid or m_axis.tready)
        read.address.next = at_word

    @always_comb
    def comb_data():
        m_axis.tdata.next = sending

    @always_seq(clock.posedge, reset=reset)
    def seq_words():
        done.next = m_axis.tvalid and m_axis.tready and m_axis.tlast
        if start:
            active.next = 1
            left.next = job.last_word
            at_word.next = job.input[address_bits:lane_bits]
        elif advance:
            m_axis.tvalid.next = read_valid
            m_axis.tlast.next = read_valid and read_last
            read_valid.next = active
            if active:
                following = intbv(0)[word_bits + 1 :]
                following[:] = at_word + 1
                at_word.next = following[word_bits:]
                read_last.next = left == 0
                if left == 0:
                    active.next = 0
                else:
                    left.next = left - 1

    @always(clock.posedge)
    def seq_data():
        if advance and read_valid:
            sending.next = read.data

    return comb_advance, comb_data, seq_words, seq_data

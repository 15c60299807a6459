"""Sends words of the activation memory to the output stream."""

from myhdl import always, always_comb, always_seq, block, intbv

from hdl.bundles import bit, word


@block
def store(clock, reset, start, job, bank_data, m_axis, enable, row, done, sent, *, config):
    """Streams `last_word + 1` words from element `job.input`, TLAST on the last.

    First word 3 cycles after `start`, then one a cycle as long as the receiver is ready. `done`
    pulses when the last word has been taken.
    """
    banks = config.banks
    lanes = config.lanes
    bits = config.bits
    bank_bits = (banks - 1).bit_length()
    lane_bits = (lanes - 1).bit_length()
    address_bits = config.element_address_bits
    word_bits = address_bits - lane_bits
    words_a_row = banks // lanes
    group_bits = max(1, bank_bits - lane_bits)
    row_low = bank_bits - lane_bits
    active, read_valid, read_last, advance = (bit() for _ in range(4))
    at_word = word(word_bits)
    group = word(group_bits)
    left = word(16)

    @always_comb
    def comb_advance():
        advance.next = not m_axis.tvalid or m_axis.tready
        sent.next = m_axis.tvalid and m_axis.tready
        enable.next = active and (not m_axis.tvalid or m_axis.tready)
        row.next = at_word[word_bits:row_low]

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
                read_last.next = left == 0
                following = intbv(0)[word_bits + 1 :]
                following[:] = at_word + 1
                at_word.next = following[word_bits:]
                if left == 0:
                    active.next = 0
                else:
                    left.next = left - 1

    @always(clock.posedge)
    def seq_data():
        if advance and (active or read_valid):
            data = intbv(0)[32:]
            lane_data = intbv(0)[32:]
            data[:] = 0
            for lane in range(lanes):
                lane_data[:] = bank_data[group * lanes + lane]
                data[:] = data | (lane_data << (lane * bits))
            m_axis.tdata.next = data
            group.next = 0
            if words_a_row > 1:
                group.next = at_word[group_bits:]

    return comb_advance, seq_words, seq_data

"""What is found in elaborated designs: blocks, instances, parents, ports and clocks."""

from typing import Any

from myhdl import ResetSignal, always, always_comb, always_seq, block

from hdl.accelerator import accelerator
from hdl.bundles import AxiStream, bit, number, word
from hdl.config import AcceleratorConfig
from hdl.hierarchy import find_blocks
from hdl.port_recorder import find_ports
from hdl.ports import Ports


@block
def delayed(clock: Any, reset: Any, source: Any, sink: Any, unused: Any) -> Any:
    """One register."""

    @always_seq(clock.posedge, reset=reset)
    def seq_delay() -> None:
        sink.next = source

    return seq_delay


@block
def lanes(clock: Any, reset: Any, stream: Any, sums: Any, total: Any, *, config: Any) -> Any:
    """Two of `delayed`, and an adder of lists."""
    first, second = word(4), word(4)
    spare = bit()
    ram = [word(4) for _ in range(8)]

    @always(clock.posedge)
    def seq_ram() -> None:
        ram[first].next = second

    @always_comb
    def comb_sum() -> None:
        total.next = sums[0] + sums[1]

    return (
        delayed(clock, reset, stream.tdata, first, spare),
        [delayed(clock, reset, first, second, spare)],
        seq_ram,
        comb_sum,
    )


def build() -> Any:
    reset = ResetSignal(0, active=1, isasync=False)
    return lanes(bit(), reset, AxiStream(), [number(4), number(4)], total=number(5), config=None)


def test_blocks() -> None:
    found = find_blocks(build())
    assert [(item.name, len(item.instances), item.parents) for item in found] == [
        ("lanes", 1, ()),
        ("delayed", 2, ("lanes",)),
    ]
    assert found[1].doc == "One register."
    assert found[1].module == __name__


def test_ports_are_those_that_are_used() -> None:
    top, inner = find_blocks(build())
    assert [
        (port.name, port.direction, len(port.signals), port.width_bits, port.signed)
        for port in top.ports
    ] == [
        ("clock", "in", 1, 1, False),
        ("reset", "in", 1, 1, False),
        ("stream_tdata", "in", 1, 32, False),
        ("sums", "in", 2, 4, True),
        ("total", "out", 1, 5, True),
    ]
    assert [(port.name, port.direction) for port in inner.ports] == [
        ("clock", "in"),
        ("reset", "in"),
        ("source", "in"),
        ("sink", "out"),
    ]
    assert [port.name for port in top.ports if top.is_clock(port)] == ["clock"]
    assert [port.name for port in top.ports if port.is_reset] == ["reset"]


def test_accelerator_has_the_ports_of_its_hdl() -> None:
    config = AcceleratorConfig(kind="list", units=2, activation_elements=256)
    top = accelerator(**Ports(config).arguments(), config=config)
    described = {port.name: (port.direction, port.width_bits) for port in find_blocks(top)[0].ports}
    emitted = {
        port.name: ("out" if port.is_output else "in", port.width_bits) for port in find_ports(top)
    }
    # a port that nothing reads, or nothing drives, is emitted but not described
    assert described.items() <= emitted.items()
    assert {"aclk", "aresetn", "s_axi_awready", "m_axis_tdata", "interrupt"} <= described.keys()
    assert all(name.startswith("monitor_") for name in emitted.keys() - described.keys())

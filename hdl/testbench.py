"""Self-checking testbenches that replay a recorded MyHDL run on the converted VHDL or Verilog.

`PortRecorder` samples every port of a block at each rising clock edge, just before the edge takes
effect. The testbench drives the same inputs, and compares all outputs before every edge:

    clock      ______|‾‾‾‾‾|_____|‾‾‾‾‾|_____
    inputs     X  k        X  k+1      X
    compare         ^k          ^k+1

A vector file has one line a cycle: the inputs, a space, the outputs, each one hexadecimal number
with the ports packed from the least significant end in the order of the port list. The first
`FIRST_COMPARED_CYCLE` lines are replayed but not compared; the reset must be active in them.
VHDL ports must be `std_logic` or `std_logic_vector`.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from string import Template

from hdl.convert import Language
from hdl.port_recorder import Port, PortRecorder

HALF_PERIOD_NS = 5
FIRST_COMPARED_CYCLE = 2
"""Registered outputs are defined after one edge in reset, what they enable after another."""


def vector_lines(ports: Sequence[Port], samples: Iterable[Sequence[int]]) -> Iterator[str]:
    """The lines of the vector file for samples in the order of `ports`."""
    shifts, widths = [], [0, 0]
    for port in ports:
        shifts.append((port.is_output, widths[port.is_output]))
        widths[port.is_output] += port.width_bits
    digits = [(width + 3) // 4 for width in widths]
    for sample in samples:
        words = [0, 0]
        for (is_output, shift), value in zip(shifts, sample, strict=True):
            words[is_output] |= value << shift
        yield f"{words[0]:0{digits[0]}x} {words[1]:0{digits[1]}x}\n"


_VHDL = Template("""\
-- Generated: replays $vectors on entity $top and compares every output in every cycle.
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;
use std.env.all;
use std.textio.all;

entity ${top}_tb is
    generic (vectors : string := "$vectors");
end entity;

architecture replay of ${top}_tb is
    constant half_period : time := $half_period ns;
    signal $clock : std_logic := '0';
$signals
begin
    dut : entity work.$top
        port map (
            $clock => $clock,
$port_map
        );

    replay : process
        file vectors_file : text open read_mode is vectors;
        variable row : line;
        variable stimulus : std_logic_vector($stimulus_msb downto 0);
        variable expected : std_logic_vector($expected_msb downto 0);
        variable cycle : natural := 0;

        procedure check(name : string; got, wanted : std_logic_vector) is
        begin
            if got /= wanted then
                write(row, "cycle " & integer'image(cycle) & " port " & name
                      & " expected " & to_hstring(wanted) & " got " & to_hstring(got));
                writeline(output, row);
                stop(1);
            end if;
        end procedure;
    begin
        while not endfile(vectors_file) loop
            readline(vectors_file, row);
            hread(row, stimulus);
            hread(row, expected);
$apply
            wait for half_period;
            if cycle >= $first_compared then
$checks
            end if;
            $clock <= '1';
            wait for half_period;
            $clock <= '0';
            cycle := cycle + 1;
        end loop;
        if cycle /= $cycles then
            write(row, "cycle " & integer'image(cycle) & " vectors end, of $cycles cycles");
            writeline(output, row);
            stop(1);
        end if;
        write(row, "passed " & integer'image(cycle) & " cycles");
        writeline(output, row);
        stop(0);
    end process;
end architecture;
""")

_VERILOG = Template("""\
// Generated: replays $vectors on module $top and compares every output in every cycle.
`timescale 1ns / 1ps

module ${top}_tb;
    reg [$stimulus_msb:0] stimulus;
    reg [$expected_msb:0] expected;
    reg $clock;
$signals
    integer vectors_file, cycle;

    $top dut (
        .$clock($clock),
$port_map
    );

    initial begin
        vectors_file = $$fopen("$vectors", "r");
        if (vectors_file == 0) begin
            $$display("cycle 0 vectors cannot be opened: $vectors");
            $$finish;
        end
        $clock = 0;
        cycle = 0;
        while ($$fscanf(vectors_file, "%h %h\\n", stimulus, expected) == 2) begin
            #$half_period;
            if (cycle >= $first_compared) begin
$checks
            end
            $clock = 1;
            #$half_period;
            $clock = 0;
            cycle = cycle + 1;
        end
        if (cycle != $cycles)
            $$display("cycle %0d vectors end, of $cycles cycles", cycle);
        else
            $$display("passed %0d cycles", cycle);
        $$finish;
    end
endmodule
""")


def render_testbench(
    top: str,
    ports: Sequence[Port],
    language: Language,
    *,
    vectors: str,
    cycles: int,
    clock: str = "aclk",
) -> str:
    """Source of the module `<top>_tb`, which reads the file `vectors` in its working directory.

    It prints `passed N cycles`, or `cycle N port P expected X got Y` at the first difference and
    stops (VHDL: with exit status 1). A vector file that does not have `cycles` lines fails too.
    """
    offsets = [0, 0]
    signals, port_map, apply, checks = [], [], [], []
    for port in ports:
        name, low = port.name, offsets[port.is_output]
        high = offsets[port.is_output] = low + port.width_bits
        source = "expected" if port.is_output else "stimulus"
        if language == "vhdl":
            part = f"{source}({high - 1} downto {low})"
            declared = f"std_logic_vector({port.width_bits - 1} downto 0)"
            declared, zero = ("std_logic", "'0'") if port.single else (declared, "(others => '0')")
            initial = "" if port.is_output else f" := {zero}"
            signals.append(f"    signal {name} : {declared}{initial};")
            port_map.append(f"            {name} => {name}")
            if port.is_output:
                got = f'"" & {name}' if port.single else name
                checks.append(f'                check("{name}", {got}, {part});')
            else:
                value = f"{source}({low})" if port.single else part
                apply.append(f"            {name} <= {value};")
        else:
            declared = "" if port.single else f"[{port.width_bits - 1}:0] "
            part = f"{source}[{high - 1}:{low}]"
            signals.append(f"    wire {declared}{name}{'' if port.is_output else f' = {part}'};")
            port_map.append(f"        .{name}({name})")
            if port.is_output:
                checks.append(
                    f"                if ({name} !== {part}) begin\n"
                    f'                    $display("cycle %0d port {name} expected %0h got %0h",'
                    f" cycle, {part}, {name});\n"
                    f"                    $finish;\n"
                    f"                end"
                )
    template = _VHDL if language == "vhdl" else _VERILOG
    return template.substitute(
        top=top,
        vectors=vectors,
        cycles=cycles,
        clock=clock,
        half_period=HALF_PERIOD_NS,
        first_compared=FIRST_COMPARED_CYCLE,
        stimulus_msb=(offsets[0] + 3) // 4 * 4 - 1,
        expected_msb=(offsets[1] + 3) // 4 * 4 - 1,
        signals="\n".join(signals),
        port_map=",\n".join(port_map),
        apply="\n".join(apply),
        checks="\n".join(checks),
    )


def write_testbench(recorder: PortRecorder, language: Language, directory: Path) -> Path:
    """Writes the testbench of a recorded run and its vector file; returns the testbench.

    Raises ValueError if the run is too short for any cycle to be compared.
    """
    if len(recorder.samples) <= FIRST_COMPARED_CYCLE:
        raise ValueError(
            f"run of {recorder.top_name} must be longer than {FIRST_COMPARED_CYCLE} cycles, "
            f"not {len(recorder.samples)}"
        )
    vectors = directory / f"{recorder.top_name}_vectors.txt"
    with vectors.open("w", encoding="ascii") as file:
        file.writelines(vector_lines(recorder.ports, recorder.samples))
    bench = directory / f"{recorder.top_name}_tb.{'vhd' if language == 'vhdl' else 'v'}"
    bench.write_text(
        render_testbench(
            recorder.top_name,
            recorder.ports,
            language,
            vectors=vectors.name,
            cycles=len(recorder.samples),
            clock=recorder.clock,
        ),
        encoding="ascii",
    )
    return bench

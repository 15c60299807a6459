"""The converted accelerator behind the AXI models of cocotbext-axi, in Icarus Verilog and GHDL."""

import re
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

import pytest
from cocotb_tools.runner import get_runner

from hdl.accelerator import accelerator
from hdl.config import AcceleratorConfig
from hdl.convert import TOP_NAME, Language, convert
from hdl.port_recorder import find_ports
from hdl.ports import Ports
from hdl.vivado import render_wrapper
from tests.conversion.axi_bench import Case
from tests.conversion.test_accelerator import SMALL_MEMORIES

SIMULATORS = {"verilog": "icarus", "vhdl": "ghdl"}
BUILD_ARGUMENTS = {"verilog": ["-g2012"], "vhdl": ["--std=08"]}
"""As SystemVerilog, which many flows take every Verilog file for; replays are Verilog-2005."""
TESTS = {"network_over_the_stream", "jobs_from_the_bus", "errors_and_clear"}


def case(kind: str, units: int, *, seed: int, pause: float) -> Case:
    config = AcceleratorConfig.model_validate({"kind": kind, "units": units, **SMALL_MEMORIES})
    return Case(config=config, seed=seed, pause=pause)


def run_bench(
    case: Case,
    language: Language,
    emitted: Sequence[Path],
    directory: Path,
    wrapper: str | None = None,
) -> dict[str, str | None]:
    """Builds and runs `axi_bench`; each test's name, with the error if it failed.

    `wrapper` is the source of a top around the emitted accelerator.
    """
    files = [*emitted]
    top = TOP_NAME
    if wrapper is not None:
        top = f"{TOP_NAME}_vivado"
        files.append(directory / f"{top}.v")
        files[-1].write_text(wrapper)
    runner = get_runner(SIMULATORS[language])
    runner.build(
        sources=files,
        hdl_toplevel=top,
        build_dir=directory / "build",
        build_args=BUILD_ARGUMENTS[language],
        log_file=directory / "build.log",
    )
    log, results = directory / "run.log", directory / "results.xml"
    try:
        runner.test(
            test_module="tests.conversion.axi_bench",
            hdl_toplevel=top,
            test_args=BUILD_ARGUMENTS["vhdl"] if language == "vhdl" else [],
            seed=case.seed,
            extra_env={Case.VARIABLE: case.model_dump_json()},
            results_xml=str(results),
            log_file=log,
        )
    except SystemExit:
        assert results.exists(), log.read_text()
    found = {}
    for test in ElementTree.parse(results).iter("testcase"):
        failure = test.find("failure")
        found[test.attrib["name"]] = None if failure is None else str(failure.attrib)
    assert set(found) == TESTS, log.read_text()
    return found


def wrapper_of(config: AcceleratorConfig) -> str:
    ports = Ports(config)
    top = accelerator(**ports.arguments(), config=config)
    return render_wrapper(TOP_NAME, tuple(find_ports(top)))


def check(case: Case, language: Language, directory: Path) -> None:
    found = run_bench(case, language, convert(case.config, language, directory), directory)
    assert not any(found.values()), (directory / "run.log").read_text()


@pytest.mark.parametrize("language", [pytest.param("verilog", marks=pytest.mark.slow), "vhdl"])
def test_small(language: Language, tmp_path: Path) -> None:
    check(case("bitmap", 3, seed=1, pause=0.4), language, tmp_path)


def test_list_through_the_wrapper_for_vivado(tmp_path: Path) -> None:
    """The wrapper has all that a bus needs and leaves the monitor open."""
    small = case("list", 2, seed=2, pause=0.3)
    files = convert(small.config, "verilog", tmp_path)
    found = run_bench(small, "verilog", files, tmp_path, wrapper_of(small.config))
    assert not any(found.values()), (tmp_path / "run.log").read_text()


@pytest.fixture(scope="module")
def unpaused(tmp_path_factory: pytest.TempPathFactory) -> tuple[Case, Sequence[Path]]:
    small = case("bitmap", 2, seed=3, pause=0.0)
    return small, convert(small.config, "verilog", tmp_path_factory.mktemp("unpaused"))


@pytest.mark.parametrize(
    ("port", "wrong", "failing"),
    [
        ("m_axis_tdata", "{m_axis_tdata[0], m_axis_tdata[31:1]}", TESTS - {"errors_and_clear"}),
        pytest.param("m_axis_tlast", "", TESTS - {"errors_and_clear"}, marks=pytest.mark.slow),
        pytest.param(
            "s_axi_bresp",
            "{s_axi_bresp[0], s_axi_bresp[1]}",
            {"errors_and_clear"},
            marks=pytest.mark.slow,
        ),
    ],
)
def test_a_wrong_circuit_is_found(
    unpaused: tuple[Case, Sequence[Path]],
    port: str,
    wrong: str,
    failing: set[str],
    tmp_path: Path,
) -> None:
    """A port is wired wrongly in the wrapper."""
    small, files = unpaused
    wrapper = wrapper_of(small.config)
    assert f".{port}({port})" in wrapper
    wrapper = wrapper.replace(f".{port}({port})", f".{port}({wrong})")
    if not wrong:
        wrapper = re.sub(r"\nendmodule", f"\n    assign {port} = 1;\nendmodule", wrapper)
    found = run_bench(small, "verilog", files, tmp_path, wrapper)
    assert {name for name, error in found.items() if error} == failing


@pytest.mark.slow
@pytest.mark.parametrize("pause", [0.2, 0.7])
@pytest.mark.parametrize("units", [1, 8])
@pytest.mark.parametrize("kind", ["bitmap", "list", "dense"])
@pytest.mark.parametrize("language", ["verilog", "vhdl"])
def test_many(language: Language, kind: str, units: int, pause: float, tmp_path: Path) -> None:
    seed = 10 * units + int(10 * pause)
    check(case(kind, units, seed=seed, pause=pause), language, tmp_path)

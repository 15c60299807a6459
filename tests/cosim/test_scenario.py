"""Scenario and board files: what they mean, and one exact line for everything that is wrong."""

from pathlib import Path

import pytest

from cosim import options
from cosim.board import Board
from cosim.errors import ScenarioError
from cosim.scenario import BOARDS, load_board, load_scenario

SHIPPED = sorted((Path(__file__).parents[2] / "scripts" / "scenarios").glob("*.toml"))

SMALL = """
[network]
source = "lenet300"
[accelerator]
units = 4
[board]
file = "zynq7020"
memory.banks = 4
[[masters]]
name = "camera"
rate_mbyte_s = 10
"""


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "small.toml"
    path.write_text(SMALL)
    return path


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_scenarios_are_valid_and_say_so_in_their_name(path: Path) -> None:
    scenario = load_scenario(path)
    if path.stem != "recommend":  # which accelerator, is what it is asked
        assert path.stem == f"{scenario.network.source}-{scenario.accelerator.kind}"
    assert scenario.board == load_board("zynq7020")


def test_at_least_the_promised_scenarios_are_shipped() -> None:
    names = {path.stem for path in SHIPPED}
    assert names >= {"lenet300-bitmap", "lenet300-dense", "lenet5-bitmap"}


@pytest.mark.parametrize("path", sorted(BOARDS.glob("*.toml")), ids=lambda path: path.stem)
def test_every_constant_of_a_board_names_its_source(path: Path) -> None:
    board = load_board(path.stem)
    assert board.name == path.stem
    lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    for line in lines:
        number = line.partition("=")[2].partition("#")
        in_commented_table = line.startswith(("read =", "write =", "mixed ="))
        if number[0].strip()[:1].isdigit() and not in_commented_table:
            assert number[2].strip(), f"{path.name}: {line}"


def test_a_board_takes_from_its_base_all_but_the_device() -> None:
    zynq, ecp5, smaller = (load_board(name) for name in ("zynq7020", "ecp5-85", "ecp5-25"))
    assert ecp5.dma == zynq.dma
    assert ecp5.host != zynq.host
    assert smaller.host == ecp5.host
    assert zynq.fpga is not None
    assert zynq.fpga.configuration is not None
    assert ecp5.fpga is not None
    assert ecp5.fpga.configuration is None
    assert smaller.fpga is not None
    assert smaller.fpga.available.dsp < ecp5.fpga.available.dsp


@pytest.mark.parametrize("base", ["'own'", "3", "'nothing'"])
def test_a_base_that_is_no_other_board_gives_one_line(tmp_path: Path, base: str) -> None:
    path = tmp_path / "own.toml"
    path.write_text(f"base = {base}\nname = 'own'\n")
    with pytest.raises(ScenarioError, match=r"base must be|board.file must be"):
        load_board(str(path))


def test_values_come_from_file_board_options_and_settings(small: Path) -> None:
    scenario = load_scenario(
        small,
        changes={"accelerator.units": 2, "run.engine": "rtl"},
        settings=["board.host.flush_line_ns=12.0", "host.mode=polling", "input.images=3"],
    )
    assert scenario.accelerator.units == 2
    assert scenario.accelerator.kind == "bitmap"
    assert scenario.board.memory.banks == 4
    assert scenario.board.host.flush_line_ns == 12.0
    assert scenario.host.mode == "polling"
    assert scenario.input.images == 3
    assert scenario.masters[0].rate_mbyte_s == 10.0
    default: Board = load_board("zynq7020")
    assert scenario.board.memory.row_bytes == default.memory.row_bytes


def test_files_are_relative_to_the_scenario_and_those_of_options_to_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "net.onnx").touch()
    (tmp_path / "x.npz").touch()
    board = (BOARDS / "zynq7020.toml").read_text().replace("= 650", "= 667")
    (tmp_path / "mine.toml").write_text(board)
    path = tmp_path / "s.toml"
    path.write_text(
        '[network]\nsource = "net.onnx"\n[input]\nfile = "x.npz"\n[board]\nfile = "mine.toml"\n'
    )
    scenario = load_scenario(path)
    assert scenario.network.source == str(tmp_path / "net.onnx")
    assert scenario.input.file == str(tmp_path / "x.npz")
    assert scenario.board.clocks.host_mhz == 667
    monkeypatch.chdir(tmp_path / "elsewhere")
    other = load_scenario(path, settings=["board.file=../mine.toml"], changes={"input.file": "y"})
    assert other.board == scenario.board
    assert other.input.file == "y"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("unit = 4", "unknown key accelerator.unit; did you mean 'units'?"),
        ("[hots]\nmode = 'polling'", "unknown key hots; did you mean 'host'?"),
        ("units = '8'", "accelerator.units must be a valid integer, not '8'"),
        ("units = 65", "accelerator.units must be less than or equal to 64, not 65"),
        ("weight_words = 1000", "accelerator: weight_words must be a power of two, not 1000"),
        ("kind = 'sparse'", "accelerator.kind must be 'bitmap'"),
        ("bits = 9", "accelerator.bits must be 8"),
        ("[host]\nmode = 'magic'", "host.mode must be 'interrupt' or 'polling', not 'magic'"),
        ("[host]\ntimeout_us = nan", "host.timeout_us must be "),
        ("[input]\nimages = 0", "input.images must be greater than or equal to 1, not 0"),
        ("[board]\nfile = 'zynq'", "board.file must be a file or one of ecp5-25, "),
        ("[board]\nfile = 3", "board.file must be a string, not 3"),
        ("[board.memory]\nbank = 4", "unknown key board.memory.bank; did you mean 'banks'?"),
        (
            "[board]\nbus.max_burst_beats = 4\ndma.burst_beats = 4",
            "board: bus.max_burst_beats must be at least 8, for a DMA descriptor",
        ),
        ("[board.dma]\nburst_beats = 32", "board: dma.burst_beats must be at most bus.max_burst"),
        ("[board.bus]\ndma_base_bytes = 8", "bus.dma_base_bytes must be a multiple of 0x1000"),
        ("[[masters]]\nname = 'a'", "key masters.0.rate_mbyte_s is missing"),
        ("[[masters]]\nname = 'a'\nrate = 1", "unknown key masters.0.rate; did you mean"),
    ],
)
def test_wrong_content_gives_one_line_that_names_the_key(
    tmp_path: Path, change: str, message: str
) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(f'network.source = "lenet300"\n[accelerator]\n{change}\n')
    with pytest.raises(ScenarioError) as caught:
        load_scenario(path)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[network\nsource = 1", r"not valid TOML: .* \(at line 1, column 9\)"),
        ("a = 1\na = 2\nb = 3", r"not valid TOML: .*line 2"),
        ("", "key network is missing"),
        ("network = 3", "network .*, not 3"),
        ('network.source = "lenet300"\nboard = 3', r"\[board\] must be a table"),
    ],
)
def test_wrong_files_give_one_line_that_names_the_file(
    tmp_path: Path, text: str, message: str
) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(text)
    with pytest.raises(ScenarioError, match=rf"wrong\.toml: .*{message}|{message}"):
        load_scenario(path)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match=r"none\.toml: cannot be read \(No such file"):
        load_scenario(tmp_path / "none.toml")
    with pytest.raises(ScenarioError, match=r"cannot be read \(Is a directory\)"):
        load_scenario(tmp_path)
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ScenarioError, match=r"binary\.toml: must be UTF-8 text"):
        load_scenario(binary)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("units", "--set must be key.path=value, not 'units'"),
        ("=3", "--set must be key.path=value, not '=3'"),
        ("accelerator..units=3", "--set must be key.path=value"),
        ("accelerator.unit=3", "unknown key accelerator.unit; did you mean 'units'?"),
        ("bord.memory.banks=3", "unknown key bord; did you mean 'board'?"),
        ("board.memory.bnaks=3", "unknown key board.memory.bnaks; did you mean 'banks'?"),
        ("network.source.deep=3", "'source' must be a table to set a key in it"),
        ("accelerator.units=many", "accelerator.units must be a valid integer, not 'many'"),
    ],
)
def test_wrong_settings(small: Path, setting: str, message: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        load_scenario(small, settings=[setting])
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("constant", "built", "key", "value", "message"),
    [
        ("BUILT_ACCELERATORS", ("dense",), "accelerator.kind", "bitmap", "accelerator bitmap"),
        ("BUILT_BITS", (16, 32), "accelerator.bits", 8, "bits 8; bits must be one of 16, 32"),
        ("BUILT_LOOKAHEADS", (1,), "accelerator.lookahead", 4, "lookahead 4; lookahead must be"),
        ("BUILT_ENGINES", ("fast",), "run.engine", "rtl", "engine rtl; engine must be one of fast"),
    ],
)
def test_what_is_not_built_is_not_a_mistake_of_the_user(
    small: Path,
    monkeypatch: pytest.MonkeyPatch,
    constant: str,
    built: tuple[object, ...],
    key: str,
    value: object,
    message: str,
) -> None:
    monkeypatch.setattr(options, constant, built)
    with pytest.raises(ScenarioError, match=f"^not available yet: {message}"):
        load_scenario(small, changes={key: value})

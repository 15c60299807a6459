"""What `scripts/fit.py` says of a board."""

import json
from pathlib import Path

import pytest

from cosim import cli
from tests.system.conftest import load_script


def fit_board(*arguments: object) -> int:
    command = load_script("fit").fit_board
    return cli.main(command, [str(argument) for argument in arguments])


def test_deeper_memories_leave_room_for_fewer_units(tmp_path: Path) -> None:
    units = []
    for depth in (1024, 16384):
        path = tmp_path / f"{depth}.json"
        options = ("--bits", 16, "--activation-elements", depth, "--json", path)
        assert fit_board("ecp5-45", *options) == 0
        document = json.loads(path.read_text())
        assert (document["board"], document["kind"]) == ("ecp5-45", "fit")
        units.append({row["accelerator"]: row["units"] for row in document["rows"]})
        assert {row["bits"] for row in document["rows"]} == {16}
    assert units[0].keys() == units[1].keys() == {"bitmap", "list K=1", "list K=2", "dense"}
    assert all(0 < units[1][name] < units[0][name] for name in ("list K=1", "list K=2"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nowhere",), "error: board.file must be a file or one of ecp5-25"),
        (("ecp5-25", "--bias-entries", 3), "error: bias_entries must be greater than or equal"),
    ],
)
def test_wrong_input(
    arguments: tuple[object, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fit_board(*arguments) == 2
    assert capsys.readouterr().err.startswith(message)

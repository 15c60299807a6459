"""Output files are whole or not there."""

from pathlib import Path

import pytest

from cosim.errors import ScenarioError
from cosim.outputs import OutputFile, check_distinct


def test_nothing_is_there_before_commit(tmp_path: Path) -> None:
    path = tmp_path / "out.json"
    path.write_text("old")
    file = OutputFile(path)
    file.write("new")
    assert path.read_text() == "old"
    assert file.temporary.suffix == ".json"
    file.commit()
    file.discard()
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_discard_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "out.json"
    path.write_text("old")
    file = OutputFile(path)
    file.write("half")
    file.discard()
    file.discard()
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_text() == "old"


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    target, link = tmp_path / "target.json", tmp_path / "link.json"
    target.write_text("old")
    link.symlink_to(target)
    file = OutputFile(link)
    file.write("new")
    file.commit()
    assert link.is_symlink()
    assert target.read_text() == "new"


def test_devices_are_written_and_not_replaced() -> None:
    device = Path("/dev/null")
    file = OutputFile(device)
    file.write("anything")
    file.commit()
    file.discard()
    assert device.is_char_device()


def test_places_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match=r"none/out\.json: directory must exist"):
        OutputFile(tmp_path / "none" / "out.json")
    with pytest.raises(ScenarioError, match="must be a file to write, not a directory"):
        OutputFile(tmp_path)
    first, second = OutputFile(tmp_path / "a"), OutputFile(tmp_path / "." / "a")
    with pytest.raises(ScenarioError, match="must be given for one output only"):
        check_distinct([first, second])


def test_a_full_disk_is_one_line() -> None:
    file = OutputFile(Path("/dev/full"))
    with pytest.raises(ScenarioError, match=r"/dev/full: cannot be written \(No space left"):
        file.write("x" * 100_000)

"""Running the synthesis tools."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hdl import tools

TOOL = '''
import sys, time
from pathlib import Path


def run(arguments):
    """As the real ones: the first start takes long, and leaves what the next ones read."""
    kept = Path("{folder}", "kept")
    if not kept.exists():
        with kept.open("w") as file:
            file.write("half")
            file.flush()
            time.sleep(1)
            file.write(" and half")
    if kept.read_text() != "half and half":
        sys.exit("ERROR: half of a tool")
'''


def test_first_starts_do_not_meet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tool.py").write_text(TOOL.format(folder=tmp_path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(tools._ENTRIES, "pytest", "from tool import run")
    with ThreadPoolExecutor() as pool:
        runs = [pool.submit(tools.run_tool, "pytest", ["-q"], tmp_path) for _ in range(3)]
        for run in runs:
            run.result()

"""What the page of a run says, before it is HTML."""

from typing import Any

import pytest

from cosim.errors import ScenarioError
from cosim.page.content import Page, Table
from cosim.page.run import run_page
from cosim.report import build_report
from tests.cosim.test_report import make_run


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    """Two layers: the first on a fake accelerator, the second on the host."""
    return build_report(make_run())


def table(page: Page, title: str) -> Table:
    (found,) = (
        item
        for section in page.sections
        for item in section.items
        if isinstance(item, Table) and item.title == title
    )
    return found


def sentences(page: Page, title: str) -> str:
    (found,) = (section for section in page.sections if section.title == title)
    return " ".join(found.sentences)


def test_time_adds_up(report: dict[str, Any]) -> None:
    categories = table(run_page(report), "Categories")
    assert categories.total is not None
    parts = [float(row[1].replace(",", "")) for row in categories.rows]
    assert sum(parts) == pytest.approx(float(categories.total[1].replace(",", "")), abs=0.03)
    steps = table(run_page(report), "The host's steps")
    busy = sum(float(row[1].replace(",", "")) for row in steps.rows)
    assert busy == pytest.approx(parts[0], abs=0.05)


def test_layers_of_the_host_have_no_units(report: dict[str, Any]) -> None:
    accelerated, hosted = table(run_page(report), "Layers, an image").rows
    # 24 useful products on 8 units are 3 cycles of 50
    assert accelerated[3:7] == ["50", "3", "47", "6.0 %"]
    assert accelerated[7].startswith("unit finished")
    assert hosted[2] == "host"
    assert hosted[4:8] == ["", "", "", ""]


def test_the_answer_names_the_two_largest_parts(report: dict[str, Any]) -> None:
    page = run_page(report)
    largest = max(report["breakdown_ns"].values()) / sum(report["breakdown_ns"].values())
    assert f": {100 * largest:.0f} % of it is the host's driver and layers" in page.answer
    assert len({picture.name for picture in page.pictures}) == len(page.pictures)


def test_an_area_that_is_not_known_is_not_shown(report: dict[str, Any]) -> None:
    page = run_page(report | {"area": None})
    assert "Not measured" in sentences(page, "Area")
    assert "area" not in {picture.name for picture in page.pictures}
    assert "left out" in sentences(page, "Energy")


def test_an_area_that_is_too_large_is_said(report: dict[str, Any]) -> None:
    page = run_page(report | {"area": report["area"] | {"dsp": 219, "block_ram": 279}})
    assert "the device has too few block RAMs" in sentences(page, "Area")
    assert "multipliers" not in sentences(page, "Area")


def test_a_clock_beyond_what_was_reached_is_said(report: dict[str, Any]) -> None:
    slow = report | {"area": report["area"] | {"fmax_mhz": 99.0}}
    fast = report | {"area": report["area"] | {"fmax_mhz": 101.0}}
    assert "faster than what was reached" in sentences(run_page(slow), "Area")
    assert "faster than what was reached" not in sentences(run_page(fast), "Area")


def test_only_runs_of_one_network_are_compared(report: dict[str, Any]) -> None:
    with pytest.raises(ScenarioError, match="must be of one network, not fake, other"):
        run_page(report, report | {"network": "other"})

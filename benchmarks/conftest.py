"""What benchmarks note beside their times, ratios above all, is printed at the end."""

from typing import Any

import pytest

NOTED = pytest.StashKey[list[tuple[str, dict[str, Any]]]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[NOTED] = []


def pytest_runtest_teardown(item: pytest.Item) -> None:
    benchmark = getattr(item, "funcargs", {}).get("benchmark")
    if benchmark is not None and benchmark.extra_info:
        item.config.stash[NOTED].append((item.name, dict(benchmark.extra_info)))


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    for name, figures in config.stash[NOTED]:
        shown = ", ".join(f"{key} {value}" for key, value in figures.items())
        terminalreporter.write_line(f"{name}: {shown}")

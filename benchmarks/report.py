"""docs/benchmarks.md: a page of sections between markers, each of which can be measured and written anew by itself."""

import os
import platform
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

_INTRODUCTION = """# Measured figures

`make bench` measures everything here and writes this page; `make bench ARGS="speed curve"` only those sections. Every section
names the machine it was measured on.
"""


@dataclass(frozen=True)
class Goal:
    """What was to be reached, what was measured, and whether that is it."""

    wanted: str
    figure: str
    met: bool


@dataclass(frozen=True)
class Section:
    """One part of the page.

    Attributes:
        key: In the markers, and on the command line.
        text: Markdown below the heading and the goals.
    """

    key: str
    title: str
    text: str
    goals: Sequence[Goal] = field(default_factory=tuple)

    def markdown(self, machine: str) -> str:
        """Between its markers."""
        rows = [f"{goal.wanted} | {goal.figure} | {'yes' if goal.met else '**no**'}" for goal in self.goals]
        goals = f"{table('goal | measured | met', rows)}\n" if rows else ""
        return f"{_open(self.key)}\n## {self.title}\n\nMeasured {machine}.\n\n{goals}{self.text.strip()}\n{_close(self.key)}\n"


def table(head: str, rows: Sequence[str]) -> str:
    """A table in Markdown; head and rows are cells parted by ` | `."""
    line = " | ".join("---" for _ in head.split(" | "))
    return "".join(f"| {row} |\n" for row in (head, line, *rows))


def rewritten(page: str, section: Section, machine: str, order: Sequence[str]) -> str:
    """The page with this section replaced; one that it did not have comes at its place in `order`. All other bytes stay.

    Args:
        page: "" (or a page without any marker) for a new one.
        section: Its key is one of `order`.
        machine: From `machine`.
        order: Keys of all sections.
    """
    if "<!-- section: " not in page:
        page = _INTRODUCTION
    fresh = section.markdown(machine)
    had = re.search(rf"{re.escape(_open(section.key))}\n.*?{re.escape(_close(section.key))}\n", page, re.DOTALL)
    if had:
        return page[: had.start()] + fresh + page[had.end() :]
    later = order[order.index(section.key) + 1 :]
    places = [page.find(_open(key)) for key in later]
    place = min((found for found in places if found >= 0), default=-1)
    return f"{page.rstrip()}\n\n{fresh}" if place < 0 else f"{page[:place]}{fresh}\n{page[place:]}"


def machine() -> str:
    """Day, processor, cores, system, Python."""
    processor = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        found = re.search(r"^model name\s*:\s*(.+)$", info.read_text(encoding="utf-8"), re.MULTILINE)
        processor = found[1].strip() if found else processor
    day = datetime.now(UTC).date().isoformat()
    system = f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
    return f"{day} on {os.cpu_count()} cores of {processor}, {system}"


def _open(key: str) -> str:
    return f"<!-- section: {key} -->"


def _close(key: str) -> str:
    return f"<!-- end: {key} -->"

"""docs/conformance.md: every case and how each broker takes it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from itertools import groupby
from pathlib import Path

from tests.conformance.base import Cases
from tests.conformance.cases import NO_VENUE, NOT_APPLICABLE, NOT_DECLARED, Case, all_cases, word
from tests.conformance.harness import Ability, Harness, Without
from tests.conformance.suite import Conformance

PAGE = Path(__file__).resolve().parents[2] / "docs/conformance.md"
PASS, FAIL, NOT_RUN = "pass", "FAIL", "not run"
MARKS = (PASS, NOT_DECLARED, NOT_APPLICABLE, NO_VENUE, FAIL, NOT_RUN)
SUBJECTS = {
    "1": "Connection and environment",
    "2": "Contracts, quotes, bars",
    "3": "The account",
    "4": "Orders by type and time in force",
    "5": "Rejections; refused, unknown and unavailable kept apart",
    "6": "The same intent once",
    "7": "Cancelling, changing, partial fills, races",
    "8": "Faults of the venue",
    "9": "Limits",
}
PLACES = {"order_fault": "while an order is sent", "read_fault": "at a question", "stream_fault": "on the stream of orders"}
INTRO = """# Conformance

One list of numbered cases, run against every adapter and a local venue that speaks its broker's own protocol, through the real
client library. The cases are `tests/conformance/suite_*.py`. `make conformance` writes this page, and fails when a case does.

- **pass**: it ran and holds.
- **not declared**: the adapter does not declare the capability (`Capabilities`), or has not made the verb its own. What none
  declares is left out.
- **not applicable**: the broker has no such thing by its nature, so there is nothing to try; why stands at the end.
- **venue cannot express it**: the broker may do this, but its local venue cannot yet, so nothing was tried. To be done.
- **FAIL**: it ran and does not hold.
- **not run**: the client library of that column was not installed when the page was written.

A broker of your own gets its column by one file: a `Harness` for its venue and a subclass of `Conformance`
(`tests/conformance/test_alpaca.py`).
"""


@dataclass(frozen=True)
class Column:
    """One broker of the page.

    Attributes:
        title: As the page writes it.
        test: pytest's module and class.
        harness: Its venue.
        library: Another client library under which it runs once more; "" for the usual one.
    """

    title: str
    test: str
    harness: type[Harness]
    library: str = ""


def columns() -> list[Column]:
    """Every broker of the suite, by name; one whose adapter works with a second client library has a column for each."""
    for module in sorted(Path(__file__).parent.glob("test_*.py")):
        import_module(f"tests.conformance.{module.stem}")
    found = []
    for suite in sorted(_subclasses(Conformance), key=lambda each: _title(each.column)):
        name, test = _title(suite.column), f"{suite.__module__}.{suite.__name__}"
        found.append(Column(name, test, suite.column))
        found += [Column(f"{name} ({each})", test, suite.column, each) for each in suite.column.libraries]
    return found


def _title(harness: type[Harness]) -> str:
    return harness.title or harness.broker_class.name


def expected(column: Column, case: Case) -> str:
    """The mark that a case has where everything holds, known without running it."""
    return case.needs.unmet(column.harness) or PASS


def kept(column: Column, page: str) -> dict[Case, str]:
    """A column as a written page has it; what it does not have was not run, unless it is not declared."""
    written = cells(page)

    def mark(case: Case) -> str:
        unknown = NOT_DECLARED if expected(column, case) == NOT_DECLARED else NOT_RUN
        return written.get((case.number, case.parameters), {}).get(column.title, unknown)

    return {case: mark(case) for case in all_cases(Conformance)}


def cells(page: str) -> dict[tuple[str, str], dict[str, str]]:
    """(number, parameters) -> title of a column -> mark, of a written page; {} for none."""
    found: dict[tuple[str, str], dict[str, str]] = {}
    titles: list[str] = []
    for line in page.splitlines():
        parts = [part.strip() for part in line.strip().strip("|").split("|")] if line.startswith("|") else []
        if parts[:2] == ["case", "with"]:
            titles = parts[3:]
        elif parts and parts[0].isdigit() and titles:
            found[parts[0], parts[1]] = dict(zip(titles, parts[3:], strict=True))
    return found


def reasons(found: Iterable[Column]) -> list[str]:
    """Lines that tell what each broker has not by its nature, the cases that need it, and why."""
    lines = []
    for column in found:
        if column.library:
            continue  # the same venue
        told: dict[Without, list[str]] = {}
        for case in all_cases(Conformance):
            for key in case.needs.excuses(column.harness):
                told.setdefault(key, []).append(case.number)
        for key, why in column.harness.without.items():
            numbers = ", ".join(dict.fromkeys(told.get(key, ())))
            lines.append(f"| {column.title} | {_thing(key)} | {numbers} | {why} |")
    return lines


def _thing(key: Without) -> str:
    if isinstance(key, tuple):
        return f"{word(key[1])} {PLACES[key[0]]}"
    return key.value if isinstance(key, Ability) else word(key)


def render(titles: Sequence[str], marks: Mapping[str, Mapping[Case, str]], why_not: Sequence[str] = ()) -> str:
    """The page; `marks` by title and case, `why_not` as `reasons` gives it."""
    lines = [INTRO, "| |" + "".join(f" {title} |" for title in titles), "|---|" + "---|" * len(titles)]
    shown = [case for case in all_cases(Conformance) if _is_declared([marks[title][case] for title in titles])]
    for mark in MARKS:
        counts = [sum(marks[title][case] == mark for case in shown) for title in titles]
        lines.append(f"| {mark} |" + "".join(f" {count} |" for count in counts))
    for digit, cases in groupby(shown, key=lambda case: case.number[0]):
        lines += ["", f"## {digit}xx {SUBJECTS[digit]}", "", "| case | with | what holds |" + _cells(titles)]
        lines.append("|---|---|---|" + "---|" * len(titles))
        lines += _rows(cases, titles, marks)
    if why_not:
        lines += ["", "## Not applicable", "", "| broker | has no | cases | because |", "|---|---|---|---|", *why_not]
    return "\n".join(lines) + "\n"


def _is_declared(marks: Sequence[str]) -> bool:
    """False where nobody declares what a case is about; a column that was not run says nothing."""
    return NOT_DECLARED not in marks or not {NOT_DECLARED, NOT_RUN}.issuperset(marks)


def _rows(cases: Iterable[Case], titles: Sequence[str], marks: Mapping[str, Mapping[Case, str]]) -> Iterable[str]:
    before = ""
    for case in cases:
        text, before = ("" if case.number == before else case.text), case.number
        yield f"| {case.number} | {case.parameters} | {text} |" + _cells([marks[title][case] for title in titles])


def _cells(words: Iterable[str]) -> str:
    return "".join(f" {word} |" for word in words)


def _subclasses(suite: type[Cases]) -> list[type[Cases]]:
    return [each for each in suite.__subclasses__() if hasattr(each, "column")]

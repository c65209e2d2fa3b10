"""docs/conformance.md is what the suite is: the same cases, and the same marks as far as they are known without running."""

import subprocess
import sys
from collections.abc import Mapping
from typing import ClassVar

import pytest

from include.brokers.base import Broker
from include.domain.instrument import AssetClass
from include.domain.order import OrderType, TimeInForce
from include.sandbox.faults import Fault
from tests.conformance.base import Cases
from tests.conformance.cases import NO_VENUE, NOT_APPLICABLE, NOT_DECLARED, Needs, all_cases, needs, over
from tests.conformance.harness import Ability, Without
from tests.conformance.page import NOT_RUN, PAGE, PASS, Column, cells, columns, expected, kept, reasons, render
from tests.conformance.suite import Conformance
from tests.conformance.test_alpaca import AlpacaHarness


def test_the_page_is_up_to_date() -> None:
    found, page = columns(), PAGE.read_text(encoding="utf-8")
    written, cases = cells(page), list(all_cases(Conformance))
    stale = "run `make conformance` and commit docs/conformance.md"
    marks = {column.title: {case: expected(column, case) for case in cases} for column in found}
    for column in found:  # another client library need not be there: such a column may say so
        if column.library and {row.get(column.title) for row in written.values()} == {NOT_RUN}:
            marks[column.title] = dict.fromkeys(cases, NOT_RUN)
    assert page == render([column.title for column in found], marks, reasons(found)), stale


def test_every_case_is_collected_under_the_name_that_the_page_knows() -> None:
    command = [
        sys.executable,
        "-m",
        "pytest",
        "--collect-only",
        "-q",
        "-p",
        "no:cacheprovider",
        "tests/conformance/test_alpaca.py",
    ]
    done = subprocess.run(command, cwd=PAGE.parents[1], check=True, capture_output=True, text=True)
    collected = [line.rpartition("::")[2] for line in done.stdout.splitlines() if "::" in line]
    assert sorted(collected) == sorted(case.test for case in all_cases(Conformance))


class Few(Cases):
    @over("time_in_force", (TimeInForce.DAY, TimeInForce.OPG))
    @over("order_type", (OrderType.LIMIT,))
    def test_c101_first(self, order_type: OrderType, time_in_force: TimeInForce) -> None:
        """One."""

    @needs(fault=Fault.CLOCK_SKEW)
    def test_c102_second(self) -> None:
        """Two.

        More of it.
        """


class Alone(Cases):
    def test_c101_first(self) -> None:
        """One."""

    def test_c101_again(self) -> None:
        """The same number."""


class Silent(Cases):
    def test_c101_first(self) -> None:
        pass


def test_cases_are_read_without_running_them() -> None:
    found = [(case.number, case.parameters, case.text, case.test) for case in all_cases(Few)]
    assert found == [
        ("101", "limit-day", "One", "test_c101_first[limit-day]"),
        ("101", "limit-opg", "One", "test_c101_first[limit-opg]"),
        ("102", "", "Two", "test_c102_second"),
    ]


@pytest.mark.parametrize("suite", [Alone, Silent])
def test_a_case_needs_a_number_of_its_own_and_words(suite: type) -> None:
    with pytest.raises(ValueError, match="number"):
        list(all_cases(suite))


class Bare(AlpacaHarness):
    """A venue that can do nothing besides, and has some things neither by its nature."""

    faults: ClassVar[frozenset[Fault]] = frozenset()
    order_faults: ClassVar[frozenset[Fault]] = frozenset()
    abilities: ClassVar[frozenset[Ability]] = frozenset()
    without: ClassVar[Mapping[Without, str]] = {
        Ability.HUNDREDTHS: "dollars only",
        ("order_fault", Fault.CLOCK_SKEW): "no clock",
    }


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        (Needs(), None),
        (Needs(verb="fx_quotes"), NOT_DECLARED),
        (Needs(asset_class=AssetClass.BOND), NOT_DECLARED),
        (Needs(order_type=OrderType.LIMIT, time_in_force=TimeInForce.DAY), None),
        (Needs(fault=Fault.SERVER_ERROR), NO_VENUE),
        (Needs(verb="fx_quotes", fault=Fault.SERVER_ERROR), NOT_DECLARED),
        (Needs(ability=Ability.HUNDREDTHS), NOT_APPLICABLE),
        (Needs(ability=Ability.PACING, order_fault=Fault.CLOCK_SKEW), NOT_APPLICABLE),
        (Needs(fault=Fault.CLOCK_SKEW), NO_VENUE),
        (Needs(verb="fx_quotes", ability=Ability.HUNDREDTHS), NOT_DECLARED),
    ],
)
def test_what_is_missing_is_said(wanted: Needs, reason: str | None) -> None:
    assert Bare.broker_class.fx_quotes is Broker.fx_quotes
    assert wanted.unmet(Bare) == reason


def test_why_something_is_not_applicable_is_told_with_its_cases() -> None:
    assert reasons([Column("bare", "", Bare), Column("bare (other)", "", Bare, "other")]) == [
        "| bare | quotes in hundredths of the currency unit | 215 | dollars only |",
        "| bare | clock_skew while an order is sent | 801, 802, 803 | no clock |",
    ]


@pytest.mark.parametrize("column", [column for column in columns() if not column.library], ids=lambda column: column.title)
def test_nothing_is_there_and_not_applicable_at_once(column: Column) -> None:
    harness = column.harness
    has: set[object] = {*harness.abilities, *harness.faults, *harness.refusals}
    has |= {("order_fault", fault) for fault in harness.order_faults} | {("read_fault", fault) for fault in harness.read_faults}
    assert not has & set(harness.without)
    unused = [line for line in reasons([column]) if "|  |" in line]
    assert not unused, "no case needs it"


def test_a_page_is_read_as_it_was_written() -> None:
    cases = list(all_cases(Conformance))
    marks = {"one": dict.fromkeys(cases, PASS), "two": dict.fromkeys(cases, NO_VENUE)}
    page = render(["one", "two"], marks, ["| one | nothing | 101 | why |"])
    read = cells(page)
    assert set(read) == {(case.number, case.parameters) for case in cases}
    assert all(marks == {"one": PASS, "two": NO_VENUE} for marks in read.values())
    assert cells("") == {}


@pytest.mark.parametrize(
    ("one", "two", "is_there"),
    [
        (NOT_DECLARED, NOT_DECLARED, False),
        (NOT_DECLARED, NOT_RUN, False),
        (NOT_RUN, NOT_RUN, True),
        (NOT_DECLARED, NO_VENUE, True),
        (NOT_DECLARED, NOT_APPLICABLE, True),
        (PASS, NOT_DECLARED, True),
    ],
)
def test_what_nobody_declares_is_left_out_and_not_counted(one: str, two: str, is_there: bool) -> None:
    first, *others = cases = list(all_cases(Conformance))
    marks = {
        "one": {**dict.fromkeys(cases, PASS), first: one},
        "two": {**dict.fromkeys(cases, PASS), first: two},
    }
    page = render(["one", "two"], marks)
    shown = cases if is_there else others
    assert list(cells(page)) == [(case.number, case.parameters) for case in shown]
    counted = [
        int(line.split("|")[2]) for line in page.splitlines() if line.startswith(("| pass |", "| not ", "| venue ", "| FAIL"))
    ]
    assert sum(counted) == len(shown)


def test_a_column_that_cannot_be_run_stays_as_it_was() -> None:
    cases = list(all_cases(Conformance))
    (column,) = (each for each in columns() if each.title == "alpaca")
    marks = dict.fromkeys(cases, PASS)
    assert kept(column, render(["alpaca"], {"alpaca": marks})) == marks
    unknown = kept(column, "")
    assert set(unknown.values()) == {NOT_RUN, NOT_DECLARED}
    assert {case for case in cases if unknown[case] == NOT_DECLARED} == {
        case for case in cases if expected(column, case) == NOT_DECLARED
    }

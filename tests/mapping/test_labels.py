"""The labelled set: that its labels hold, that the matcher agrees with them, and that naive matchers do not."""

from collections import Counter
from pathlib import Path

import pytest
from stdnum import isin

from benchmarks.accuracy import MATCHERS, Answer, Outcome, Score, ask, ask_truth, failures
from benchmarks.labelled import Expected, Label, read_labels, read_truth
from benchmarks.real_tables import BROKERS, table
from include.domain.instrument import AssetClass
from include.domain.mapping import Mapping, MappingStatus
from include.mapping.matcher import match
from tests.mapping.build import contract, instrument

LABELS = [label for broker in BROKERS for label in read_labels(broker)]


def test_there_are_enough_labels_of_many_kinds() -> None:
    assert len(LABELS) >= 300
    assert len({label.kind for label in LABELS}) >= 15


@pytest.mark.parametrize("broker", BROKERS)
def test_labels_are_well_formed(broker: str) -> None:
    labels = read_labels(broker)
    assert [one for one in labels if (one.status is Expected.NONE) != (one.contract == "")] == []
    assert [one for one in labels if one.instrument.isin and not isin.is_valid(one.instrument.isin)] == []
    assert [one for one, times in Counter((o.instrument, o.status) for o in labels).items() if times > 1] == []


@pytest.mark.parametrize("broker", BROKERS)
def test_every_expected_contract_is_in_the_list_once(broker: str, shared_data: Path) -> None:
    listed = Counter(table(shared_data, broker)["symbol" if broker == "alpaca" else "native_id"].to_pylist())
    assert [label for label in read_labels(broker) if label.contract and listed[label.contract] != 1] == []


@pytest.mark.parametrize("broker", BROKERS)
def test_names_are_not_copied_from_the_list(broker: str, shared_data: Path) -> None:
    """A copied name would say nothing about names; some are equal by nature (`Visa Inc.`). Pairs have none of their own."""
    listed = set(table(shared_data, broker)["name"].to_pylist())
    kinds = (AssetClass.STOCK, AssetClass.ETF)
    named = [label for label in read_labels(broker) if label.contract and label.instrument.asset_class in kinds]
    copied = [label for label in named if label.instrument.name in listed]
    assert len(copied) <= len(named) / 10, copied


def test_the_truth_is_read_whole(shared_data: Path) -> None:
    counts = Counter(label.status for label in read_truth(shared_data))
    assert counts == {Expected.MATCHED: 435, Expected.OTHER_LISTING: 1, Expected.NONE: 4}


def test_the_matcher_is_never_wrong_and_finds_99_of_100(shared_data: Path) -> None:
    answers = [*ask(match, shared_data), *ask_truth(match, shared_data)]
    print(f"\n{failures(answers)}")
    score = Score.of(answers)
    assert score.wrong == 0
    assert score.recall >= 0.99
    assert Score.of(ask_truth(match, shared_data, with_isins=False)).wrong == 0


@pytest.mark.parametrize("name", ["plain symbol", "first match wins"])
def test_naive_matchers_are_wrong_on_this_set(name: str, shared_data: Path) -> None:
    answers = [*ask(MATCHERS[name], shared_data), *ask_truth(MATCHERS[name], shared_data)]
    assert {answer.label.kind for answer in answers if answer.outcome is Outcome.WRONG} >= {"recycled_symbol", "foreign_namesake"}
    assert Score.of(answers).wrong >= 100


@pytest.mark.parametrize(
    ("label", "native_id", "said", "outcome"),
    [
        (Expected.MATCHED, "7", MappingStatus.MATCHED, Outcome.FOUND),
        (Expected.MATCHED, "7", MappingStatus.OTHER_LISTING, Outcome.MISSED),
        (Expected.MATCHED, "8", MappingStatus.MATCHED, Outcome.WRONG),
        (Expected.MATCHED, None, MappingStatus.NOT_FOUND, Outcome.MISSED),
        (Expected.MATCHED, None, MappingStatus.AMBIGUOUS, Outcome.MISSED),
        (Expected.OTHER_LISTING, "7", MappingStatus.OTHER_LISTING, Outcome.FOUND),
        (Expected.OTHER_LISTING, "7", MappingStatus.MATCHED, Outcome.WRONG),
        (Expected.OTHER_LISTING, "8", MappingStatus.OTHER_LISTING, Outcome.WRONG),
        (Expected.OPTIONAL, "7", MappingStatus.OTHER_LISTING, Outcome.RIGHT),
        (Expected.OPTIONAL, "8", MappingStatus.MATCHED, Outcome.WRONG),
        (Expected.OPTIONAL, None, MappingStatus.AMBIGUOUS, Outcome.RIGHT),
        (Expected.NONE, None, MappingStatus.NOT_FOUND, Outcome.RIGHT),
        (Expected.NONE, "8", MappingStatus.OTHER_LISTING, Outcome.WRONG),
    ],
)
def test_outcomes(label: Expected, native_id: str | None, said: MappingStatus, outcome: Outcome) -> None:
    assert answer(label, said, native_id).outcome is outcome


def test_another_currency_is_never_the_wanted_listing() -> None:
    assert answer(Expected.OPTIONAL, MappingStatus.OTHER_LISTING, "7", currency="EUR").outcome is Outcome.RIGHT
    assert answer(Expected.OPTIONAL, MappingStatus.MATCHED, "7", currency="EUR").outcome is Outcome.WRONG


def answer(label: Expected, said: MappingStatus, native_id: str | None, currency: str = "USD") -> Answer:
    """What a matcher said about an instrument in USD whose right contract, if any, is 7."""
    found = contract(native_id, "ACME", currency=currency) if native_id else None
    mapping = Mapping(broker="ibkr", ticker="ACME", instrument_id="ticker:ACME", status=said, contract=found)
    wanted = instrument("ACME", "Acme Inc.")
    return Answer(Label("ibkr", "plain", label, "" if label is Expected.NONE else "7", wanted), mapping)


def test_recall_is_of_what_was_to_be_found() -> None:
    assert Score(labels=10, to_find=4, found=3, wrong=0, missed=1, right=6).recall == 0.75
    assert Score(labels=2, to_find=0, found=0, wrong=0, missed=0, right=2).recall == 1.0

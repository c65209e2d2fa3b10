from collections.abc import Sequence
from typing import Any

import pytest

from include.domain.instrument import AssetClass
from include.identity.openfigi import ATTEMPTS, OpenFigi
from include.identity.source import Answers, Query
from tests.identity.build import (
    APPLE,
    APPLE_CLASS,
    APPLE_FIGI,
    IBM_CLASS,
    IBM_FIGI,
    MARCH,
    MARKETS,
    identity,
    query,
)
from tests.identity.openfigi_server import KEY, OpenFigiServer, row

IBM_ROW = row(IBM_FIGI, "IBM", "INTL BUSINESS MACHINES CORP", shareClassFIGI=IBM_CLASS)


def client(server: OpenFigiServer, api_key: str | None = None) -> OpenFigi:
    return OpenFigi(MARKETS, MARCH, api_key=api_key, url=server.url, sleep=server.clock.sleep, clock=server.clock.now)


def ask(server: OpenFigiServer, queries: Sequence[Query], api_key: str | None = None) -> Answers:
    with client(server, api_key) as source:
        return source.find(queries)


def many(number: int) -> list[Query]:
    return [query(f"S{index}") for index in range(number)]


def test_a_symbol_is_asked_on_its_market_in_its_currency(openfigi: OpenFigiServer) -> None:
    openfigi.listings["TICKER", "IBM", "US", "USD"] = [IBM_ROW]
    answers = ask(openfigi, [query("IBM"), query("NOBODY")])
    expected = identity(
        "IBM",
        isin=None,
        figi=IBM_FIGI,
        share_class_figi=IBM_CLASS,
        name="INTL BUSINESS MACHINES CORP",
        source="openfigi",
        source_date=MARCH,
    )
    assert answers.found == {"IBM": (expected,), "NOBODY": ()}
    assert answers.troubles == []
    assert openfigi.requests[0][0] == {"idType": "TICKER", "idValue": "IBM", "exchCode": "US", "currency": "USD"}


def test_an_isin_is_asked_where_it_is_known_and_markets_by_their_mic(openfigi: OpenFigiServer) -> None:
    ask(openfigi, [query("VOD", market="XLON", currency="GBP", isin="GB00BH4HKS39"), query("BRK.B")])
    assert openfigi.requests == [
        [
            {"idType": "ID_ISIN", "idValue": "GB00BH4HKS39", "micCode": "XLON", "currency": "GBp"},
            {"idType": "TICKER", "idValue": "BRK/B", "exchCode": "US", "currency": "USD"},
        ]
    ]


def test_the_isin_asked_by_is_that_of_the_answer(openfigi: OpenFigiServer) -> None:
    openfigi.listings["ID_ISIN", APPLE, "US", "USD"] = [row(APPLE_FIGI, "AAPL", "APPLE INC", shareClassFIGI=APPLE_CLASS)]
    (found,) = ask(openfigi, [query("AAPL", isin=APPLE)]).found["AAPL"]
    assert (found.isin, found.figi, found.symbol) == (APPLE, APPLE_FIGI, "AAPL")


def test_nothing_to_ask_and_markets_that_it_does_not_have(openfigi: OpenFigiServer) -> None:
    assert ask(openfigi, []).found == {}
    assert ask(openfigi, [query("BTC", market="CRYPTO"), query("X", market="NOWHERE")]).found == {}
    assert openfigi.requests == []


@pytest.mark.parametrize(
    ("told", "kind", "name"),
    [
        ({}, AssetClass.STOCK, "SOME CO"),
        ({"securityType": "ETP", "securityType2": "Mutual Fund"}, AssetClass.ETF, "SOME CO"),
        ({"securityType": "REIT", "securityType2": "REIT"}, AssetClass.STOCK, "SOME CO"),
        ({"securityType": "ADR", "securityType2": "Depositary Receipt"}, AssetClass.STOCK, "SOME CO ADR"),
        ({"securityType": "Equity WRT", "securityType2": "Warrant"}, None, "SOME CO"),
        ({"securityType": None, "securityType2": None}, None, "SOME CO"),
    ],
)
def test_kinds(openfigi: OpenFigiServer, told: dict[str, Any], kind: AssetClass | None, name: str) -> None:
    openfigi.listings["TICKER", "IBM", "US", "USD"] = [row(IBM_FIGI, "IBM", "SOME CO", **told)]
    (found,) = ask(openfigi, [query("IBM")]).found["IBM"]
    assert (found.asset_class, found.name) == (kind, name)


@pytest.mark.parametrize(("key", "sizes"), [(None, [10, 10, 5]), (KEY, [25])])
def test_requests_are_as_large_as_allowed(openfigi: OpenFigiServer, key: str | None, sizes: list[int]) -> None:
    answers = ask(openfigi, many(25), key)
    assert [len(jobs) for jobs in openfigi.requests] == sizes
    assert len(answers.found) == 25


def test_a_lower_limit_of_jobs_than_documented_is_learned(openfigi: OpenFigiServer) -> None:
    openfigi.max_jobs = 5
    answers = ask(openfigi, many(20))
    assert [len(jobs) for jobs in openfigi.requests] == [10, 5, 5, 5, 5]
    assert (len(answers.found), answers.troubles) == (20, [])


def test_the_rate_limit_is_kept(openfigi: OpenFigiServer) -> None:
    answers = ask(openfigi, many(300))
    assert len(answers.found) == 300
    assert len(openfigi.requests) == 30  # none refused, so none repeated
    assert openfigi.clock.waited == [60.0]


def test_others_have_used_the_limit_up(openfigi: OpenFigiServer) -> None:
    openfigi.used = 25
    answers = ask(openfigi, many(1))
    assert (len(answers.found), answers.troubles) == (1, [])
    assert (len(openfigi.requests), openfigi.clock.waited) == (2, [60.0])


def test_asked_too_often_for_ever(openfigi: OpenFigiServer) -> None:
    openfigi.faults = [None] + [429] * ATTEMPTS
    answers = ask(openfigi, many(25))
    assert len(answers.found) == 10  # what had been answered is kept
    assert answers.troubles == ["RateLimited: openfigi: asked too often; 15 of 25 not answered"]
    assert len(openfigi.requests) == 1 + ATTEMPTS


@pytest.mark.parametrize("fault", [500, 503, 404, "garbage", "half", "object"])
def test_a_passing_failure_is_asked_again(openfigi: OpenFigiServer, fault: int | str) -> None:
    openfigi.faults = [fault, fault]
    answers = ask(openfigi, many(3))
    assert (len(answers.found), answers.troubles) == (3, [])
    assert openfigi.clock.waited == [1.0, 2.0]


@pytest.mark.parametrize(
    ("fault", "trouble"),
    [
        (503, "BrokerUnavailable: openfigi: HTTP 503; 3 of 3 not answered"),
        ("garbage", "BrokerUnavailable: openfigi's answer made no sense: not JSON; 3 of 3 not answered"),
        ("half", "BrokerUnavailable: openfigi's answer made no sense: not one entry per job; 3 of 3 not answered"),
        ("object", "BrokerUnavailable: openfigi's answer made no sense: not one entry per job; 3 of 3 not answered"),
    ],
)
def test_a_lasting_failure_is_a_trouble(openfigi: OpenFigiServer, fault: int | str, trouble: str) -> None:
    openfigi.faults = [fault] * ATTEMPTS
    answers = ask(openfigi, many(3))
    assert (answers.found, answers.troubles) == ({}, [trouble])
    assert len(openfigi.requests) == ATTEMPTS


def test_nobody_listens(openfigi: OpenFigiServer) -> None:
    clock = openfigi.clock
    with OpenFigi(MARKETS, MARCH, url="http://127.0.0.1:9", sleep=clock.sleep, clock=clock.now) as source:
        answers = source.find(many(2))
    assert answers.troubles == ["BrokerUnavailable: openfigi: ConnectError; 2 of 2 not answered"]


def test_a_refused_key_is_not_tried_again(openfigi: OpenFigiServer) -> None:
    answers = ask(openfigi, many(2), "wrong-key")
    assert answers.troubles == ["AuthenticationFailed: openfigi refused the key (HTTP 401); 2 of 2 not answered"]
    assert len(openfigi.requests) == 1


def test_one_job_that_is_refused_does_not_take_the_others_along(
    openfigi: OpenFigiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = client(openfigi)
    own = source._job

    def job(asked: Query) -> dict[str, str]:
        return own(asked) | ({"idType": "ID_UNHEARD_OF"} if asked.key == "S3" else {})

    monkeypatch.setattr(source, "_job", job)
    with source:
        answers = source.find(many(8))
    assert sorted(answers.found) == ["S0", "S1", "S2", "S4", "S5", "S6", "S7"]
    assert answers.troubles == ["openfigi, S3: HTTP 400"]


@pytest.mark.parametrize(
    "entry",
    [
        None,
        {},
        [],
        {"data": "x"},
        {"data": []},
        {"data": [{}]},
        {"data": [IBM_ROW, "x"]},
        {"data": [IBM_ROW, IBM_ROW | {"figi": "BBG000BLNNH7"}]},
        {"data": [IBM_ROW | {"shareClassFIGI": "BBG001S5S390"}]},
        {"data": [IBM_ROW | {"ticker": None}]},
    ],
)
def test_an_entry_that_makes_no_sense_is_no_answer(openfigi: OpenFigiServer, entry: Any) -> None:
    openfigi.broken["IBM"] = entry
    answers = ask(openfigi, [query("IBM"), query("OTHER")])
    assert answers.found == {"OTHER": ()}
    assert answers.troubles == ["openfigi, IBM: an answer that made no sense"]


def test_an_error_of_one_job(openfigi: OpenFigiServer) -> None:
    openfigi.broken["IBM"] = {"error": "Invalid currency."}
    answers = ask(openfigi, [query("IBM")])
    assert (answers.found, answers.troubles) == ({}, ["openfigi, IBM: Invalid currency."])

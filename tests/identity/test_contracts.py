from typing import Any

import pyarrow as pa
import pytest

from include.domain.contract import CONTRACT_SCHEMA, Contract, to_table
from include.identity.contracts import enrich_contracts
from include.identity.table import claims
from tests.identity.build import APPLE, APPLE_CLASS, IBM, IBM_CLASS, MARCH, MARKETS, MICROSOFT, TOYOTA, said, same_names, table

NAMED = {"name": "AAPL Corp"}


def contract(native_id: str = "1", **other: Any) -> Contract:
    values = {"broker": "x", "native_id": native_id, "symbol": "AAPL", "currency": "USD", "mic": "XNAS", **NAMED}
    return Contract.model_validate(values | other)


def enriched(contracts: list[Contract], *statements: dict[str, Any], home: str | None = None) -> list[str | None]:
    """The ISINs afterwards."""
    made = enrich_contracts(to_table(contracts), claims(table(*statements), MARCH), MARKETS, same_names, home)
    assert made.schema == CONTRACT_SCHEMA
    assert made["native_id"].to_pylist() == [one.native_id for one in contracts]
    return [str(isin) if isin else None for isin in made["isin"].to_pylist()]


def test_a_contract_that_agrees_gets_the_isin_with_its_evidence() -> None:
    contracts = to_table(
        [contract(evidence="symbol=AAPL"), contract("2", symbol="MSFT", name="MSFT Corp"), contract("3", symbol="X")]
    )
    told = {b"knows_isin": b"false"}
    stated = table(said(APPLE, "AAPL"), said(MICROSOFT, "MSFT", source="exchange"))
    contracts = contracts.replace_schema_metadata(told)
    made = enrich_contracts(contracts, claims(stated, MARCH), MARKETS, same_names)
    assert made["isin"].to_pylist() == [APPLE, MICROSOFT, None]
    expected = ["symbol=AAPL; identity=list 2026-01-05", "identity=exchange 2026-01-05", None]
    assert made["evidence"].to_pylist() == expected
    others = [name for name in CONTRACT_SCHEMA.names if name not in ("isin", "evidence")]
    assert made.select(others).equals(contracts.select(others))
    assert made.schema.metadata == told


@pytest.mark.parametrize(
    "other",
    [
        {"symbol": "AAPLW"},
        {"mic": "XLON"},
        {"mic": "XXXX"},
        {"mic": ""},
        {"mic": "", "exchange": "VALUE"},
        {"currency": "CAD"},
        {"asset_class": "etf"},
        {"asset_class": "option"},
        {"name": "Apple Hospitality"},
        {"name": ""},
        {"tradable": False},
        {"cusip": "594918104"},
        {"share_class_figi": IBM_CLASS},
    ],
)
def test_what_does_not_agree_stays_as_it_is(other: dict[str, Any]) -> None:
    statement = said(APPLE, "AAPL", share_class_figi=APPLE_CLASS)
    assert enriched([contract(**other)], statement) == [None]
    assert enriched([contract()], statement) == [APPLE]  # the same contract without that difference


def test_a_cusip_and_a_share_class_that_agree_are_no_hindrance() -> None:
    statement = said(APPLE, "AAPL", share_class_figi=APPLE_CLASS)
    assert enriched([contract(cusip="037833100", share_class_figi=APPLE_CLASS)], statement) == [APPLE]


def test_markets_by_mic_by_the_brokers_word_and_by_its_only_market() -> None:
    toyota = said(TOYOTA, "7203", market="XTKS", currency="JPY", **NAMED)
    by_word = contract(symbol="7203", mic="", exchange="TSEJ", currency="JPY")
    assert enriched([by_word], toyota) == [TOYOTA]
    assert enriched([contract(mic="", exchange="")], said(APPLE, "AAPL"), home="US") == [APPLE]
    assert enriched([contract(mic="", exchange="VALUE")], said(APPLE, "AAPL"), home="US") == [None]


def test_symbols_in_the_brokers_own_spelling() -> None:
    assert enriched([contract(symbol="BRK B")], said(APPLE, "BRK.B", **NAMED)) == [APPLE]


def test_an_isin_that_the_broker_tells_is_never_changed() -> None:
    assert enriched([contract(isin=MICROSOFT)], said(APPLE, "AAPL")) == [MICROSOFT]


def test_two_contracts_that_could_be_it_get_nothing() -> None:
    assert enriched([contract("1"), contract("2")], said(APPLE, "AAPL")) == [None, None]
    assert enriched([contract("1"), contract("2", isin=APPLE, symbol="OTHER")], said(APPLE, "AAPL")) == [None, APPLE]
    assert enriched([contract("1"), contract("2", tradable=False)], said(APPLE, "AAPL")) == [APPLE, None]
    assert enriched([contract("1"), contract("1")], said(APPLE, "AAPL")) == [APPLE, APPLE]  # one contract, told twice


def test_two_listings_of_one_isin_are_two_contracts() -> None:
    statements = [said(APPLE, "APC", market=market, currency="EUR", **NAMED) for market in ("XETR", "XFRA")]
    both = [contract(mic, symbol="APC", mic=mic, currency="EUR") for mic in ("XETR", "XFRA")]
    assert enriched(both, *statements) == [APPLE, APPLE]


def test_contradicting_statements_give_nothing() -> None:
    assert enriched([contract()], said(APPLE, "AAPL"), said(MICROSOFT, "AAPL")) == [None]
    assert enriched([contract()], said(IBM, "AAPL", **NAMED), said(IBM, "IBM")) == [None]


def test_nothing_to_do() -> None:
    assert enriched([], said(APPLE, "AAPL")) == []
    assert enriched([contract()]) == [None]


def test_names_are_compared_once_per_pair() -> None:
    compared: list[tuple[str, str]] = []

    def plausible(ours: pa.Array, theirs: pa.Array) -> pa.Array:
        compared.extend(zip(ours.to_pylist(), theirs.to_pylist(), strict=True))
        return pa.array([True] * len(ours))

    rows = [contract("1", name="APPLE"), contract("1", name="APPLE"), contract("9", symbol="ZZZ", name="NOBODY ASKED")]
    contracts = pa.concat_tables([to_table(rows), to_table([contract("2", symbol="MSFT", name="msft corp")])])
    claimed = claims(table(said(APPLE, "AAPL"), said(MICROSOFT, "MSFT")), MARCH)
    made = enrich_contracts(contracts, claimed, MARKETS, plausible)
    assert made["isin"].to_pylist() == [APPLE, APPLE, None, MICROSOFT]
    assert compared == [("AAPL Corp", "APPLE")]

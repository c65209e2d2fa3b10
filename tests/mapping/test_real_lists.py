"""The matcher on real lists (18,958 IBKR contracts, 11,579 US listings) against the user's own universe. Prints its figures."""

import csv
import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from benchmarks.real_tables import table
from include.domain.contract import CONTRACT_SCHEMA
from include.domain.instrument import Instrument
from include.domain.mapping import Mapping, MappingStatus
from include.mapping.matcher import match
from include.mapping.pairs import SYMBOL_NAME_MIN
from include.mapping.similarity import similarity
from tests.mapping.build import MARKETS, instrument

# Renamed between the export and the contract list, or named with words more or less: without an ISIN nobody can know that they
# are the same, and not a successor under the same symbol.
RENAMED = {
    *("2154.T", "2331.T", "3663.T", "3676.T", "4722.T", "4828.T", "6037.T", "6086.T", "6245.T", "6420.T", "6490.T", "6532.T"),
    *("7735.T", "7921.T", "AYI", "DPM.TO", "FMM-B.ST", "FNX.L", "FPE.DE", "INSTAL.ST", "LISN.SW", "MTH", "PERR.PA", "WLK"),
}


@pytest.fixture(scope="module")
def truth(shared_data: Path) -> dict[str, dict[str, str]]:
    with open(shared_data / "uncle_stock" / "ibkr_truth.csv", encoding="utf-8") as file:
        return {row["ticker"]: row for row in csv.DictReader(file)}


@pytest.fixture(scope="module")
def universe(shared_data: Path, truth: dict[str, dict[str, str]]) -> list[Instrument]:
    """The 438 instruments of the old universe, and the four that only the truth has."""
    with open(shared_data / "uncle_stock" / "universe.json", encoding="utf-8") as file:
        stocks: dict[str, Any] = json.load(file)["all_stocks"]
    rows = {**truth, **stocks}
    return [
        instrument(ticker, row["name"], None if row["isin"] in ("", "null") else row["isin"], currency=row["currency"])
        for ticker, row in rows.items()
    ]


@pytest.fixture(scope="module")
def ibkr(shared_data: Path) -> pa.Table:
    return table(shared_data, "ibkr")


@pytest.fixture(scope="module")
def us_listings(shared_data: Path) -> list[dict[str, Any]]:
    return [row for row in table(shared_data, "alpaca").to_pylist() if row["asset_class"] != "crypto"]


def outcome(found: list[Mapping], truth: dict[str, dict[str, str]]) -> tuple[set[str], set[str], set[str]]:
    """(right, wrong, missed) tickers of the truth."""
    right, wrong, missed = set(), set(), set()
    for mapping in found:
        expected = truth.get(mapping.ticker)
        if mapping.contract is None:
            if expected and expected["expected"] != "not_found":
                missed.add(mapping.ticker)
            continue
        status = {"match": "matched", "other_listing": "other_listing"}.get(expected["expected"]) if expected else None
        same = expected is not None and mapping.contract.native_id == expected["con_id"]
        (right if same and mapping.status == status else wrong).add(mapping.ticker)
    return right, wrong, missed


def test_ibkr_agrees_with_the_truth(universe: list[Instrument], ibkr: pa.Table, truth: dict[str, dict[str, str]]) -> None:
    found = match(universe, ibkr, MARKETS, True, "ibkr")
    right, wrong, missed = outcome(found, truth)
    by_ticker = {mapping.ticker: mapping for mapping in found}
    print(f"\nwith ISINs: {len(right)} right, {len(wrong)} wrong, missed {sorted(missed)}")
    assert wrong == set()
    assert len([ticker for ticker in right if truth[ticker]["expected"] == "match"]) >= 425
    assert missed == {"DPM.TO"}  # its ISIN only has a US listing under the old name, Toronto's has a new name: reported
    assert by_ticker["DPM.TO"].status is MappingStatus.AMBIGUOUS
    assert by_ticker["DWHT.L"].reason == "inactive"
    assert by_ticker["ILYDA.AT"].status is MappingStatus.OTHER_LISTING


def test_ibkr_without_isins_is_never_wrong(universe: list[Instrument], ibkr: pa.Table, truth: dict[str, dict[str, str]]) -> None:
    bare = ibkr.set_column(ibkr.schema.get_field_index("isin"), "isin", pa.nulls(ibkr.num_rows, pa.string()))
    right, wrong, missed = outcome(match(universe, bare, MARKETS, True, "ibkr"), truth)
    print(f"\nwithout ISINs: {len(right)} right, {len(wrong)} wrong, missed {sorted(missed)}")
    assert wrong == set()
    assert missed == RENAMED


def test_scrambled_isins_are_a_veto(universe: list[Instrument], ibkr: pa.Table) -> None:
    """Every contract says it is another thing: then nothing may match by anything."""
    other = ibkr.set_column(ibkr.schema.get_field_index("isin"), "isin", pa.array(["US0000000000"] * ibkr.num_rows))
    found = match([one for one in universe if one.isin], other, MARKETS, True, "ibkr")
    assert [mapping.ticker for mapping in found if mapping.contract] == []


def test_us_listings_as_alpaca_has_them(universe: list[Instrument], us_listings: list[dict[str, Any]]) -> None:
    listed = pa.Table.from_pylist(us_listings, schema=CONTRACT_SCHEMA)
    found = match(universe, listed, MARKETS, False, "alpaca", "US")
    us = [mapping for mapping in found if "." not in mapping.ticker]
    abroad = [mapping for mapping in found if "." in mapping.ticker]
    reasons = Counter(mapping.reason for mapping in abroad)
    print(f"\nUS listings: {sum(m.status is MappingStatus.MATCHED for m in us)} of {len(us)} US tickers; abroad {dict(reasons)}")
    assert [mapping.ticker for mapping in us if mapping.status is not MappingStatus.MATCHED] == ["AYI", "MTH", "WLK"]  # renamed
    assert [m.ticker for m in us if m.contract and m.contract.symbol != m.ticker.replace("-", ".")] == []
    assert [mapping.ticker for mapping in abroad if mapping.contract] == []
    assert reasons["market_mismatch"] == 28


def test_each_us_listing_finds_itself_and_no_stranger(us_listings: list[dict[str, Any]]) -> None:
    listed = pa.Table.from_pylist(us_listings, schema=CONTRACT_SCHEMA)
    rows = [row for row in us_listings if ".PR" not in row["symbol"]]
    wanted = [instrument(r["symbol"].replace(".", "-"), r["name"], market="US", asset_class=r["asset_class"]) for r in rows]
    found = match(wanted, listed, MARKETS, False, "alpaca", "US")
    matched = [mapping for mapping in found if mapping.contract]
    assert all(m.contract and m.contract.symbol.replace(".", "-") == m.ticker for m in matched)
    assert len(matched) >= 11_300
    names = [one.name for one in wanted]
    random.Random(7).shuffle(names)
    strangers = [one.model_copy(update={"name": name}) for one, name in zip(wanted, names, strict=True)]
    accepted = [m for m in match(strangers, listed, MARKETS, False, "alpaca", "US") if m.contract]
    print(f"\n{len(matched)} of {len(rows)} listings find themselves; {len(accepted)} accept a stranger's name")
    assert accepted == []


def test_the_threshold_lies_between_namesakes_and_renamings(
    universe: list[Instrument], ibkr: pa.Table, truth: dict[str, dict[str, str]], us_listings: list[dict[str, Any]]
) -> None:
    names = dict(zip(ibkr["native_id"].to_pylist(), ibkr["name"].to_pylist(), strict=True))
    same = {
        ticker: similarity(row["name"], names[row["con_id"]])
        for ticker, row in truth.items()
        if row["con_id"] and ticker not in RENAMED
    }
    listed = {row["symbol"]: row["name"] for row in us_listings}
    foreign = {one.ticker: one.ticker.partition(".")[0].replace("-", ".") for one in universe if "." in one.ticker}
    namesakes = {
        one.ticker: similarity(one.name, listed[foreign[one.ticker]])
        for one in universe
        if foreign.get(one.ticker) in listed and one.ticker not in ("SVM.TO", "RACE.MI")  # the same company there
    }
    print(f"\nsame company from {min(same.values())}, namesakes up to {max(namesakes.values())}")
    assert len(namesakes) == 26
    assert max(namesakes.values()) + 10 < SYMBOL_NAME_MIN < min(same.values())

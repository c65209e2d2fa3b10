import copy

import pytest

from include.domain.instrument import AssetClass
from include.domain.mapping import MappingStatus
from include.domain.terms import Terms
from include.errors import InputError
from include.mapping.legacy import legacy
from include.mapping.merge import entry, instruments_of, merge, unavailable
from include.settings import load_settings
from tests.mapping.build import MARKETS
from tests.mapping.documents import ELIGIBILITY, FACTS, hit, miss, stock, universe

RULES = load_settings().preferences
ASSET_ID = "904837e3-3b76-47ec-b432-046db621571b"
DOCUMENT = universe(stock("AAPL"), stock("7740.T", market="XTKS", currency="JPY"), stock("NOPE"))
BY_BROKER = {
    "ibkr": [hit("AAPL"), hit("7740.T", native_id="41664965"), miss("NOPE")],
    "alpaca": [hit("AAPL", "alpaca", ASSET_ID), miss("7740.T", "alpaca", "not_eligible"), miss("NOPE", "alpaca")],
}


def merged(document=DOCUMENT, by_broker=None):  # type: ignore[no-untyped-def]
    return merge(document, by_broker or BY_BROKER, ELIGIBILITY, RULES, MARKETS, "2026-11-20T21:30:00+00:00", FACTS)


def test_the_form_of_the_seed() -> None:
    row = merged()["screens"]["bloom"]["stocks"][0]
    assert row["broker_mappings"]["ibkr"] == {
        "found": True,
        "status": "matched",
        "symbol": "AAPL",
        "native_id": "265598",
        "conId": 265598,
        "name": "AAPL INC",
        "exchange": "NASDAQ",
        "mic": "XNAS",
        "currency": "USD",
        "isin": None,
        "search_method": "ticker",
        "score": 1.0,
    }
    alpaca = row["broker_mappings"]["alpaca"]
    assert {key: alpaca[key] for key in ("found", "symbol", "asset_id", "asset_class", "tradable")} == {
        "found": True,
        "symbol": "AAPL",
        "asset_id": ASSET_ID,
        "asset_class": "us_equity",
        "tradable": True,
    }
    assert (row["best_broker"], row["execution_preference"]) == ("alpaca", ["alpaca", "ibkr"])


def test_a_miss_says_why() -> None:
    row = merged()["all_stocks"]["7740.T"]
    assert row["broker_mappings"]["alpaca"] == {"found": False, "status": "not_found", "reason": "not_eligible"}
    assert (row["best_broker"], row["execution_preference"]) == ("ibkr", ["ibkr"])
    unmapped = merged()["all_stocks"]["NOPE"]
    assert (unmapped["best_broker"], unmapped["execution_preference"]) == (None, [])


def test_candidates_are_kept() -> None:
    unclear = miss("NOPE", reason="ambiguous", status=MappingStatus.AMBIGUOUS, candidates=("1", "2"))
    document = merged(by_broker={"ibkr": [*BY_BROKER["ibkr"][:2], unclear]})
    assert document["all_stocks"]["NOPE"]["broker_mappings"]["ibkr"]["candidates"] == ["1", "2"]


def test_metadata_counts() -> None:
    metadata = merged()["metadata"]
    assert metadata["created_at"] == "2026-11-20T21:30:00+00:00"
    assert metadata["brokers_included"] == ["alpaca", "ibkr"]
    assert metadata["brokers_unavailable"] == []
    stats = metadata["mapping_stats"]
    # Tokyo is full at IBKR alone: Alpaca could never trade it
    assert {key: stats[key] for key in ("total_stocks", "fully_mapped", "partially_mapped", "unmapped")} == {
        "total_stocks": 3,
        "fully_mapped": 2,
        "partially_mapped": 0,
        "unmapped": 1,
    }
    assert stats["brokers"]["ibkr"] == {"matched": 2, "other_listing": 0, "ambiguous": 0, "not_found": 1, "unavailable": 0}


def test_partially_mapped_and_a_broker_that_is_away() -> None:
    document = merged(by_broker={"ibkr": BY_BROKER["ibkr"], "alpaca": unavailable(instruments_of(DOCUMENT), "alpaca")})
    stats = document["metadata"]["mapping_stats"]
    assert (stats["fully_mapped"], stats["partially_mapped"], stats["unmapped"]) == (1, 1, 1)
    assert document["metadata"]["brokers_unavailable"] == ["alpaca"]
    told = document["all_stocks"]["AAPL"]["broker_mappings"]["alpaca"]
    assert told == {"found": False, "status": "unavailable", "reason": "unavailable"}


def test_paper_makes_nothing_mapped() -> None:
    one = universe(stock("AAPL"))
    document = merge(one, {"ibkr": [miss("AAPL")], "paper": [hit("AAPL", "paper")]}, ELIGIBILITY, RULES, MARKETS, "t", FACTS)
    assert document["metadata"]["mapping_stats"]["unmapped"] == 1
    assert document["all_stocks"]["AAPL"]["best_broker"] == "paper"


def test_mirrors_of_ibkr_have_con_ids_too() -> None:
    one = universe(stock("AAPL"))
    mirrored = hit("AAPL", "paper", "ibkr:265598")
    document = merge(one, {"paper": [mirrored]}, ELIGIBILITY, RULES, MARKETS, "t", FACTS)
    told = document["all_stocks"]["AAPL"]["broker_mappings"]["paper"]
    assert (told["conId"], told["native_id"]) == (265598, "ibkr:265598")


def test_every_answer_has_the_keys_that_a_brokers_own_may_not_replace() -> None:
    clear = entry(hit("AAPL"), {})
    unclear = entry(miss("NOPE", reason="ambiguous", status=MappingStatus.AMBIGUOUS, candidates=("1", "2")), {})
    for name in (*clear, *unclear):
        with pytest.raises(ValueError, match=f"expected names that no answer has yet, not {name}"):
            Terms.model_validate({"universe_fields": {name: "native_id"}})


def test_crypto_at_alpaca() -> None:
    found = hit("BTC-USD", "alpaca", ASSET_ID)
    assert found.contract
    found = found.model_copy(update={"contract": found.contract.model_copy(update={"asset_class": AssetClass.CRYPTO})})
    one = universe(stock("BTC-USD", market="CRYPTO", asset_class="crypto"))
    told = merge(one, {"alpaca": [found]}, ELIGIBILITY, RULES, MARKETS, "t", FACTS)["all_stocks"]["BTC-USD"]
    assert told["broker_mappings"]["alpaca"]["asset_class"] == "crypto"
    assert told["best_broker"] == "alpaca"


def test_the_universe_is_not_changed() -> None:
    before = copy.deepcopy(DOCUMENT)
    merged()
    legacy(DOCUMENT, BY_BROKER)
    assert before == DOCUMENT


def test_a_member_without_an_answer_is_an_error() -> None:
    with pytest.raises(InputError, match=r"mapping of ibkr, field '7740.T'"):
        merged(by_broker={"ibkr": [hit("AAPL")]})


def test_a_con_id_is_a_number() -> None:
    with pytest.raises(InputError, match=r"conId of digits \(found 'abc'\)"):
        merge(universe(stock("AAPL")), {"ibkr": [hit("AAPL", native_id="abc")]}, ELIGIBILITY, RULES, MARKETS, "t", FACTS)


def test_legacy_form() -> None:
    document = legacy(DOCUMENT, BY_BROKER)
    expected = {
        "found": True,
        "symbol": "AAPL",
        "longName": "AAPL INC",
        "exchange": "SMART",
        "primaryExchange": "NASDAQ",
        "conId": 265598,
        "search_method": "ticker",
        "match_score": 1.0,
    }
    assert document["screens"]["bloom"]["stocks"][0]["ibkr_details"] == expected
    assert document["all_stocks"]["AAPL"]["ibkr_details"] == expected
    assert document["all_stocks"]["NOPE"]["ibkr_details"] == {"found": False, "reason": "symbol_not_found"}
    assert "broker_mappings" not in document["all_stocks"]["AAPL"]


def test_legacy_without_ibkr() -> None:
    assert legacy(DOCUMENT, {})["all_stocks"]["AAPL"]["ibkr_details"] == {"found": False, "reason": "not_asked"}


def test_instruments_of() -> None:
    found = instruments_of(DOCUMENT)
    assert [(one.ticker, one.market, one.asset_class.value) for one in found] == [
        ("AAPL", "US", "stock"),
        ("7740.T", "XTKS", "stock"),
        ("NOPE", "US", "stock"),
    ]


@pytest.mark.parametrize("broken", [{"asset_class": "house"}, {"market": None}])
def test_a_broken_member_is_named(broken: dict[str, object]) -> None:
    with pytest.raises(InputError, match=r"universe.json, field 'all_stocks.AAPL'"):
        instruments_of(universe(stock("AAPL", **broken)))


def test_a_member_without_market_is_named() -> None:
    row = stock("AAPL")
    del row["market"]
    with pytest.raises(InputError, match=r"all_stocks.AAPL"):
        instruments_of(universe(row))

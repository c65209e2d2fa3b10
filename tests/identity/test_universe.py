import copy
from collections.abc import Sequence
from typing import Any

import pytest

from include.identity.local import TableSource
from include.identity.source import Answers, Identity, Query
from include.identity.universe import Sources, enrich_universe
from tests.identity.build import (
    APPLE,
    APPLE_CLASS,
    APPLE_FIGI,
    IBM_CLASS,
    MARCH,
    MARKETS,
    MICROSOFT,
    TOYOTA,
    identity,
    said,
    same_name,
    table,
)


class Figis:
    """Answers with what a test filed under a key; a key without an entry is not answered."""

    name = "openfigi"

    def __init__(self, troubles: Sequence[str] = (), **answers: list[Identity]) -> None:
        self.answers, self.troubles = answers, troubles
        self.asked: list[tuple[str, str | None]] = []

    def find(self, queries: Sequence[Query]) -> Answers:
        self.asked = [(one.key, one.isin) for one in queries]
        return Answers({one.key: self.answers[one.key] for one in queries if one.key in self.answers}, self.troubles)


def stock(ticker: str, isin: str | None = None, **other: Any) -> dict[str, Any]:
    values = {"ticker": ticker, "isin": isin, "name": f"{ticker} Corp", "currency": "USD", "market": "US", "asset_class": "stock"}
    return values | {"instrument_id": f"isin:{isin}" if isin else f"ticker:{ticker}"} | other


def universe(*stocks: dict[str, Any]) -> dict[str, Any]:
    listed = [{"ticker": one["ticker"], "isin": one["isin"], "name": one["name"]} for one in stocks]
    screens = {"a": {"name": "a", "count": len(stocks), "stocks": listed}}
    return {"metadata": {"notes": ["first"]}, "screens": screens, "all_stocks": {s["ticker"]: s for s in stocks}, "rejected": []}


def enriched(document: dict[str, Any], *statements: dict[str, Any], figis: Figis | None = None) -> dict[str, Any]:
    before = copy.deepcopy(document)
    source = TableSource(table(*statements), MARCH) if statements else None
    made = enrich_universe(document, Sources(MARKETS, same_name, source, "abc" if source else None, figis))
    assert document == before
    return made


def told(made: dict[str, Any]) -> tuple[int, int, int]:
    found = made["metadata"]["identities"]
    return found["without_isin"], found["isin_found"], found["figi_found"]


def test_a_row_without_an_isin_gets_it_with_its_source() -> None:
    made = enriched(universe(stock("AAPL"), stock("MSFT", MICROSOFT)), said(APPLE, "AAPL", share_class_figi=APPLE_CLASS))
    source = {"source": "list", "date": "2026-01-05", "by": "market, symbol, currency, kind and name"}
    assert made["all_stocks"]["AAPL"] == stock("AAPL", APPLE, identity_source=source, share_class_figi=APPLE_CLASS)
    assert made["all_stocks"]["MSFT"] == stock("MSFT", MICROSOFT)
    assert [row["isin"] for row in made["screens"]["a"]["stocks"]] == [APPLE, MICROSOFT]
    assert made["metadata"]["notes"] == ["first"]
    assert made["metadata"]["identities"] == {
        "table_sha256": "abc",
        "openfigi": False,
        "without_isin": 1,
        "isin_found": 1,
        "isin_unchecked": 0,
        "figi_found": 1,
    }


@pytest.mark.parametrize(
    ("statements", "note"),
    [
        ([said(APPLE, "AAPL", name="Apple Hospitality")], "AAPL: no ISIN taken: name_mismatch ('Apple Hospitality' there)"),
        ([said(APPLE, "AAPL", asset_class="etf")], "AAPL: no ISIN taken: asset_class_mismatch (etf there)"),
        (
            [said(APPLE, "AAPL"), said(MICROSOFT, "AAPL")],
            f"AAPL: no ISIN taken: two_isins_claim_this_symbol ({APPLE}, {MICROSOFT})",
        ),
        ([said(APPLE, "AAPL", currency="CAD")], None),
        ([said(APPLE, "AAPL", market="XLON")], None),
    ],
)
def test_what_is_not_certain_leaves_the_row_and_is_told(statements: list[dict[str, Any]], note: str | None) -> None:
    document = universe(stock("AAPL"))
    made = enriched(document, *statements)
    assert made["all_stocks"] == document["all_stocks"]
    assert made["metadata"]["notes"] == (["first", note] if note else ["first"])
    assert told(made) == (1, 0, 0)


def test_an_isin_that_another_row_has_or_would_get_is_not_taken() -> None:
    owned = enriched(universe(stock("AAPL"), stock("APPL", APPLE)), said(APPLE, "AAPL"))
    assert owned["all_stocks"]["AAPL"] == stock("AAPL")
    assert owned["metadata"]["notes"][1:] == [f"AAPL: no ISIN taken: isin_of_another_row ({APPLE})"]
    german = {"market": "XETR", "currency": "EUR", "name": "AAPL Corp"}
    twice = enriched(universe(stock("AAPL"), stock("APC.DE", **german)), said(APPLE, "AAPL"), said(APPLE, "APC", **german))
    assert [one["isin"] for one in twice["all_stocks"].values()] == [None, None]
    assert len(twice["metadata"]["notes"]) == 3


def test_only_shares_and_funds_are_looked_for() -> None:
    document = universe(stock("BTC-USD.CRYPTO", market="CRYPTO", asset_class="crypto"))
    figis = Figis()
    assert told(enriched(document, said(APPLE, "BTC.USD"), figis=figis)) == (1, 0, 0)
    assert figis.asked == []


def test_figis_for_a_row_without_an_isin() -> None:
    told_figi = identity(isin=None, figi=APPLE_FIGI, share_class_figi=APPLE_CLASS, source="openfigi", source_date=MARCH)
    made = enriched(universe(stock("AAPL"), stock("X")), figis=Figis(AAPL=[told_figi], X=[]))
    source = {"source": "openfigi", "date": "2026-03-05", "by": "market, symbol, currency, kind and name"}
    expected = stock("AAPL", identity_source=source, figi=APPLE_FIGI, share_class_figi=APPLE_CLASS)
    assert made["all_stocks"] == {"AAPL": expected, "X": stock("X")}
    assert told(made) == (2, 0, 1)


def test_figis_are_asked_by_the_isin_that_the_table_gave() -> None:
    told_figi = identity(figi=APPLE_FIGI, share_class_figi=APPLE_CLASS, source="openfigi", source_date=MARCH)
    figis = Figis(AAPL=[told_figi])
    made = enriched(universe(stock("AAPL"), stock("MSFT", MICROSOFT)), said(APPLE, "AAPL"), figis=figis)
    assert figis.asked == [("AAPL", APPLE)]
    row = made["all_stocks"]["AAPL"]
    assert (row["isin"], row["figi"], row["identity_source"]["source"]) == (APPLE, APPLE_FIGI, "list")
    assert row["figi_source"] == {"source": "openfigi", "date": "2026-03-05", "by": "isin"}


@pytest.mark.parametrize("wrong", [{"name": "Another Company"}, {"share_class_figi": IBM_CLASS}])
def test_where_openfigi_contradicts_the_table_neither_is_taken(wrong: dict[str, Any]) -> None:
    figis = Figis(AAPL=[identity(figi=APPLE_FIGI, source="openfigi", **wrong)])
    made = enriched(universe(stock("AAPL")), said(APPLE, "AAPL", share_class_figi=APPLE_CLASS), figis=figis)
    assert made["all_stocks"]["AAPL"] == stock("AAPL")
    assert made["metadata"]["notes"][1] == f"AAPL: no ISIN taken: figi_contradicts ({APPLE} of list)"
    assert len(made["metadata"]["notes"]) == 3


def test_an_isin_that_openfigi_does_not_know_stays() -> None:
    made = enriched(universe(stock("AAPL")), said(APPLE, "AAPL"), figis=Figis(AAPL=[]))
    assert (made["all_stocks"]["AAPL"]["isin"], made["metadata"]["notes"]) == (APPLE, ["first"])


def test_troubles_are_notes_and_rows_stay() -> None:
    made = enriched(universe(stock("AAPL")), said(TOYOTA, "ELSE"), figis=Figis(["openfigi is down"]))
    assert made["all_stocks"]["AAPL"] == stock("AAPL")
    assert made["metadata"]["notes"] == ["first", "openfigi is down"]


def test_an_isin_that_openfigi_has_said_nothing_of_says_so_in_its_row() -> None:
    document = universe(stock("AAPL"), stock("MSFT"))
    claims = (said(APPLE, "AAPL"), said(MICROSOFT, "MSFT"))
    silent = enriched(document, *claims, figis=Figis(["down"], AAPL=[]))
    source = {"source": "list", "date": "2026-01-05", "by": "market, symbol, currency, kind and name"}
    assert silent["all_stocks"]["AAPL"]["identity_source"] == source  # it was asked, and has nothing against it
    words = "identity not checked: openfigi has said nothing of it"
    assert silent["all_stocks"]["MSFT"]["identity_source"] == {**source, "check": words}
    assert silent["metadata"]["identities"]["isin_unchecked"] == 1
    assert silent["metadata"]["notes"] == ["first", "down"]


def test_nothing_is_unchecked_where_nobody_wants_a_check() -> None:
    assert "check" not in enriched(universe(stock("AAPL")), said(APPLE, "AAPL"))["all_stocks"]["AAPL"]["identity_source"]
    sources = Sources(MARKETS, same_name, TableSource(table(said(APPLE, "AAPL")), MARCH), not_asked="an earlier session")
    made = enrich_universe(universe(stock("AAPL")), sources)
    assert made["all_stocks"]["AAPL"]["identity_source"]["check"].startswith("identity not checked")
    assert made["metadata"]["notes"] == ["first", "an earlier session"]

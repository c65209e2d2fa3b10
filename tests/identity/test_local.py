from include.identity.local import TableSource
from include.identity.table import CLAIMED_BY_TWO
from tests.identity.build import APPLE, JANUARY, MARCH, MICROSOFT, TOYOTA, identity, query, said, table


def test_listings_are_found_by_market_symbol_and_currency() -> None:
    toyota = said(TOYOTA, "7203", market="XTKS", currency="JPY")
    source = TableSource(table(said(APPLE, "AAPL"), said(MICROSOFT, "MSFT"), toyota), MARCH)
    asked = [query("AAPL"), query("7203", market="XTKS", currency="JPY"), query("7203", key="US"), query("MSFT", currency="CAD")]
    asked[-1] = asked[-1].model_copy(update={"key": "CAD"})
    answers = source.find(asked)
    assert {key: [one.isin for one in found] for key, found in answers.found.items()} == {
        "AAPL": [APPLE],
        "7203": [TOYOTA],
        "US": [],
        "CAD": [],
    }
    assert answers.found["AAPL"] == (identity(),)
    assert answers.troubles == ()


def test_doubtful_claims_are_told_with_their_doubt() -> None:
    source = TableSource(table(said(APPLE, "AAPL"), said(MICROSOFT, "AAPL")), MARCH)
    found = source.find([query("AAPL")]).found["AAPL"]
    assert {(one.isin, one.doubt) for one in found} == {(APPLE, CLAIMED_BY_TWO), (MICROSOFT, CLAIMED_BY_TWO)}


def test_by_isin_every_listing_is_found() -> None:
    source = TableSource(table(said(APPLE, "AAPL"), said(APPLE, "APC", market="XETR", currency="EUR")), MARCH)
    found = source.find([query("ANY", isin=APPLE)]).found["ANY"]
    assert {one.symbol for one in found} == {"AAPL", "APC"}


def test_no_queries_and_an_empty_table() -> None:
    assert TableSource(table(), JANUARY).find([query()]).found == {"AAPL": ()}
    assert TableSource(table(said(APPLE, "AAPL")), JANUARY).find([]).found == {}

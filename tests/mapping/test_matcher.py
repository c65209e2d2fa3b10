"""Promise 1, all keys together: never the wrong instrument. Look-alikes by hand, one rule per test."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.domain.contract import CONTRACT_SCHEMA
from include.domain.mapping import MappingStatus
from include.errors import InputError
from include.mapping.matcher import match, match_columns
from include.mapping.wanted import Wanted
from tests.mapping.build import MARKETS, contract, find, instrument, said, table

APPLE = "US0378331005"
LEFT_OUT = "US5949181045"


class TestTogether:
    def test_a_contract_belongs_to_the_stronger_key(self) -> None:
        by_isin = instrument("AAPL", "Apple Inc.", APPLE)
        by_symbol = instrument("APC", "Apple Inc.")
        # the broker's row for Apple bears the other ticker: only one of the two can be right
        found = match([by_symbol, by_isin], table(contract("1", "APC", "APPLE INC", isin=APPLE)), MARKETS, True, "ibkr")
        assert [said(mapping) for mapping in found] == [("ambiguous", None, "claimed_twice"), ("matched", "1", None)]
        assert found[0].candidates == ("1",)

    def test_what_is_withdrawn_has_no_score(self) -> None:
        one, two = instrument("AAPL", "Apple Inc."), instrument("AAPL-", "Apple Inc.")
        listed = table(contract("1", "AAPL", "APPLE INC", "XNAS"))
        answers = match([one, two], listed, MARKETS, False, "ibkr")
        assert [(said(answer), answer.score) for answer in answers] == [(("ambiguous", None, "claimed_twice"), None)] * 2

    def test_or_to_neither(self) -> None:
        twins = [instrument("BRK-B", "Berkshire Hathaway"), instrument("BRK.B", "Berkshire Hathaway", market="US")]
        found = match(twins, table(contract("1", "BRK B", "BERKSHIRE HATHAWAY INC")), MARKETS, False, "ibkr")
        assert [mapping.reason for mapping in found] == ["claimed_twice", "claimed_twice"]

    def test_two_rows_of_one_instrument_may_share_it(self) -> None:
        paris = instrument("ASML.PA", "ASML Holding", "NL0010273215")
        amsterdam = instrument("ASML.AS", "ASML Holding", "NL0010273215")
        only = contract("1", "ASML", "ASML HOLDING NV", "XAMS", currency="EUR", isin="NL0010273215")
        found = match([paris, amsterdam], table(only), MARKETS, True, "ibkr")
        assert [said(mapping) for mapping in found] == [("other_listing", "1", "other_listing"), ("matched", "1", None)]

    def test_nothing_to_look_for_and_nothing_to_look_in(self) -> None:
        assert match([], CONTRACT_SCHEMA.empty_table(), MARKETS, True, "ibkr") == []
        assert said(find(instrument("AAPL", "Apple Inc.", APPLE))) == ("not_found", None, "symbol_not_found")

    def test_an_unknown_market_is_named(self) -> None:
        with pytest.raises(InputError, match=r"AAPL, field 'market': expected a market of markets.yaml \(found 'MARS'\)"):
            match([instrument("AAPL", "Apple Inc.").model_copy(update={"market": "MARS"})], table(), MARKETS, True, "ibkr")

    def test_a_row_that_is_no_contract_is_named(self) -> None:
        row = {**contract("1", "AAPL", "APPLE INC").model_dump(mode="json"), "lot_size": "many"}
        garbage = pa.Table.from_pylist([row], schema=CONTRACT_SCHEMA)
        with pytest.raises(InputError, match=r"contracts of ibkr, field '1.lot_size'"):
            match([instrument("AAPL", "Apple Inc.")], garbage, MARKETS, True, "ibkr")

    def test_a_line_break_in_the_brokers_word_for_a_market(self) -> None:
        listed = contract("1", "AAPL", "APPLE INC", "", exchange="A\nB", isin=APPLE)
        assert find(instrument("AAPL", "Apple Inc.", APPLE), listed).status is MappingStatus.OTHER_LISTING

    def test_a_contract_without_a_currency_cannot_be_traded(self) -> None:
        """Nor is it another listing: what it is priced in nobody knows."""
        listed = table(contract("1", "AAPL", "APPLE INC", isin=APPLE))
        nameless = listed.set_column(listed.column_names.index("currency"), "currency", pa.nulls(1, pa.string()))
        (mapping,) = match([instrument("AAPL", "Apple Inc.", APPLE)], nameless, MARKETS, True, "ibkr")
        assert said(mapping) == ("not_found", None, "not_tradable")

    @pytest.mark.parametrize("identity", ["cusip", "share_class_figi"])
    def test_one_id_with_two_identities_is_nobodys(self, identity: str) -> None:
        one = contract("1", "AAPL", "APPLE INC", **{identity: "037833100"})
        assert said(find(instrument("AAPL", "Apple Inc."), one, contract("1", "AAPL", "APPLE INC"))) == ("matched", "1", None)
        other = contract("1", "AAPL", "APPLE INC", **{identity: "594918104"})
        assert said(find(instrument("AAPL", "Apple Inc."), one, other)) == ("not_found", None, "conflicting_rows")

    def test_another_contract_with_two_rows_makes_no_conflict_of_a_missing_currency(self) -> None:
        rows = table(
            contract("1", "AAPL", "APPLE INC", "", isin=APPLE),
            contract("2", "MSFT", "MICROSOFT CORP", "XNAS", evidence="isin"),
            contract("2", "MSFT", "MICROSOFT CORP", "XNAS", evidence="symbol"),
        )
        rows = rows.set_column(rows.schema.get_field_index("currency"), "currency", pa.array([None, "USD", "USD"], pa.string()))
        wanted = Wanted.of([instrument("AAPL", "Apple Inc.", APPLE), instrument("MSFT", "Microsoft Corp")], MARKETS)
        answers = match_columns(wanted, rows, MARKETS, True, "ibkr").table()
        assert answers["status"].to_pylist() == ["not_found", "matched"]
        assert answers["reason"].to_pylist() == ["not_tradable", None]

    def test_missing_values_in_the_list_are_no_error(self) -> None:
        row = dict.fromkeys(CONTRACT_SCHEMA.names) | {
            "broker": "ibkr",
            "native_id": None,
            "symbol": "AAPL",
            "asset_class": "stock",
        }
        sparse = pa.Table.from_pylist([row], schema=CONTRACT_SCHEMA)
        assert match([instrument("AAPL", "Apple Inc.")], sparse, MARKETS, True, "ibkr")[0].reason == "market_mismatch"


NAMES = st.sampled_from(["Apple Inc.", "APPLE INC", "Apple Hospitality REIT", "Microsoft Corp", "Apple Inc ADR", ""])
CONTRACTS = st.builds(
    contract,
    native_id=st.integers(0, 9).map(str),
    symbol=st.sampled_from(["AAPL", "MSFT", "AAPL.OLD", "APC"]),
    name=NAMES,
    mic=st.sampled_from(["XNYS", "XNAS", "XETR", ""]),
    currency=st.sampled_from(["USD", "EUR"]),
    isin=st.sampled_from([None, APPLE, LEFT_OUT]),
    tradable=st.booleans(),
)


@given(
    st.lists(CONTRACTS, max_size=8),
    st.sampled_from([None, APPLE]),
    NAMES,
    st.booleans(),
)
def test_laws_of_every_answer(listed: list[object], isin: str | None, name: str, knows_isin: bool) -> None:
    wanted = instrument("AAPL", name, isin)
    mapping = find(wanted, *listed, knows_isin=knows_isin)  # type: ignore[arg-type]
    chosen = mapping.contract
    assert (chosen is None) == (mapping.status in (MappingStatus.NOT_FOUND, MappingStatus.AMBIGUOUS))
    assert (mapping.reason is None) == (mapping.status is MappingStatus.MATCHED)
    if chosen is not None:
        assert chosen.native_id not in ("", "0")
        assert chosen.tradable
        assert not (isin and chosen.isin and chosen.isin != isin)
        if mapping.status is MappingStatus.MATCHED:
            assert chosen.currency == wanted.currency
        if mapping.search_method != "isin":
            assert chosen.name
    backwards = find(wanted, *reversed(listed), knows_isin=knows_isin)  # type: ignore[arg-type]
    assert said(backwards)[0] == said(mapping)[0]

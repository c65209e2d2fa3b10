"""Promise 1, by symbol: never the wrong instrument. Look-alikes by hand, one rule per test."""

from decimal import Decimal

import pytest

from include.domain.instrument import AssetClass
from tests.mapping.build import contract, find, instrument, said

APPLE = "US0378331005"


class TestSymbol:
    def test_all_agree(self) -> None:
        mapping = find(instrument("MSFT", "Microsoft Corp"), contract("1", "MSFT", "MICROSOFT CORP", "XNAS"), knows_isin=False)
        assert said(mapping) == ("matched", "1", None)
        assert mapping.search_method == "ticker"
        assert mapping.score == 1.0

    @pytest.mark.parametrize("symbol", ["BRK.B", "BRK B", "BRK-B", "BRK/B"])
    def test_class_shares_in_any_notation(self, symbol: str) -> None:
        a = contract("1", symbol.replace("B", "A").replace("ARK", "BRK"), "BERKSHIRE HATHAWAY INC-CL A")
        b = contract("2", symbol, "BERKSHIRE HATHAWAY INC-CL B")
        assert said(find(instrument("BRK-B", "Berkshire Hathaway Inc."), a, b, knows_isin=False)) == ("matched", "2", None)
        assert said(find(instrument("BRK-A", "Berkshire Hathaway Inc."), a, b, knows_isin=False)) == ("matched", "1", None)

    def test_joined_letters_count_outside_the_us_only(self) -> None:
        danish = contract("1", "ROCKA", "ROCKWOOL A/S-A SHS", "XCSE", currency="DKK")
        assert said(find(instrument("ROCK-A.CO", "ROCKWOOL International A/S"), danish)) == ("matched", "1", None)
        joined = contract("2", "BRKB", "BERKSHIRE HATHAWAY INC")
        assert said(find(instrument("BRK-B", "Berkshire Hathaway Inc."), joined, knows_isin=False)) == (
            "not_found", None, "symbol_not_found",
        )  # fmt: skip

    def test_the_other_class_is_another_instrument(self) -> None:
        b_only = contract("1", "ROCKA", "ROCKWOOL A/S-B SHS", "XCSE", currency="DKK")
        assert find(instrument("ROCK-A.CO", "ROCKWOOL International A/S"), b_only).reason == "name_mismatch"

    def test_names_of_two_classes_contradict_whatever_the_symbol(self) -> None:
        b = contract("1", "BRK B", "BERKSHIRE HATHAWAY INC-CL B")
        wanted = instrument("BRK-B", "Berkshire Hathaway Inc. Class A")
        assert find(wanted, b, knows_isin=False).reason == "name_mismatch"
        assert find(wanted, b).contract is None

    def test_goog_and_googl(self) -> None:
        c, a = contract("1", "GOOG", "ALPHABET INC-CL C", "XNAS"), contract("2", "GOOGL", "ALPHABET INC-CL A", "XNAS")
        assert said(find(instrument("GOOG", "Alphabet Inc."), a, c)) == ("matched", "1", None)
        assert said(find(instrument("GOOGL", "Alphabet Inc."), a, c)) == ("matched", "2", None)

    def test_recycled_symbol(self) -> None:
        recycled = contract("1", "AAPL", "ADVANCED APPLIANCES INC")
        assert said(find(instrument("AAPL", "Apple Inc."), recycled, knows_isin=False)) == ("not_found", None, "name_mismatch")

    def test_same_symbol_on_another_market(self) -> None:
        us = contract("1", "KEYS", "KEYSIGHT TECHNOLOGIES INC")
        assert said(find(instrument("KEYS.L", "Keystone Law Group plc"), us)) == ("not_found", None, "market_mismatch")

    def test_the_very_company_on_another_market_is_not_found_by_symbol(self) -> None:
        ferrari = contract("1", "RACE", "Ferrari N.V. Common Shares")
        mapping = find(instrument("RACE.MI", "Ferrari N.V."), ferrari, knows_isin=False, home_market="US")
        assert said(mapping) == ("not_found", None, "market_mismatch")

    def test_same_market_other_currency(self) -> None:
        dollars = contract("1", "XYZ", "XYZ PLC", "XLON", currency="USD")
        assert said(find(instrument("XYZ.L", "Xyz plc"), dollars)) == ("not_found", None, "currency_mismatch")

    def test_etf_under_the_same_symbol(self) -> None:
        fund = contract("1", "ARB", "AltShares Merger Arbitrage ETF", asset_class=AssetClass.STOCK)
        assert said(find(instrument("ARB", "Arb Corp"), fund)) == ("not_found", None, "asset_class_mismatch")

    def test_funds_have_to_be_nearer_than_companies(self) -> None:
        fund = instrument("UGE", "iShares Global Consumer Staples ETF", asset_class=AssetClass.ETF)
        assert (
            find(fund, contract("1", "UGE", "ProShares Ultra Consumer Staples", asset_class=AssetClass.ETF)).reason
            == "name_mismatch"
        )

    @pytest.mark.parametrize("name", ["Lavoro Limited - Warrant", "Lavoro Limited - Rights", "Lavoro Ltd Unit", "Lavoro Ltd Pfd"])
    def test_other_forms_of_the_company(self, name: str) -> None:
        mapping = find(instrument("LVRO", "Lavoro Limited"), contract("1", "LVRO", name))
        assert said(mapping) == ("not_found", None, "asset_class_mismatch")

    def test_an_adr_is_not_the_ordinary_share(self) -> None:
        adr = contract("1", "SAP", "SAP SE-SPONSORED ADR")
        assert find(instrument("SAP", "SAP SE", "DE0007164600"), adr).reason == "asset_class_mismatch"

    def test_an_adr_is_what_a_us_ticker_without_isin_means(self) -> None:
        adr = contract("1", "SAP", "SAP SE-SPONSORED ADR")
        assert said(find(instrument("SAP", "SAP SE"), adr)) == ("matched", "1", None)
        assert find(instrument("SAP.DE", "SAP SE"), adr).reason == "market_mismatch"

    def test_a_fund_that_a_broker_files_under_shares(self) -> None:
        wanted = instrument("GLD", "SPDR Gold Shares", asset_class=AssetClass.ETF)
        assert said(find(wanted, contract("1", "GLD", "SPDR Gold Trust"))) == ("matched", "1", None)
        assert find(wanted, contract("1", "GLD", "Gold Standard Mining")).reason == "asset_class_mismatch"

    @pytest.mark.parametrize(
        ("ticker", "name", "offered"),
        [
            ("BHVN", "Biohaven Ltd.", "BIOHAVEN PHARMACEUTICAL HOLD"),  # its successor took symbol and name
            ("SAIL", "SailPoint Technologies Holdings", "SailPoint, Inc. - Common Stock"),
            ("SZZL", "Sizzle Acquisition Corp. II", "Sizzle Acquisition Corp."),
            ("HSPO", "Horizon Space Acquisition II Corp.", "Horizon Space Acquisition I Corp. - Ordinary Shares"),
            ("BEP", "Brookfield Renewable Corporation", "BROOKFIELD RENEWABLE PARTNER"),
        ],
    )
    def test_a_recycled_symbol_is_not_the_old_company(self, ticker: str, name: str, offered: str) -> None:
        assert said(find(instrument(ticker, name), contract("1", ticker, offered))) == ("not_found", None, "name_mismatch")

    @pytest.mark.parametrize(
        ("ticker", "name", "symbol", "offered"),
        [
            (
                "BAC-PL",
                "Bank of America 7.25% Preferred Series L",
                "BAC.PRL",
                "Bank of America Corp 7.25% Preferred Stock Series L",
            ),
            (
                "BAC-PL",
                "Bank of America 7.25% Preferred Series L",
                "BAC$L",
                "Bank of America Corp 7.25% Preferred Stock Series L",
            ),
            ("OXY-WT", "Occidental Petroleum Corporation Warrant", "OXY.WS", "Occidental Petroleum Corporation Warrants"),
        ],
    )
    def test_issues_in_each_lists_own_suffix(self, ticker: str, name: str, symbol: str, offered: str) -> None:
        assert said(find(instrument(ticker, name), contract("1", symbol, offered), knows_isin=False)) == ("matched", "1", None)

    def test_a_symbol_that_two_contracts_of_a_market_claim_is_nobodys(self) -> None:
        apple = contract("1", "AAPL", "APPLE INC", "XNAS")
        other = contract("2", "AAPL", "AMERICAN APPLE ORCHARDS", "XNAS")
        mapping = find(instrument("AAPL", "Apple Inc."), apple, other, knows_isin=False)
        assert said(mapping) == ("ambiguous", None, "symbol_claimed_twice")
        assert mapping.candidates == ("1", "2")
        gone = other.model_copy(update={"tradable": False})
        assert said(find(instrument("AAPL", "Apple Inc."), apple, gone, knows_isin=False)) == ("matched", "1", None)

    def test_one_id_for_two_things_is_neither(self) -> None:
        apple = contract("1", "AAPL", "APPLE INC", "XNAS")
        other = contract("1", "MSFT", "MICROSOFT CORP", "XNAS")
        for wanted in (instrument("AAPL", "Apple Inc."), instrument("MSFT", "Microsoft Corp")):
            assert find(wanted, apple, other, knows_isin=False).contract is None

    def test_an_adr_is_the_instrument_with_the_us_isin(self) -> None:
        adr = contract("1", "SAP", "SAP SE-SPONSORED ADR")
        assert said(find(instrument("SAP", "SAP SE", "US8030542042"), adr)) == ("matched", "1", None)

    def test_who_asks_for_an_adr_does_not_get_the_ordinary_share(self) -> None:
        assert find(instrument("SAP", "SAP SE ADR"), contract("1", "SAP", "SAP SE")).reason == "asset_class_mismatch"

    def test_unknown_market_never_matches_abroad(self) -> None:
        silent = contract("1", "6095", "MEDPEER INC", "", currency="JPY")
        assert said(find(instrument("6095.T", "MedPeer Inc"), silent)) == ("not_found", None, "market_mismatch")

    def test_unknown_market_counts_as_home_at_a_one_market_broker(self) -> None:
        silent = contract("1", "AAPL", "Apple Inc. Common Stock", "")
        wanted = instrument("AAPL", "Apple Inc.")
        assert said(find(wanted, silent, knows_isin=False, home_market="US")) == ("matched", "1", None)
        assert said(find(wanted, silent, knows_isin=False)) == ("not_found", None, "market_mismatch")

    def test_the_brokers_word_tells_the_market(self) -> None:
        word = contract("1", "6095", "MEDPEER INC", "", currency="JPY", exchange="TSEJ")
        assert said(find(instrument("6095.T", "MedPeer Inc"), word)) == ("matched", "1", None)

    def test_a_mic_that_is_not_configured_is_another_market(self) -> None:
        assert find(instrument("AAPL", "Apple Inc."), contract("1", "AAPL", "APPLE INC", "XMEX"), home_market="US").reason == (
            "market_mismatch"
        )

    def test_separators_alone_are_no_symbol(self) -> None:
        assert (
            find(instrument("...", "Apple Inc."), contract("1", "", "APPLE INC"), knows_isin=False).reason == "symbol_not_found"
        )

    def test_a_symbol_given_away_is_inactive_in_any_notation(self) -> None:
        assert find(instrument("AAPL", "Apple Inc."), contract("1", "AAPL OLD", "APPLE INC")).reason == "inactive"

    def test_a_symbol_given_away_is_inactive(self) -> None:
        old = contract("748086613", "DWHT.OLD", "DEWHURST GROUP PLC", "", currency="GBP", exchange="VALUE")
        mapping = find(instrument("DWHT.L", "Dewhurst plc", "GB0002675048"), old)
        assert said(mapping) == ("not_found", None, "inactive")

    def test_not_tradable(self) -> None:
        asleep = contract("1", "AAPL", "APPLE INC", tradable=False)
        assert said(find(instrument("AAPL", "Apple Inc."), asleep, knows_isin=False)) == ("not_found", None, "not_tradable")

    @pytest.mark.parametrize("native_id", ["", "0", "ibkr:0", "ibkr:"])
    def test_found_without_an_id_is_not_found(self, native_id: str) -> None:
        assert said(find(instrument("AAPL", "Apple Inc."), contract(native_id, "AAPL", "APPLE INC"))) == (
            "not_found", None, "no_native_id",
        )  # fmt: skip
        assert find(instrument("AAPL", "Apple Inc.", APPLE), contract(native_id, "AAPL", isin=APPLE)).reason == "no_native_id"

    def test_a_nameless_contract_proves_nothing(self) -> None:
        assert find(instrument("AAPL", "Apple Inc."), contract("1", "AAPL", "")).reason == "name_mismatch"

    def test_two_of_the_same_are_ambiguous(self) -> None:
        mapping = find(
            instrument("AAPL", "Apple Inc."), contract("2", "AAPL", "APPLE INC"), contract("1", "AAPL", "APPLE INC", "XNAS")
        )
        assert said(mapping) == ("ambiguous", None, "ambiguous")
        assert mapping.candidates == ("1", "2")

    def test_crypto_pairs_are_their_symbol(self) -> None:
        bitcoin = instrument("BTC-USD", "Bitcoin", market="CRYPTO", asset_class=AssetClass.CRYPTO)
        spot = contract("1", "BTC/USD", "Bitcoin / US Dollar", "", asset_class=AssetClass.CRYPTO, lot_size=Decimal("0.0001"))
        euro = contract("2", "BTC/EUR", "Bitcoin / Euro", "", asset_class=AssetClass.CRYPTO, currency="EUR")
        fund = contract("3", "BTC", "Grayscale Bitcoin Mini Trust ETF")
        assert said(find(bitcoin, euro, fund, spot, knows_isin=False)) == ("matched", "1", None)
        assert said(find(bitcoin, fund, euro)) == ("not_found", None, "symbol_not_found")

    def test_currency_pairs_too(self) -> None:
        euro = instrument("EURUSD=X", "EUR/USD", market="FX", asset_class=AssetClass.FX, currency="USD")
        spot = contract("1", "EUR.USD", "European Monetary Union euro", "", asset_class=AssetClass.FX)
        assert said(find(euro, spot)) == ("matched", "1", None)

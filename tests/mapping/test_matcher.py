"""Promise 1: never the wrong instrument. Look-alikes by hand, one rule per test."""

from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.domain.contract import CONTRACT_SCHEMA
from include.domain.instrument import AssetClass
from include.domain.mapping import MappingStatus
from include.errors import InputError
from include.mapping.matcher import match
from tests.mapping.build import MARKETS, contract, find, instrument, said, table

APPLE = "US0378331005"
LINAMAR = "CA53278L1076"
LEFT_OUT = "US5949181045"


class TestIsin:
    def test_survives_a_rename_and_another_symbol(self) -> None:
        wanted = instrument("2331.T", "Sohgo Security Services Co Ltd", "JP3431900004")
        mapping = find(wanted, contract("45947664", "XXXX", "ALSOK CO LTD", "XTKS", currency="JPY", isin="JP3431900004"))
        assert said(mapping) == ("matched", "45947664", None)
        assert mapping.search_method == "isin"
        assert mapping.score is not None
        assert mapping.score < 0.2

    def test_currency_and_market_choose_among_listings(self) -> None:
        wanted = instrument("LNR.TO", "Linamar Corp", LINAMAR)
        toronto = contract("14891966", "LNR", "LINAMAR CORP", "XTSE", currency="CAD", isin=LINAMAR)
        otc = contract("75219375", "LIMAF", "LINAMAR CORP", "OTCM", isin=LINAMAR)
        assert said(find(wanted, otc, toronto)) == ("matched", "14891966", None)

    def test_only_another_listing_is_said_to_be_one(self) -> None:
        wanted = instrument("ILYDA.AT", "Ilyda SA", "GRS475003018")
        frankfurt = contract("621515874", "IY3A", "ILYDA SA", "XFRA", currency="EUR", isin="GRS475003018")
        mapping = find(wanted, frankfurt)
        assert said(mapping) == ("other_listing", "621515874", "other_listing")
        assert mapping.search_method == "isin"

    def test_other_listings_own_currency_first_then_market(self) -> None:
        wanted = instrument("ILYDA.AT", "Ilyda SA", "GRS475003018")
        usd = contract("1", "ILYDF", "ILYDA SA", "OTCM", isin="GRS475003018")
        xetra = contract("3", "IY3", "ILYDA SA", "XETR", currency="EUR", isin="GRS475003018")
        frankfurt = contract("2", "IY3A", "ILYDA SA", "XFRA", currency="EUR", isin="GRS475003018")
        assert said(find(wanted, usd, frankfurt, xetra)) == ("other_listing", "3", "other_listing")

    def test_unknown_market_in_the_right_currency_is_enough_for_an_isin(self) -> None:
        wanted = instrument("AAPL", "Apple Inc.", APPLE)
        assert said(find(wanted, contract("1", "AAPL", "APPLE INC", "", isin=APPLE))) == ("matched", "1", None)

    def test_a_market_nobody_configured_is_another_listing(self) -> None:
        wanted = instrument("APC.DE", "Apple Inc.", APPLE)
        gettex = contract("1", "APC", "APPLE INC", "", currency="EUR", exchange="GETTEX2", isin=APPLE)
        assert said(find(wanted, gettex)) == ("other_listing", "1", "other_listing")

    def test_two_that_cannot_be_told_apart_are_ambiguous(self) -> None:
        wanted = instrument("XYZ.L", "Xyz plc", "GB0002634946")
        one = contract("1", "XYZA", "XYZ PLC", "XLON", currency="GBP", isin="GB0002634946")
        two = contract("2", "XYZB", "XYZ PLC", "AIMX", currency="GBP", isin="GB0002634946")
        mapping = find(wanted, one, two)
        assert said(mapping) == ("ambiguous", None, "ambiguous")
        assert mapping.candidates == ("1", "2")

    def test_of_two_the_one_with_the_tickers_symbol(self) -> None:
        wanted = instrument("XYZ.L", "Xyz plc", "GB0002634946")
        one = contract("1", "XYZ", "XYZ PLC", "XLON", currency="GBP", isin="GB0002634946")
        two = contract("2", "XYZB", "XYZ PLC", "AIMX", currency="GBP", isin="GB0002634946")
        assert said(find(wanted, two, one)) == ("matched", "1", None)

    def test_a_dead_contract_is_the_answer_not_a_reason_to_guess(self) -> None:
        wanted = instrument("AAPL", "Apple Inc.", APPLE)
        dead = contract("1", "AAPL", "APPLE INC", isin=APPLE, tradable=False, inactive_reason="delisted")
        namesake = contract("2", "AAPL", "APPLE INC", "XNAS")
        mapping = find(wanted, dead, namesake)
        assert said(mapping) == ("not_found", None, "inactive")
        assert mapping.candidates == ("1",)

    def test_halted_is_not_tradable(self) -> None:
        halted = contract("1", "AAPL", "APPLE INC", isin=APPLE, tradable=False, inactive_reason="halted")
        assert find(instrument("AAPL", "Apple Inc.", APPLE), halted).reason == "not_tradable"

    def test_derivatives_that_carry_the_isin_are_not_the_share(self) -> None:
        cfd = contract("1", "AAPL", "APPLE INC", isin=APPLE, asset_class=AssetClass.CFD)
        assert said(find(instrument("AAPL", "Apple Inc.", APPLE), cfd)) == ("not_found", None, "asset_class_mismatch")

    def test_a_share_filed_under_funds_is_the_same_isin(self) -> None:
        filed = contract("1", "AAPL", "APPLE INC", isin=APPLE, asset_class=AssetClass.ETF)
        assert find(instrument("AAPL", "Apple Inc.", APPLE), filed).status is MappingStatus.MATCHED

    def test_one_contract_under_two_isins_is_nobodys(self) -> None:
        wanted = instrument("AAPL", "Apple Inc.", APPLE)
        twice = [contract("1", "AAPL", "APPLE INC", isin=APPLE), contract("1", "AAPL", "APPLE INC", isin=LEFT_OUT)]
        assert said(find(wanted, *twice)) == ("not_found", None, "isin_mismatch")

    def test_answers_by_isin_and_by_symbol_are_one_contract(self) -> None:
        wanted = instrument("AAPL", "Apple Inc.", APPLE)
        by_isin = contract("1", "AAPL", "APPLE INC", isin=APPLE, evidence=f"isin={APPLE}")
        by_symbol = contract("1", "AAPL", "APPLE INC", evidence="symbol=AAPL")
        assert said(find(wanted, by_symbol, by_isin)) == ("matched", "1", None)

    def test_the_wanted_listing_may_not_carry_the_isin(self) -> None:
        wanted = instrument("LNR.TO", "Linamar Corp", LINAMAR)
        otc = contract("75219375", "LIMAF", "LINAMAR CORP", "OTCM", isin=LINAMAR)
        toronto = contract("14891966", "LNR", "LINAMAR CORP", "XTSE", currency="CAD")
        mapping = find(wanted, otc, toronto)
        assert said(mapping) == ("matched", "14891966", None)
        assert mapping.search_method == "ticker"

    def test_isin_elsewhere_and_the_symbol_under_another_name_is_ambiguous(self) -> None:
        wanted = instrument("DPM.TO", "Dundee Precious Metals Inc.", "CA2652692096")
        otc = contract("47148763", "DPMLF", "DUNDEE PRECIOUS METALS INC", "OTCM", isin="CA2652692096")
        toronto = contract("814025540", "DPM", "DPM METALS INC", "XTSE", currency="CAD")
        mapping = find(wanted, otc, toronto)
        assert said(mapping) == ("ambiguous", None, "ambiguous")
        assert mapping.candidates == ("47148763", "814025540")


class TestVeto:
    def test_a_contradicting_isin_beats_symbol_name_market_and_currency(self) -> None:
        wanted = instrument("AAPL", "Apple Inc.", APPLE)
        other = contract("1", "AAPL", "APPLE INC", isin=LEFT_OUT)
        mapping = find(wanted, other)
        assert said(mapping) == ("not_found", None, "isin_mismatch")
        assert mapping.candidates == ("1",)

    def test_and_the_name_alone(self) -> None:
        wanted = instrument("AAPL", "Apple Inc.", APPLE)
        assert said(find(wanted, contract("1", "APLE", "APPLE INC", isin=LEFT_OUT))) == ("not_found", None, "symbol_not_found")


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


class TestName:
    def test_only_where_the_broker_knows_isins(self) -> None:
        wanted = instrument("EVPL.L", "Everplay Group PLC")
        old_symbol = contract("1", "TM17", "EVERPLAY GROUP PLC", "XLON", currency="GBP")
        mapping = find(wanted, old_symbol)
        assert said(mapping) == ("matched", "1", None)
        assert mapping.search_method == "name"
        assert said(find(wanted, old_symbol, knows_isin=False)) == ("not_found", None, "symbol_not_found")

    def test_market_and_currency_have_to_agree(self) -> None:
        wanted = instrument("EVPL.L", "Everplay Group PLC")
        us = contract("1", "EVPL", "EVERPLAY GROUP PLC")
        dollars = contract("2", "TM17", "EVERPLAY GROUP PLC", "XLON", currency="USD")
        assert find(wanted, us).contract is None
        assert find(wanted, dollars).contract is None

    def test_nothing_else_may_come_near(self) -> None:
        wanted = instrument("EVPL.L", "Everplay Group PLC")
        one = contract("1", "TM17", "EVERPLAY GROUP PLC", "XLON", currency="GBP")
        two = contract("2", "EVP", "EVERPLAY PLC", "XLON", currency="GBP")
        assert said(find(wanted, one, two)) == ("ambiguous", None, "ambiguous")

    def test_alike_is_not_enough(self) -> None:
        wanted = instrument("EVPL.L", "Everplay Group PLC")
        for name in ("EVERPLAYED GROUP PLC", "EVERPLAY HOLDINGS PLC", "EVERPLAY INTERACTIVE PLC"):
            assert find(wanted, contract("1", "EVR", name, "XLON", currency="GBP")).contract is None

    def test_the_class_has_to_be_said_by_both(self) -> None:
        wanted = instrument("HEI", "HEICO Corporation")
        assert said(find(wanted, contract("1", "HEI.A", "HEICO CORP-CLASS A"))) == ("not_found", None, "symbol_not_found")
        swedish = contract("1", "NEWAB", "NEW WAVE GROUP AB-B SHS", "XSTO", currency="SEK")
        assert said(find(instrument("NEWA.ST", "New Wave Group AB"), swedish)) == ("not_found", None, "name_mismatch")

    @pytest.mark.parametrize(
        ("ticker", "name", "symbol", "offered"),
        [
            ("HTGC", "Hercules Capital Inc", "HCXY", "HERCULES CAPITAL INC"),  # its notes, under its plain name
            ("FBIO", "Fortress Biotech Inc", "FBIOP", "FORTRESS BIOTECH INC"),  # its preferred shares
            ("BCE.TO", "BCE Inc", "BCE PRA", "BCE INC"),
            ("BRK-B", "Berkshire Hathaway Inc.", "BRK", "BERKSHIRE HATHAWAY INC-CL B"),
        ],
    )
    def test_decides_nothing_in_north_america(self, ticker: str, name: str, symbol: str, offered: str) -> None:
        wanted = instrument(ticker, name)
        there = contract("1", symbol, offered, wanted.market.replace("US", "XNYS"), currency=wanted.currency)
        assert said(find(wanted, there)) == ("not_found", None, "symbol_not_found")

    @pytest.mark.parametrize(
        ("ticker", "name", "symbol", "offered"),
        [
            ("2593.T", "Ito En Ltd", "25935", "ITO EN LTD"),
            ("CBA.AX", "Commonwealth Bank Ltd", "CBAPK", "COMMONWEALTH BANK LTD"),
            ("VGM.L", "INVESCO TRUST FOR INVESTMENT", "VTN", "INVESCO TRUST FOR INVESTMENT"),  # cut by both lists
            ("VGM.L", "Invesco Trust for Investment Grade Municipals", "VTN", "INVESCO TRUST FOR INVESTMENT"),
        ],
    )
    def test_a_name_that_other_shares_bear_too_is_ambiguous(self, ticker: str, name: str, symbol: str, offered: str) -> None:
        wanted = instrument(ticker, name)
        mapping = find(wanted, contract("1", symbol, offered, wanted.market.replace("US", "XNYS"), currency=wanted.currency))
        assert said(mapping) == ("ambiguous", None, "ambiguous")
        assert mapping.candidates == ("1",)

    @pytest.mark.parametrize("offered", ["BROOKFIELD RENEWABLE PARTNERS LP", "BROOKFIELD RENEWABLE CORP II"])
    def test_a_whole_name_is_not_the_beginning_of_another(self, offered: str) -> None:
        wanted = instrument("BEPC", "Brookfield Renewable Corp")
        assert said(find(wanted, contract("1", "ZEP", offered))) == ("not_found", None, "symbol_not_found")

    def test_elsewhere_the_class_has_to_be_said_by_both_too(self) -> None:
        wanted = instrument("ILYDA-A.AT", "Ilyda SA")
        frankfurt = contract("1", "IY3", "ILYDA SA", "XFRA", currency="EUR")
        assert find(wanted, frankfurt).contract is None

    def test_a_dead_one_is_said_to_be_dead(self) -> None:
        wanted = instrument("EVPL.L", "Everplay Group PLC")
        dead = contract("1", "TM17", "EVERPLAY GROUP PLC", "XLON", currency="GBP", tradable=False, inactive_reason="delisted")
        assert said(find(wanted, dead)) == ("not_found", None, "inactive")

    def test_not_after_an_answer_by_isin(self) -> None:
        wanted = instrument("EVPL.L", "Everplay Group PLC", "GB00BYVX2X20")
        gone = contract("1", "TM17", "EVERPLAY GROUP PLC", "XLON", currency="GBP", isin="GB00BYVX2X20", tradable=False)
        new = contract("2", "EVP", "EVERPLAY GROUP PLC", "XLON", currency="GBP")
        assert said(find(wanted, gone, new)) == ("not_found", None, "not_tradable")

    def test_the_same_name_elsewhere_in_the_region_is_another_listing(self) -> None:
        wanted = instrument("ILYDA.AT", "Ilyda SA", "GRS475003018")
        frankfurt = contract("621515874", "IY3A", "ILYDA SA", "XFRA", currency="EUR")
        mapping = find(wanted, frankfurt)
        assert said(mapping) == ("other_listing", "621515874", "other_listing")
        assert mapping.search_method == "name"

    @pytest.mark.parametrize(
        "elsewhere",
        [
            contract("1", "IY3A", "ILYDA AG", "XFRA", currency="EUR"),  # another legal form, another company
            contract("1", "ILY", "ILYDA SA", "XWAR", currency="PLN"),
            contract("1", "ILY", "ILYDA SA", "XNYS", currency="EUR"),  # another region
            contract("1", "ILY", "ILYDA SA", "", currency="EUR"),
            contract("1", "ILY", "ILYDA SA", "XFRA", currency="EUR", tradable=False),
        ],
    )
    def test_but_not_by_less(self, elsewhere: object) -> None:
        assert find(instrument("ILYDA.AT", "Ilyda SA"), elsewhere).contract is None  # type: ignore[arg-type]

    def test_two_elsewhere_are_ambiguous(self) -> None:
        both = [contract(str(n), "ILY", "ILYDA SA", mic, currency="EUR") for n, mic in ((1, "XFRA"), (2, "XETR"))]
        assert said(find(instrument("ILYDA.AT", "Ilyda SA"), *both)) == ("ambiguous", None, "ambiguous")


class TestTogether:
    def test_a_contract_belongs_to_the_stronger_key(self) -> None:
        by_isin = instrument("AAPL", "Apple Inc.", APPLE)
        by_symbol = instrument("APC", "Apple Inc.")
        # the broker's row for Apple bears the other ticker: only one of the two can be right
        found = match([by_symbol, by_isin], table(contract("1", "APC", "APPLE INC", isin=APPLE)), MARKETS, True, "ibkr")
        assert [said(mapping) for mapping in found] == [("ambiguous", None, "claimed_twice"), ("matched", "1", None)]
        assert found[0].candidates == ("1",)

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

"""Promise 1, by ISIN, FIGI and CUSIP: never the wrong instrument. Look-alikes by hand, one rule per test."""

from include.domain.instrument import AssetClass
from include.domain.mapping import MappingStatus
from tests.mapping.build import contract, find, instrument, said

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

    def test_a_cusip_within_an_isin_contradicts_too(self) -> None:
        by_cusip, by_isin = instrument("AAPL", "Apple Inc.", cusip="037833100"), instrument("AAPL", "Apple Inc.", APPLE)
        assert find(by_cusip, contract("1", "AAPL", "APPLE INC", isin=LEFT_OUT)).reason == "isin_mismatch"
        assert find(by_isin, contract("1", "AAPL", "APPLE INC", cusip="594918104")).reason == "isin_mismatch"
        assert said(find(by_cusip, contract("1", "AAPL", "APPLE INC", isin=APPLE))) == ("matched", "1", None)
        assert said(find(by_isin, contract("1", "AAPL", "APPLE INC", cusip="037833100"))) == ("matched", "1", None)

    def test_an_empty_identity_contradicts_nothing(self) -> None:
        wanted = instrument("AAPL", "Apple Inc.", APPLE, share_class_figi="BBG001S5N8V8")
        assert said(find(wanted, contract("1", "AAPL", "APPLE INC", isin="", share_class_figi=""))) == ("matched", "1", None)

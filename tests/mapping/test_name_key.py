"""Promise 1, by name: never the wrong instrument. Look-alikes by hand, one rule per test."""

import pytest

from include.domain.instrument import AssetClass
from tests.mapping.build import contract, find, instrument, said


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

    @pytest.mark.parametrize("kind", [AssetClass.ETF, AssetClass.STOCK])
    def test_decides_nothing_for_funds(self, kind: AssetClass) -> None:
        wanted = instrument("LYY7.DE", "Lyxor DAX DR UCITS ETF", asset_class=kind)
        paying = contract("1", "LDAX", "Lyxor DAX DR UCITS ETF", "XETR", currency="EUR", asset_class=AssetClass.ETF)
        assert find(wanted, paying).contract is None

    @pytest.mark.parametrize("offered", ["Foo Bar plc Class 2", "Foo Bar plc Rights 2026", "Foo Bar plc 5% Notes 2030"])
    def test_another_class_or_form_is_another_instrument(self, offered: str) -> None:
        wanted = instrument("FBI1.L", "Foo Bar plc Class 1")
        assert find(wanted, contract("1", "XYZ", offered, "XLON", currency="GBP")).contract is None

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

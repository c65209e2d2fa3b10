from include.mapping.matcher import match
from tests.mapping.build import MARKETS, contract, instrument, said, table

EVERPLAY = contract("1", "TM17", "EVERPLAY GROUP PLC", "XLON", currency="GBP")


def answers(*wanted, listed=(EVERPLAY,)):  # type: ignore[no-untyped-def]
    return [said(one) for one in match(wanted, table(*listed), MARKETS, True, "ibkr")]


def test_a_name_alone_comes_home_where_nobody_else_bears_the_symbol() -> None:
    assert answers(instrument("EVPL.L", "Everplay Group PLC")) == [("matched", "1", None)]


def test_a_contract_whose_symbol_leads_to_another_instrument_is_not_taken_by_name() -> None:
    stranger = instrument("TM17.L", "Team Seventeen Mining plc")
    found = answers(instrument("EVPL.L", "Everplay Group PLC"), stranger)
    assert found == [("ambiguous", None, "claimed_twice"), ("not_found", None, "name_mismatch")]


def test_an_identity_is_stronger_than_anothers_symbol() -> None:
    told = EVERPLAY.model_copy(update={"isin": "GB00BYVX2X20"})
    stranger = instrument("TM17.L", "Team Seventeen Mining plc")
    found = answers(instrument("EVPL.L", "Everplay Group PLC", "GB00BYVX2X20"), stranger, listed=(told,))
    assert found == [("matched", "1", None), ("not_found", None, "name_mismatch")]


def test_another_market_s_ticker_claims_nothing() -> None:
    abroad = instrument("TM17.DE", "Team Seventeen Mining plc")
    assert answers(instrument("EVPL.L", "Everplay Group PLC"), abroad)[0] == ("matched", "1", None)


def test_two_tickers_of_one_instrument_share_its_contract() -> None:
    one = instrument("EVPL.L", "Everplay Group PLC", "GB00BYVX2X20")
    two = instrument("TM17.L", "Everplay Group PLC", "GB00BYVX2X20")
    told = EVERPLAY.model_copy(update={"isin": "GB00BYVX2X20"})
    assert answers(one, two, listed=(told,)) == [("matched", "1", None)] * 2

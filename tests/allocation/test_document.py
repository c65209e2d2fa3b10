import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.allocation.document import every_stock, instrument_id, members, percent, positive, screens, section
from include.errors import InputError
from tests.allocation.documents import stock, universe


def test_screens_and_members_are_read_in_order() -> None:
    document = universe(b=[stock("AAA"), stock("BBB")], a=[stock("AAA")])
    assert {k: [s["ticker"] for s in v] for k, v in screens(document, "x").items()} == {"b": ["AAA", "BBB"], "a": ["AAA"]}
    assert list(screens(document, "x")) == ["b", "a"]
    assert sorted(members(document, "x")) == ["AAA", "BBB"]
    assert [s["ticker"] for s in every_stock(document, "x")] == ["AAA", "BBB", "AAA", "BBB", "AAA"]


def test_a_ticker_twice_in_a_screen_names_screen_and_row() -> None:
    with pytest.raises(InputError, match=r"u\.json, row 2, field 'screens\.a': expected each ticker once \(found 'AAA'\)"):
        screens(universe(a=[stock("AAA"), stock("AAA")]), "u.json")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (lambda d: d.pop("screens"), "screens"),
        (lambda d: d["screens"].update(a=[]), r"screens\.a\.stocks"),
        (lambda d: d["screens"]["a"].update(stocks=None), r"screens\.a\.stocks"),
        (lambda d: d["screens"]["a"]["stocks"].append("AAA"), r"screens\.a"),
        (lambda d: d["all_stocks"].pop("AAA"), "all_stocks"),
        (lambda d: d["all_stocks"].update(AAA={"ticker": "BBB"}), r"all_stocks\.AAA"),
        (lambda d: d["all_stocks"].update(AAA=None), r"all_stocks\.AAA"),
    ],
)
def test_a_malformed_document_names_the_field(change: object, field: str) -> None:
    document = universe(a=[stock("AAA")])
    change(document)  # type: ignore[operator]
    with pytest.raises(InputError, match=rf"u\.json.*field '{field}'"):
        members(document, "u.json")


def test_a_document_that_is_no_mapping() -> None:
    with pytest.raises(InputError, match="expected a mapping"):
        section([], "metadata", "u.json")  # type: ignore[arg-type]


def test_instrument_id_prefers_its_own_field_then_isin_then_ticker() -> None:
    assert instrument_id({"ticker": "A", "isin": "US1", "instrument_id": "isin:XX"}) == "isin:XX"
    assert instrument_id({"ticker": "A", "isin": "US1"}) == "isin:US1"
    assert instrument_id({"ticker": "A", "isin": None}) == "ticker:A"


@pytest.mark.parametrize("value", [None, "1", True, 0, -1.0, float("nan"), float("inf")])
def test_a_price_must_be_a_positive_number(value: object) -> None:
    with pytest.raises(InputError, match=r"u\.json, field 'AAA\.price': expected a positive number"):
        positive({"ticker": "AAA", "price": value}, "price", "u.json")


@pytest.mark.parametrize(("text", "value"), [("-9.09%", -0.0909), ("0%", 0.0), ("+12.5%", 0.125), ("100000000%", 1e6)])
def test_percent(text: str, value: float) -> None:
    assert percent(text, "x", "y") == pytest.approx(value, abs=1e-15)


@pytest.mark.parametrize(
    "text",
    ["", "9.09", "9,09%", "NaN%", "inf%", "%", None, 9.09, " 1%", "1%\n", "1e3%", "100000001%", "-100000001%", "9" * 400 + "%"],
)
def test_what_is_no_percentage_is_refused(text: object) -> None:
    with pytest.raises(InputError, match="percentage"):
        percent(text, "x", "y")


@given(st.integers(-(10**6), 10**6))
def test_percent_reads_back_what_two_digits_write(hundredths: int) -> None:
    assert percent(f"{hundredths / 100:.2f}%", "x", "y") == pytest.approx(hundredths / 10_000, abs=1e-12)

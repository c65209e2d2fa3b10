import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.mapping import name_words
from include.mapping.name_words import Form
from include.mapping.names import parse_names
from include.mapping.similarity import similarities, similarity
from include.mapping.words import Words


@pytest.mark.parametrize(
    ("text", "core"),
    [
        ("Apple Inc. - Common Stock", "apple"),
        ("Berkshire Hathaway Inc. Class B", "berkshire hathaway"),
        ("ROCKWOOL A/S-A SHS", "rockwool"),
        ("NEW WAVE GROUP AB -B SHS", "new wave group"),
        ("New Wave Group AB (publ)", "new wave group"),
        ("INFICON HOLDING AG Nam.-Aktien", "inficon holdings"),
        ("INFICON HOLDING AG-REG", "inficon holdings"),
        ("Equasens S. A.", "equasens"),
        ("UNIFIRST CORP/MA", "unifirst"),
        ("NORTH WEST CO INC/THE", "north west"),
        ("Ingredion Incorporated Common S", "ingredion"),
        ("KB Home Common St", "kb home"),
        ("D.R. Horton Inc.", "dr horton"),
        ("GLE Class A Ordinary Shares", "gle"),
        ("Franchise Brands PLC ORD 0.5P", "franchise brands"),
        ("Gérard Perrier Industrie S.A.", "gerard perrier industries"),
        ("Ørsted A/S", "orsted"),
        ("L'Oréal S.A.", "loreal"),
        ("Co", "co"),
        ("", ""),
        ("***", ""),
        ("Hawaiʻian Electric", "hawaiian electric"),
        ("Işık Holding", "isik holdings"),
        ("三菱 Corp", ""),  # what can be read of it is any company's
    ],
)
def test_core_is_what_identifies_the_company(text: str, core: str) -> None:
    assert parse_names([text]).core.to_pylist() == [core]


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("Evotec SE - American Depositary Shares", Form.DEPOSITARY),
        ("TOYOTA MOTOR CORP -SPON ADR", Form.DEPOSITARY),
        ("SAMSUNG ELECTR-GDR REG S", Form.DEPOSITARY),
        ("America Movil ADS (each representing the right to receive 20 Series B Shares)", Form.DEPOSITARY),
        ("Lavoro Limited - Warrant", Form.WARRANT),
        ("Artius II Acquisition Inc. - Rights", Form.RIGHT),
        ("Artius II Acquisition Inc. - Units", Form.UNIT),
        ("Legato Merger Corp. Units, each consisting of one Ordinary Share and one-half of one warrant", Form.UNIT),
        ("KeyCorp Depositary Shares each representing a 1/40th interest in Preferred Stock", Form.PREFERRED),
        ("KKR & Co. Inc. 6.25% Series D Mandatory Convertible Preferred Stock", Form.PREFERRED),
        ("Saratoga Investment Corp 6.00% Notes due 2027", Form.DEBT),
        ("Energy Transfer LP Common Units", Form.ORDINARY),
        ("Preferred Bank - Common Stock", Form.ORDINARY),
        ("Unit Corp", Form.ORDINARY),
        ("Foo Bar plc Rights 2026", Form.RIGHT),
        ("Foo Bar plc 5% Notes 2030", Form.DEBT),
        ("FT Vest 15% Buffer ETF", Form.ORDINARY),
        ("United Rentals Inc", Form.ORDINARY),
        ("ADS-TEC ENERGY PLC - Ordinary Shares", Form.ORDINARY),
        ("iShares Preferred and Income Securities ETF", Form.ORDINARY),
        ("Carlyle Credit Income Fund 8.75% Series A Preferred Shares", Form.PREFERRED),
        ("Apple Inc.", Form.ORDINARY),
    ],
)
def test_form_is_told_by_the_description_not_by_the_company(text: str, form: Form) -> None:
    assert parse_names([text]).form_of(0) is form


@pytest.mark.parametrize(
    ("text", "share_class"),
    [
        ("Berkshire Hathaway Inc. Class B", "B"),
        ("CCL INDUSTRIES - CL A", "A"),
        ("COMPOSECURE INC-A", "A"),
        ("BETSSON AB-B", "B"),
        ("OLVI OYJ-A SHARES", "A"),
        ("Zinzino AB Series B", "B"),
        ("Equasens S. A.", None),
        ("Apple Inc.", None),
    ],
)
def test_share_class(text: str, share_class: str | None) -> None:
    assert parse_names([text]).share_class.to_pylist() == [share_class]


@pytest.mark.parametrize(
    ("left", "right", "least"),
    [
        ("Inter Parfums Inc", "INTERPARFUMS INC", 100),
        ("Ollie's Bargain Outlet Hldg", "OLLIE'S BARGAIN OUTLET HOLDI", 95),
        ("Everplay Group PLC", "EVERPLAY GROUP PLC", 100),
        ("Dewhurst plc", "DEWHURST GROUP PLC", 95),
        ("M&M Fin. Services", "Mahindra & Mahindra Financial Services Limited", 90),
        ("ADANI PORT & SEZ", "Adani Ports and Special Economic Zone Limited", 90),
        ("TEVA PHARMACEUTICAL-SP ADR", "Teva Pharmaceutical Industries Limited", 90),
        ("Technology Select Sector SPDR Fund", "SPDR Select Sector Fund - Technology", 90),
        ("Brookfield Renewable Corporation Brookfield Renewable Corporation Class A", "Brookfield Renewable Corp", 100),
        ("FTI Consulting I", "FTI CONSULTING INC", 100),
        ("TATA CONSULTANCY SERV LT", "Tata Consultancy Services Limited", 90),
        ("Gremz Inc", "GREMS INC", 80),
    ],
)
def test_one_company_in_two_notations(left: str, right: str, least: float) -> None:
    assert similarity(left, right) >= least


@pytest.mark.parametrize(
    ("left", "right", "most"),
    [
        ("Fope S.p.A.", "First Trust Preferred Securities and Income ETF", 54),
        ("Evolution AB (publ)", "Evotec SE - American Depositary Shares", 54),
        ("Anglo-Eastern Plantations Plc", "American Electric Power Company, Inc. - Common Stock", 54),
        ("Akari Therapeutics Plc", "Dice Therapeutics Inc", 60),
        ("Churchill Capital Corp V", "Churchill Capital Corp VII", 50),
        ("SCE Trust IV", "SCE Trust VI", 50),
        ("Fukushima Industries Corp", "GALILEI CO LTD", 54),
        ("Acuity Brands Inc.", "ACUITY INC", 65),  # renamed, or a successor: nobody can tell
        ("Biohaven Ltd.", "BIOHAVEN PHARMACEUTICAL HOLD", 65),
        ("Sizzle Acquisition Corp. II", "SIZZLE ACQUISITION CORP", 50),
        ("Horizon Space Acquisition I Corp.", "Horizon Space Acquisition II Corp.", 50),
        ("Horizon Space Acquisition I", "Horizon Space Acquisition II Corp.", 50),
        ("Bajaj Finance Limited", "BAJAJ FINSERV", 60),
        ("Xtrackers MDAX UCITS ETF", "Xtrackers DAX UCITS ETF", 60),
        ("Johnson & Johnson", "JOHNSON CONTROLS INTERNATION", 65),
        ("Mahindra & Mahindra", "MAHINDRA LOGISTIC", 65),
        ("", "Apple", 0),
        ("Apple", "", 0),
    ],
)
def test_two_companies(left: str, right: str, most: float) -> None:
    assert similarity(left, right) <= most


def test_funds_are_known_by_their_name() -> None:
    assert parse_names(["SPDR Portfolio High Yield Bond ETF", "Betterware de Mexico"]).is_fund.tolist() == [True, False]


@given(st.lists(st.tuples(st.text(max_size=60), st.text(max_size=60)), max_size=5))
def test_similarity_is_symmetric_and_within_0_and_100(pairs: list[tuple[str, str]]) -> None:
    left, right = parse_names([one for one, _ in pairs]), parse_names([two for _, two in pairs])
    rows = np.arange(len(pairs))
    scores = similarities(left, rows, right, rows).tolist()
    assert scores == similarities(right, rows, left, rows).tolist()
    assert all(0 <= score <= 100 for score in scores)
    assert scores == [similarity(one, two) for one, two in pairs]  # whatever else is in the column


@given(st.text(max_size=60))
def test_a_name_is_itself(text: str) -> None:
    assert similarity(text, text) == (100 if parse_names([text]).core[0].as_py() else 0)
    assert parse_names([text]).form.tolist() == parse_names([text.upper()]).form.tolist() or not text.isascii()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ProShares Ultra QQQ", "ProShares UltraShort QQQ"),
        ("ProShares Ultra QQQ", "ProShares UltraPro QQQ"),
        ("iShares MSCI World EUR Hedged UCITS ETF", "iShares MSCI World EUR Unhedged UCITS ETF"),
        ("Franklin FTSE Japan ETF", "Franklin FTSE India ETF"),
        ("iShares Select Dividend ETF", "iShares International Select Dividend ETF"),
        ("AllianzIM U.S. Large Cap Buffer10 Nov ETF", "AllianzIM U.S. Large Cap Buffer20 Nov ETF"),
        ("iShares BB Rated Corporate Bond ETF", "iShares BBB Rated Corporate Bond ETF"),
        ("iShares Core MSCI World", "iShares Core MSCI World Small Cap UCITS ETF"),
        ("WisdomTree U.S. Quality Dividend Growth Fund", "WisdomTree U.S. SmallCap Quality Dividend Growth Fund"),
        ("Brookfield Renewable", "Brookfield Renewable Partners"),
        ("ABB India", "Abbott India"),
        ("Dana Incorporated", "Danaos Corporation"),
        ("inTest Corporation", "Pinterest, Inc."),
        ("Cohen Circle Acquisition Corp. I - Unit", "Cohen Circle Acquisition Corp. II - Unit"),
        ("DT Cloud Acquisition Corporation - Unit", "DT Cloud Star Acquisition Corporation - Units"),
        ("三菱 Corp", "三井 Corp"),
    ],
)
def test_one_word_that_makes_another_company(one: str, other: str) -> None:
    assert similarity(one, other) <= 65


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Burckhardt Compression", "BURCKHARDT COMPRESSION HOLDI"),
        ("Xtrackers DAX UCITS ETF", "Xtrackers DAX UCITS ETF 1C"),
        ("Gremz Inc", "GLEMZ INC"),
        ("Interactive Brokers Group, Inc. - Class A Common Stock", "INTERACTIVE BROKERS GRO-CL A"),
        ("Eversource Energy (D/B/A) Common Stock", "EVERSOURCE ENERGY"),
        ("American Tower Corporation (REIT) Common Stock", "AMERICAN TOWER CORP"),
        ("ProShares UltraShort MSCI EAFE", "PROSHARES ULTSHRT MSCI EAFE"),
        ("Capital Group Growth ETF", "CAPITAL GROUP GROWTH"),
        ("Marine Petroleum Trust - Units of Beneficial Interest", "MARINE PETROLEUM TRUST"),
        ("Mahindra & Mahindra Financial Services", "M&M FIN SERVICES"),
    ],
)
def test_one_company_in_two_spellings(one: str, other: str) -> None:
    assert similarity(one, other) >= 80


def test_many_words_that_fit_in_many_ways_take_no_time() -> None:
    assert similarity("aa " * 400 + "bxx", "a " * 800 + "cyy") <= 65


SHARE_WORDS = """
a b c d i class cl series ser unsponsored sponsored unsp spon spons sp american global depositary depository share shares receipt
pref adr adrs ads gdr gds cdi bdr new york ny registry reg shs non voting vtg com common stock limited partnership partner trust
unit units pct 1 5 ordinary registered subordinate restricted capital st sto s aktie aktien aktier of ord comm fpo bearer nam
namens inhaber redeemable preferred preference pfd prf vorzugsaktie vorzuege vorz vz vzo warrant warrants wt wts wrt right rights
rt rts to each exp one etf etn ucits exchange traded fund funds note notes debenture bond bonds due initially senior subordinated
contingent value in
"""


@given(st.lists(st.sampled_from([*SHARE_WORDS.split(), "acme", "metals"]), min_size=2, max_size=7).map(" ".join))
@settings(max_examples=500)
def test_no_name_that_says_something_of_its_share_goes_unmarked(name: str) -> None:
    """Only marked names are searched for the share, so that a word missing in MARK would make a warrant an ordinary share."""
    patterns = [name_words.DESCRIPTION, name_words.FUND, name_words.ANY_FUND, name_words.SHARE_CLASS]
    patterns += [pattern for _, pattern in name_words.FORMS]
    says = [pattern for pattern in patterns if pc.match_substring_regex(pa.array([name]), pattern)[0].as_py()]
    assert Words.split(pa.array([name])).marked()[0] or not says

"""What words of a company's name mean: legal forms, spellings, and the marks of share forms and classes.

Patterns are RE2's (pyarrow's), which has no look-around; they see lower-case words parted by single blanks.
"""

from enum import StrEnum

_LEGAL = """
inc incorporated corp corporation co cos company companies pty ltd limited plc llc lp llp sa sas sca ag se nv bv ab asa as oyj
oy abp spa srl kk kgaa gmbh public publ societe anonyme tbk bhd jsc pjsc aktiengesellschaft
"""
_SOFT = "the and of de group holdings com trust fund etf etv reit"
_PLACES = "international japan india"
_SPELLINGS = """
intl=international inds=industries ind=industries indus=industries industry=industries industrie=industries hldg=holdings
hldgs=holdings holding=holdings hold=holdings holdi=holdings holdin=holdings hd=holdings grp=group groupe=group gruppen=group
gruppo=group mfg=manufacturing tech=technology techs=technology technologies=technology technologie=technology svcs=services
svc=services service=services sys=systems system=systems natl=national pharmaceuticals=pharmaceutical amer=american
mgmt=management finl=financial lab=laboratory labs=laboratory laboratories=laboratory solution=solutions product=products
bros=brothers corporat=corporation corporati=corporation corporatio=corporation cor=corporation incorporat=incorporated gr=group
invs=investment bnk=bank ishrs=ishares shrt=short
"""
# Legal forms say where a company is registered, not which one it is; removed at the end of a name only (`Co` may begin one).
LEGAL_FORMS = frozenset(_LEGAL.split())
# Words that companies add and drop without becoming another company: they do not count when words are compared one by one.
SOFT_WORDS = frozenset(_SOFT.split())
# As soft, but for funds, which hold what the place has (`Franklin FTSE Japan ETF`, `Franklin FTSE India ETF`).
PLACES = frozenset(_PLACES.split())
# Spellings of one word; also the stumps that exports cut names to (`Unifirst Corporat`).
SPELLINGS = dict(spelling.split("=") for spelling in _SPELLINGS.split())
# What exports and lists with short columns leave of `Ltd` and `Inc` at the end of a name.
STUMPS = frozenset({"l", "lt", "i", "in"})
# `Capital Corp V` and `Capital Corp VII` are two companies: a word that is a number counts more than its letters.
NUMBER = r"^(?:\d+|[ivx]{2,}|[vx])$"


class Form(StrEnum):
    """Which form of a company's capital a name describes; different forms never match each other."""

    ORDINARY = "ordinary"
    DEPOSITARY = "depositary"
    PREFERRED = "preferred"
    WARRANT = "warrant"
    RIGHT = "right"
    UNIT = "unit"
    DEBT = "debt"


# Common, partnership and trust units are ordinary capital: their word is hidden from the search for units.
PLAIN_UNITS = r"(common|partnership|partner|trust) unit"
# Tried in this order: a depositary share of preferred stock is preferred; a unit "of one share and one warrant" is a unit; a
# depositary share "representing the right to receive" shares is no right. The blank in front keeps a company's own first word out
# (`Preferred Bank`, `Unit Corp`, `Warrant Capital`).
FORMS = (
    (Form.UNIT, r" units?(?: each\b| of one\b| \d|$)"),
    (Form.DEBT, r" (?:notes?|debentures?|bonds?) (?:initially )?due\b| (?:senior|subordinated) (?:notes?|debentures?)\b"),
    (Form.WARRANT, r" (?:warrants?|wts?|wrts?)\b"),
    (Form.PREFERRED, r" (?:preferred|preference|pfd|prf|pref|vorzugsaktien?|vorzuege|vorz|vz|vzo)\b"),
    (Form.DEPOSITARY, r" (?:adr|adrs|ads|gdr|gdrs|gds|cdi|bdr|depositary|depository|sponsored|unsponsored|unsp)\b"),
    (Form.RIGHT, r" (?:rights?|rts?)(?: to| each| exp| \d|$)| contingent value right"),
    (Form.DEBT, r" pct \d"),  # nothing but debt is left that pays a percentage
)
ANY_FUND = r" (?:fund|funds|etfs?|etns?|ucits)\b|\bexchange traded\b"
FUND = r" (?:etfs?|etns?|ucits)\b|\bexchange traded\b"
# A fund of preferred stock is a fund; preferred stock of a fund is preferred stock, and hidden from that search.
PREFERRED_SHARES = r" preferred (share|stock)"
FUND_HOLDING_PREFERRED = r" preferred .*fund\b"
# `a 1/1,000th interest in a share of ...`: no class A.
ARTICLE = r" in a share"
SHARE_CLASS = (
    r" (?:class|cl|series|ser) (?P<worded>[a-z]|\d+)\b"  # Class A common stock, - CL A, Series B
    r"| (?P<before>[a-z]) (?:shs?|shares?|aktie[rn]?)\b"  # AB-B SHS
    r"| (?P<last>[abc])$"  # COMPOSECURE INC-A
)
# Where the description of the share begins: everything from there on says nothing about the company.
DESCRIPTION = (
    r" (?:(?:class|cl|series|ser) (?:[a-z]|\d+)\b"
    r"|(?:(?:un)?sponsored |unsp |spons? |sp )?(?:american |global )?(?:depositary|depository) (?:shares?|receipts?)"
    r"|(?:(?:un)?sponsored |unsp |spons? |sp )?(?:pref )?(?:adrs?|ads|gdrs?|gds|cdi)\b"
    r"|(?:new york|ny) (?:registry|reg) (?:shares?|shs)"
    r"|(?:non )?(?:voting|vtg)(?: (?:com|common|stock|shs|shrs|shares?)\b.*)?$"
    r"|(?:limited )?partnership units?\b"
    r"|pct \d"
    r"|(?:new )?(?:common|ordinary|registered|subordinate|restricted|capital) (?:voting |non voting |ordinary )?"
    r"(?:stock|share|unit|shs|sto|st|s)"
    r"|[a-z] (?:shs?|shares?|aktie[rn]?)\b"
    r"|(?:shares?|units?) of\b"
    r"|d b a\b"
    r"|(?:ord|ordinary|common|comm|com|fpo|reg|registered|bearer|shs|shares)(?: \d.*)?$"
    r"|(?:nam|namens|namen|inhaber) aktien"
    r"|(?:redeemable )?(?:preferred|preference|pfd|vorzugsaktien?|vorzuege|vorz|warrants?|rights?)\b"
    r"|units?(?: each\b| of one\b| \d|$)"
    r"|[abc]$).*"
)
# Every name that one of these patterns fits has one of these words, not as its first (tests/mapping/test_names.py).
MARK = (
    r"^(?:[a-d]|(?:un)?sponsored|unsp|spons?|sp|american|global|depositary|depository|class|cl|series|ser"
    r"|adrs?|ads|gdrs?|gds|cdi|bdr|registry|reg|registered|bearer|voting|vtg|pct|common|ordinary|comm?|ord|fpo"
    r"|subordinate|restricted|capital|shs?|shares?|aktie[rn]?|units?|notes?|debentures?|bonds?|warrants?|wts?|wrts?"
    r"|preferred|preference|pfd|prf|pref|vorzugsaktien?|vorzuege|vorz|vzo?|rights?|rts?|etfs?|etns?|ucits|funds?|traded)$"
)

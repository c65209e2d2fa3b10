"""Company names: what of them identifies the company, what says which form of its shares this is, and how alike two are.

Sources cut names (`Ingredion Incorporated Common S`), brokers shout and abbreviate (`NEW WAVE GROUP AB -B SHS`), and lists add
the form (`Class A Ordinary Shares`, `American Depositary Shares`). `parse_name` takes that apart: the words that identify the
company (`core`), the form (`ordinary`, `depositary`, `warrant` ...) and the share class (`A`). Forms and classes are never noise:
an ADR is another instrument.
"""

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from rapidfuzz import fuzz

_LEGAL = """
inc incorporated corp corporation co company companies ltd limited plc llc lp llp sa sas sca ag se nv bv ab asa as oyj oy abp
spa srl kk kgaa gmbh publ societe anonyme tbk bhd jsc pjsc aktiengesellschaft
"""
_SOFT = "the and of de group holdings international japan"
_SPELLINGS = """
intl=international inds=industries ind=industries indus=industries industry=industries industrie=industries hldg=holdings
hldgs=holdings holding=holdings hd=holdings grp=group groupe=group gruppen=group gruppo=group mfg=manufacturing tech=technology
techs=technology technologies=technology svcs=services svc=services service=services sys=systems system=systems natl=national
pharmaceuticals=pharmaceutical amer=american mgmt=management finl=financial lab=laboratory labs=laboratory laboratories=laboratory
solution=solutions product=products bros=brothers corporat=corporation corporati=corporation corporatio=corporation
cor=corporation incorporat=incorporated
"""
# Legal forms say where a company is registered, not which one it is; removed at the end of a name only (`Co` may begin one).
LEGAL_FORMS = frozenset(_LEGAL.split())
# Words that companies add and drop without becoming another company: they do not count when words are compared one by one.
SOFT_WORDS = frozenset(_SOFT.split())
# Spellings of one word; also the stumps that exports cut names to (`Unifirst Corporat`).
_ABBREVIATIONS = dict(spelling.split("=") for spelling in _SPELLINGS.split())


# Lists with short columns cut names from here on (IBKR's after 28 characters, exports' after 31).
SHORTEST_CUT = 24


class Form(StrEnum):
    """Which form of a company's capital a name describes; different forms never match each other."""

    ORDINARY = "ordinary"
    DEPOSITARY = "depositary"
    PREFERRED = "preferred"
    WARRANT = "warrant"
    RIGHT = "right"
    UNIT = "unit"
    DEBT = "debt"


# Tried in this order: a depositary share of preferred stock is preferred; a unit "of one share and one warrant" is a unit; a
# depositary share "representing the right to receive" shares is no right. The blank in front keeps a company's own first word out
# (`Preferred Bank`, `Unit Corp`, `Warrant Capital`).
_FORMS = (
    (Form.UNIT, re.compile(r"(?<!common)(?<!partnership)(?<!partner)(?<!trust) units?(?: each\b| of one\b| \d|$)")),
    (
        Form.DEBT,
        re.compile(r" (?:notes?|debentures?|bonds?) (?:initially )?due\b| (?:senior|subordinated) (?:notes?|debentures?)\b"),
    ),
    (Form.WARRANT, re.compile(r" (?:warrants?|wts?|wrts?)\b")),
    (Form.PREFERRED, re.compile(r" (?:preferred|preference|pfd|prf|pref|vorzugsaktien?|vz|vzo)\b")),
    (Form.DEPOSITARY, re.compile(r" (?:adr|adrs|ads|gdr|gdrs|gds|cdi|bdr|depositary|depository|sponsored|unsponsored|unsp)\b")),
    (Form.RIGHT, re.compile(r" (?:rights?|rts?)(?: to| each|$)| contingent value right")),
)
# A fund of preferred stock is a fund; preferred stock of a fund is preferred stock.
_FUND = re.compile(r" (?:etfs?|etns?|ucits)\b|\bexchange traded\b")
_FUND_HOLDING_PREFERRED = re.compile(r" preferred (?!shares?|stock).*fund\b")
_SHARE_CLASS = re.compile(
    r" (?:class|cl|series|ser) ([a-z])\b"  # Class A common stock, - CL A, Series B
    r"| ([a-z]) (?:shs?|shares?|aktie[rn]?)\b"  # AB-B SHS
    r"| ([abc])$"  # COMPOSECURE INC-A
)
# Where the description of the share begins: everything from there on says nothing about the company.
_DESCRIPTION = re.compile(
    r" (?:(?:class|cl|series|ser) [a-z]\b"
    r"|(?:american |global )?(?:depositary|depository) (?:shares?|receipts?)"
    r"|(?:unsponsored|sponsored|unsp|spon)? ?(?:adrs?|ads|gdrs?|gds|cdi)\b"
    r"|(?:common|ordinary|registered|subordinate|restricted|capital) (?:voting |non voting )?(?:stock|share|unit|shs|sto|st|s)"
    r"|[a-z] (?:shs?|shares?|aktie[rn]?)\b"
    r"|shares? of beneficial"
    r"|(?:ord|ordinary|common|comm|com|fpo|reg|registered|bearer|shs|shares)(?: \d.*)?$"
    r"|(?:nam|namens|namen|inhaber) aktien"
    r"|(?:preferred|preference|pfd|warrants?|rights?|units? each)\b"
    r"|[abc]$).*"
)


@dataclass(frozen=True)
class Name:
    """A name taken apart.

    Attributes:
        full: Every word, lower case, without accents and punctuation; legal form and description included.
        core: The words that identify the company, in order; never empty unless the name has no letters or digits at all.
        form: Which form of capital it describes; `ordinary` where it says nothing.
        share_class: `A`, `B` ... where the name says so, else None.
        is_whole: Something followed the company's words (a legal form, the share), so that they cannot have been cut off.
    """

    full: str
    core: str
    form: Form
    share_class: str | None
    is_whole: bool

    @property
    def may_be_cut(self) -> bool:
        """Whether words may be missing at the end: `INVESCO TRUST FOR INVESTMENT` is the beginning of many names."""
        return not self.is_whole and len(self.full) >= SHORTEST_CUT


@lru_cache(maxsize=65536)
def parse_name(text: str) -> Name:
    """Take a name apart. A name without letters or digits gives empty words, form `ordinary` and no class."""
    full = " ".join(_words(text))
    forms = (form for form, pattern in _FORMS if pattern.search(full))
    is_fund = _FUND.search(full) or _FUND_HOLDING_PREFERRED.search(full)
    form = Form.ORDINARY if is_fund else next(forms, Form.ORDINARY)
    found = _SHARE_CLASS.search(full)
    share_class = next((group.upper() for group in found.groups() if group), None) if found else None
    company = _DESCRIPTION.sub("", full).split()
    core = [_ABBREVIATIONS.get(word, word) for word in company]
    while len(core) > 1 and (core[-1] in LEGAL_FORMS or core[-1] == "the"):
        core.pop()
    is_whole = len(core) < len(full.split())
    return Name(full=full, core=" ".join(core), form=form, share_class=share_class, is_whole=is_whole)


def names_a_fund(name: Name) -> bool:
    """Whether the name says that this is an exchange-traded product, for brokers that file those under stocks."""
    return bool(_FUND.search(name.full))


def similarity(left: Name, right: Name) -> float:
    """How alike the companies of two names are, 0 to 100; symmetric; 0 where one has no words.

    100 for the same words, however they are spaced (`Inter Parfums`, `INTERPARFUMS`) and also where one is the other cut off, as
    lists with short columns do (`OLLIE'S BARGAIN OUTLET HOLDI`); `Brookfield Renewable Corp` is not cut off, and not `Brookfield
    Renewable Partners`. Otherwise the better of the letters in order and of the words one by one. Where only a number tells two
    apart (`Capital Corp V`, `VII`) they are two: 50. A name that contains the other (`Acuity`, `Acuity Brands`) gets at least 85.
    """
    if not left.core or not right.core:
        return 0.0
    shorter, longer = sorted((left, right), key=lambda name: (len(name.core.replace(" ", "")), name.core.replace(" ", "")))
    one, two = shorter.core.replace(" ", ""), longer.core.replace(" ", "")
    first, second = sorted((_hard(left.core), _hard(right.core)), key=lambda words: (len(words), words))
    if one != two and _numbers_differ(first, second):
        return 50.0
    if one == two or (len(one) >= 16 and two.startswith(one) and not shorter.is_whole):
        return 100.0
    if first == second:
        return 95.0
    contained = set(first) <= set(second) and len("".join(first)) >= 4
    score = max(fuzz.ratio(one, two), fuzz.token_sort_ratio(" ".join(first), " ".join(second)), 85.0 if contained else 0.0)
    if not contained and fuzz.ratio(first[0], second[0]) < 75:
        score = min(score, 60.0)  # what companies share is the last word (`... Therapeutics`), what tells them apart the first
    return round(score, 1)


_NUMBER = re.compile(r"\d+|[ivx]{2,}|[vx]")


def _numbers_differ(first: tuple[str, ...], second: tuple[str, ...]) -> bool:
    """Whether both carry a number, and not the same: `Capital Corp V` and `Capital Corp VII` are two companies."""
    left, right = ({word for word in words if _NUMBER.fullmatch(word)} for words in (first, second))
    return bool(left and right) and left != right


def _hard(core: str) -> tuple[str, ...]:
    words = tuple(word for word in core.split() if word not in SOFT_WORDS and word not in LEGAL_FORMS)
    return words or tuple(core.split())


_LETTERS = str.maketrans(
    {"ø": "o", "æ": "ae", "œ": "oe", "ł": "l", "đ": "d", "'": None, "’": None, "´": None, "`": None, "&": " and "}
)
_SPACED_FORMS = re.compile(r"\b(a[ /]s|s a|a b|a g|n v|b v|s p a|s e)(?=$| )")


def _words(text: str) -> list[str]:
    """Lower-case words without accents; initials lose their dots (`D.R.` is `dr`), other punctuation separates.

    What follows a slash at the end is the broker's note of a state or country (`UNIFIRST CORP/MA`), not the company's name.
    """
    plain = unicodedata.normalize("NFKD", text.casefold().translate(_LETTERS))
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    plain = re.sub(r"\s*/\s*[a-z]{2,}\s*$", "", plain)
    plain = re.sub(r"\ba/s\b", "as", plain)
    plain = re.sub(r"\b([a-z])\.(?=[a-z]\b|\s|$|,)", r"\1", plain)
    plain = re.sub(r"[^a-z0-9]+", " ", plain).strip()
    return _SPACED_FORMS.sub(lambda found: found[0].replace(" ", ""), plain).split()

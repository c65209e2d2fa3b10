"""What a symbol says, and the notations that every market writes alike: a root, perhaps a class, and in the US a form.

A symbol is a root (`BRK`, `BAJAJ-AUTO`, `0700`), in some cases a share class (`B`), in the US an issue that is no
common share (a unit, a right), in India the series it trades in. Each notation writes these its own way:

| | class B | preferred L | unit | warrant | right |
| --- | --- | --- | --- | --- | --- |
| Yahoo | `BRK-B` | `BAC-PL` | `AAM-UN` | `OXY-WT` | `NXG-RI` |
| CMS after a blank (IBKR) | `BRK B` | `BAC PRL` | `AAM U` | `OXY WS` | `NXG RT` |
| CMS after a dot (Alpaca) | `BRK.B` | `BAC.PRL` | `AAM.U` | `OXY.WS` | `NXG.RT` |
| Nasdaq ACT | `BRK.B` | `BAC$L` | `AAM.U` | `OXY.W` | `NXG.R` |
| Nasdaq integrated (INET) | `BRK.B` | `BAC-L` | `AAM=` | `OXY+` | `NXG^` |
| CQS | `BRK.B` | `BACpL` | `AAM.U` | `OXY.WS` | `NXGr` |

Source of CMS, ACT, INET and CQS: nasdaqtrader.com, "Ticker Symbol Convention". When-issued, called and convertible issues are
left out. ACT writes some of them, and warrants of a series, like a class (`NXG.V`, `NE.A`): its class letters are to be doubted.
Outside the US a class is a single letter after the notation's separator (`ROCK-A.CO`); longer words (`CORE-PREF.ST`) belong to
the root.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from include.domain.market import Market
from include.errors import InputError

_WORD = r"[A-Z0-9&]+"
ROOT = re.compile(rf"{_WORD}(-{_WORD})*")
_SEPARATORS = re.compile(r"[\s./_\-]+")
SERIES = ("EQ", "BE", "BZ", "SM", "ST", "RR", "IV")
"""NSE's series of shares and trusts: rolling, trade for trade, under surveillance, two of small companies, two of property and
infrastructure trusts. Other endings are debt, funds."""


class Issue(StrEnum):
    """What a US symbol names, if not common shares."""

    PREFERRED = "preferred"
    UNIT = "unit"
    WARRANT = "warrant"
    RIGHT = "right"


@dataclass(frozen=True, slots=True)
class Symbol:
    """A symbol without notation.

    Attributes:
        root: Capitals; several words are joined by `-`. Hong Kong's numbers have at least four digits (`0700`).
        share_class: One letter; of a preferred share or a warrant, its series.
        issue: None for common shares and funds.
        series: One of `SERIES`, where an Indian symbol says it. It is no identity: a share moves from one to another.

    Raises:
        ValueError: A part is not in this form.
    """

    root: str
    share_class: str | None = None
    issue: Issue | None = None
    series: str | None = None

    def __post_init__(self) -> None:
        letter = self.share_class is None or re.fullmatch("[A-Z]", self.share_class)
        if not ROOT.fullmatch(self.root) or not letter or self.series not in (None, *SERIES):
            raise ValueError(f"expected words in capitals, a single letter and a series of {SERIES}, not {self!r}")


class Notation(ABC):
    """One way to write symbols."""

    def parse(self, text: str, market: Market | None = None) -> Symbol | None:
        """The symbol a text of this notation names; None for any other text.

        Args:
            text: White space around it does not matter.
            market: Where it is listed. Yahoo's endings and the exceptions of single markets need it; None: the US.
        """
        return self._read(text.strip(), market)

    def format(self, symbol: Symbol, market: Market | None = None) -> str:
        """The symbol in this notation.

        Raises:
            InputError: The notation cannot express it: what it would write is read as another symbol, or as none.
        """
        if not self.can_format(symbol, market):
            raise InputError("expected a symbol that this notation can express", value=symbol)
        return self._write(symbol, market)

    def can_format(self, symbol: Symbol, market: Market | None = None) -> bool:
        """Whether the notation can express a symbol."""
        return self._read(self._write(symbol, market), market) == symbol

    @abstractmethod
    def _read(self, text: str, market: Market | None) -> Symbol | None: ...

    @abstractmethod
    def _write(self, symbol: Symbol, market: Market | None) -> str: ...


@dataclass(frozen=True, slots=True)
class Separated(Notation):
    """Root, separator, class; and what is written in place of the separator for issues that are no common shares.

    Attributes:
        separator: Between the words of a root, and before its class.
        issues: Ending by issue: the one alone, and the one before a series' letter (None: series cannot be written).
        has_cases: Small letters mean something (CQS).
    """

    separator: str
    issues: Mapping[Issue, tuple[str, str | None]] = field(default_factory=dict)
    has_cases: bool = False

    def _read(self, text: str, market: Market | None) -> Symbol | None:
        plain = text if self.has_cases else text.upper()
        for issue, (alone, before) in self.issues.items():
            if found := self._symbol(plain.removesuffix(alone), None, issue) if plain.endswith(alone) else None:
                return found
            if before and plain[:-1].endswith(before) and (found := self._symbol(plain[: -len(before) - 1], plain[-1], issue)):
                return found
        root, _, last = plain.rpartition(self.separator)
        return (self._symbol(root, last) if root and len(last) == 1 else None) or self._symbol(plain)

    def _symbol(self, root: str, letter: str | None = None, issue: Issue | None = None) -> Symbol | None:
        words = root.split(self.separator)
        if not all(re.fullmatch(_WORD, word) for word in words) or not re.fullmatch("[A-Z]?", letter or ""):
            return None
        return Symbol("-".join(words), letter, issue)

    def _write(self, symbol: Symbol, market: Market | None) -> str:
        root = symbol.root.replace("-", self.separator)
        alone, before = self.issues.get(symbol.issue, ("", None)) if symbol.issue else ("", self.separator)
        ending = alone if symbol.share_class is None else f"{before}{symbol.share_class}" if before else ""
        return f"{root}{ending}"


def cms(separator: str) -> Separated:
    """The exchanges' CMS suffixes after a separator of their own (a blank in CMS itself)."""
    suffixes = {Issue.PREFERRED: "PR", Issue.UNIT: "U", Issue.WARRANT: "WS", Issue.RIGHT: "RT"}
    serial = (Issue.PREFERRED, Issue.WARRANT)
    written = {issue: f"{separator}{suffix}" for issue, suffix in suffixes.items()}
    return Separated(separator, {issue: (text, text if issue in serial else None) for issue, text in written.items()})


HYPHEN = Separated("-")
DOT = Separated(".")
SPACE = Separated(" ")
SLASH = Separated("/")
ALPACA = cms(".")
ACT = Separated(
    ".", {Issue.PREFERRED: ("$", "$"), Issue.UNIT: (".U", None), Issue.WARRANT: (".W", None), Issue.RIGHT: (".R", None)}
)
INET = Separated(".", {Issue.PREFERRED: ("-", "-"), Issue.UNIT: ("=", None), Issue.WARRANT: ("+", "+"), Issue.RIGHT: ("^", None)})
CQS = Separated(
    ".",
    {Issue.PREFERRED: ("p", "p"), Issue.UNIT: (".U", None), Issue.WARRANT: (".WS", ".WS."), Issue.RIGHT: ("r", None)},
    has_cases=True,
)


def words(text: str) -> tuple[str, ...]:
    """The parts of a symbol in capitals, whatever separates them: what is left where the notation is not known; () for none."""
    return tuple(word for word in _SEPARATORS.split(text.upper()) if word)

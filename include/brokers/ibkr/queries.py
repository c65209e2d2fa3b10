"""Which look-ups an instrument is worth at IBKR, strongest key first: ISIN, symbol in IBKR's spellings, name."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field

from include.domain.instrument import AssetClass, Instrument
from include.domain.market import Market
from include.domain.notation.pairs import parse_pair
from include.domain.notation.symbols import words
from include.domain.notation.venues import IBKR, stem

SECURITY_TYPES = {AssetClass.STOCK: "STK", AssetClass.ETF: "STK", AssetClass.WARRANT: "WAR", AssetClass.CFD: "CFD"}
PAIR_TYPES = {AssetClass.FX: ("CASH", ("IDEALPRO",)), AssetClass.CRYPTO: ("CRYPTO", ("PAXOS", "ZEROHASH"))}
NAME_WORDS = 3  # IBKR cuts names after 28 characters: the beginning finds more than the whole
_LEGAL_FORM = re.compile(
    "a/s|ab|ag|asa?|bv|co|coltd|company|corp|corporation|gmbh|group|holdings?|inc|incorporated|kk|limited|ltd|nv|oyj?|plc|publ"
    "|sa|sab|sca|se|spa|tbk|the"
)


@dataclass(frozen=True)
class Query:
    """One look-up.

    Attributes:
        method: `isin`, `symbol`, `pair` or `name`: how strong what it finds is.
        key: Under which its answer is cached.
        evidence: What a row found by it says about how it was found.
        contract: Keyword arguments of ib_insync's `Contract`; empty for a name search.
        pattern: What a name search asks for.
    """

    method: str
    key: str
    evidence: str
    contract: Mapping[str, str] = field(default_factory=dict, hash=False)
    pattern: str = ""


def stages(instrument: Instrument, market: Market | None) -> list[list[Query]]:
    """Look-ups in order of strength; a later stage is asked only when every query before it found nothing for certain.

    The queries of one stage are asked together: when IBKR does not answer to the ISIN in the wanted currency, it may still do so
    on other markets, and know the wanted listing by its symbol only. [] for a kind of instrument that is not looked up here.
    """
    if instrument.asset_class in PAIR_TYPES:
        return _pair_stage(instrument)
    security_type = SECURITY_TYPES.get(instrument.asset_class)
    if security_type is None:
        return []
    currency = instrument.currency
    kind = "" if security_type == "STK" else f";type={security_type}"
    found: list[list[Query]] = []
    identity = {"secType": security_type, "secIdType": "ISIN", "secId": instrument.isin or ""}
    evidence = f"isin={instrument.isin}"
    if instrument.isin:
        found.append([Query("isin", f"{evidence};currency={currency}{kind}", evidence, {**identity, "currency": currency})])
    listed = {"secType": security_type, "exchange": "SMART", "currency": currency}
    others = [Query("isin", f"{evidence}{kind}", evidence, identity)] if instrument.isin else []
    symbols = [
        Query("symbol", f"symbol={symbol};currency={currency}{kind}", f"symbol={symbol}", {**listed, "symbol": symbol})
        for symbol in spellings(instrument.ticker, market)
    ]
    found.append([*others, *symbols])
    pattern = name_pattern(instrument.name)
    if pattern:
        # Only the namesakes nearest to the market are looked at: another market's answer is another one.
        key = f"name={pattern};currency={currency};market={instrument.market}{kind}"
        found.append([Query("name", key, f"name={pattern}", {"secType": security_type, "currency": currency}, pattern)])
    return found


def _pair_stage(instrument: Instrument) -> list[list[Query]]:
    """A pair at every place where IBKR trades its kind; [] for a ticker that names none."""
    pair = parse_pair(instrument.ticker.strip().upper(), instrument.currency)
    if pair is None:
        return []
    security_type, exchanges = PAIR_TYPES[instrument.asset_class]
    contract = {"secType": security_type, "symbol": pair.base, "currency": pair.quote}
    key = f"symbol={pair.base};currency={pair.quote};type={security_type}"
    return [[Query("pair", f"{key};exchange={at}", f"pair={pair}", {**contract, "exchange": at}) for at in exchanges]]


def spellings(ticker: str, market: Market | None) -> list[str]:
    """IBKR's possible spellings of a Yahoo-style ticker: `ROCK-A.CO` -> `ROCKA`, `ROCK.A`, `ROCK A`."""
    parts = words(stem(ticker, market))
    if len(parts) > 1:
        return [joiner.join(parts) for joiner in ("", ".", " ")]
    symbol = IBKR.parse("".join(parts), market)
    written = IBKR.format(symbol, market) if symbol else "".join(parts)
    return list(dict.fromkeys(filter(None, (written.removesuffix("."), written))))


def name_pattern(name: str) -> str:
    """What to search a company by: its first words in plain letters, up to a legal form; "" where nothing is left."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    words = [word.strip(".,-&'") for word in re.split(r"[\s()]+", plain)]
    telling: list[str] = []
    for word in words:
        if _LEGAL_FORM.fullmatch(word.lower().replace(".", "")):
            if telling:
                break
        elif word:
            telling.append(word)
    return " ".join(telling[:NAME_WORDS])

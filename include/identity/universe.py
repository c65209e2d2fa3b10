"""Rows of the universe without an ISIN get their identities where these are certain; every miss has a reason."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from include.domain.instrument import AssetClass
from include.domain.market import Market
from include.identity.enrich import NAME_MISMATCH, UNKNOWN, Plausible, Verdict, judge
from include.identity.local import TableSource
from include.identity.source import Identity, IdentitySource, Query
from include.identity.table import EXTRAS, symbol_of

SHARES = (AssetClass.STOCK, AssetClass.ETF)
NOT_CHECKED = "identity not checked: openfigi has said nothing of it"
_BY_LISTING = "market, symbol, currency, kind and name"


@dataclass(frozen=True)
class Sources:
    """What a universe is enriched from.

    Attributes:
        markets: By id.
        plausible: Compares names.
        table: The local table, or None.
        table_sha256: Of its file.
        figis: OpenFIGI, or None.
        not_asked: Why OpenFIGI is None although it should be asked; a note of the universe. None: it is, or nobody wants it.
    """

    markets: Mapping[str, Market]
    plausible: Plausible
    table: TableSource | None = None
    table_sha256: str | None = None
    figis: IdentitySource | None = None
    not_asked: str | None = None


def enrich_universe(document: Mapping[str, Any], sources: Sources) -> dict[str, Any]:
    """The universe document with the ISINs and FIGIs that are certain; every other row stays as it is.

    An enriched row of `all_stocks` has `identity_source` (`{source, date, by}` of its ISIN, else of its FIGI), `figi_source`
    where another source told the FIGI, and those of `figi`, `share_class_figi` and `cusip` that are known. An ISIN that another
    row has, or would get, too is not taken: what is one instrument would be bought twice. Where OpenFIGI has another name or
    share class for an ISIN than the table, neither is taken; an ISIN that it should have been asked about, and has never told
    anything of, is taken with the words `identity not checked` (`identity_source.check`). `metadata.identities` counts,
    `metadata.notes` tell every miss but plain unknown ones.

    Args:
        document: The universe of step 2; it is not changed.
        sources: Where to look.
    """
    queries = _queries(document, sources.markets)
    notes = [sources.not_asked] if sources.not_asked else []
    by_table = _verdicts(sources.table, list(queries.values()), sources.plausible, notes)
    _refuse_shared(by_table, {stock["isin"] for stock in document["all_stocks"].values() if stock["isin"]})
    asked = [query.model_copy(update={"isin": _isin(by_table.get(key))}) for key, query in queries.items()]
    by_figi = _verdicts(sources.figis, asked, sources.plausible, notes)
    _refuse_contradicted(by_table, by_figi)
    notes += _misses(by_table, "ISIN") + _misses(by_figi, "FIGI")
    fields = {ticker: _fields(by_table.get(ticker), by_figi.get(ticker)) for ticker in queries}
    unchecked = [ticker for ticker, found in fields.items() if "isin" in found and ticker not in by_figi]
    if sources.figis is None and not sources.not_asked:
        unchecked = []
    for ticker in unchecked:
        fields[ticker]["identity_source"]["check"] = NOT_CHECKED
    told = {
        "table_sha256": sources.table_sha256,
        "openfigi": sources.figis is not None,
        "without_isin": sum(not stock["isin"] for stock in document["all_stocks"].values()),
        "isin_found": sum("isin" in found for found in fields.values()),
        "isin_unchecked": len(unchecked),
        "figi_found": sum("figi" in found or "share_class_figi" in found for found in fields.values()),
    }
    return _with(document, fields, told, notes)


def _queries(document: Mapping[str, Any], markets: Mapping[str, Market]) -> dict[str, Query]:
    return {
        ticker: Query(
            key=ticker,
            symbol=symbol_of(ticker, markets[stock["market"]]),
            market=stock["market"],
            currency=stock["currency"],
            name=stock["name"],
            asset_class=stock["asset_class"],
        )
        for ticker, stock in document["all_stocks"].items()
        if not stock["isin"] and stock["asset_class"] in SHARES
    }


def _verdicts(
    source: IdentitySource | None, queries: Sequence[Query], plausible: Plausible, notes: list[str]
) -> dict[str, Verdict]:
    if source is None or not queries:
        return {}
    answers = source.find(queries)
    notes += answers.troubles
    return {q.key: judge(q, answers.found[q.key], plausible) for q in queries if q.key in answers.found}


def _isin(verdict: Verdict | None) -> str | None:
    return verdict.identity.isin if verdict and verdict.identity else None


def _refuse_shared(verdicts: dict[str, Verdict], owned: set[str]) -> None:
    tickers: dict[str, list[str]] = {}
    for ticker, verdict in verdicts.items():
        if isin := _isin(verdict):
            tickers.setdefault(isin, []).append(ticker)
    for isin, claimants in tickers.items():
        if isin in owned or len(claimants) > 1:
            for ticker in claimants:
                verdicts[ticker] = Verdict(None, "isin_of_another_row", isin)


def _refuse_contradicted(by_table: dict[str, Verdict], by_figi: dict[str, Verdict]) -> None:
    for ticker, verdict in by_figi.items():
        known = by_table.get(ticker)
        if known is None or known.identity is None:
            continue
        classes = {one.share_class_figi for one in (known.identity, verdict.identity) if one} - {None}
        if verdict.reason == NAME_MISMATCH or len(classes) > 1:
            by_table[ticker] = Verdict(None, "figi_contradicts", f"{known.identity.isin} of {known.identity.source}")
            by_figi[ticker] = Verdict(None, verdict.reason or "isin_contradicts", verdict.detail)


def _fields(by_table: Verdict | None, by_figi: Verdict | None) -> dict[str, Any]:
    """What is added to a row; {} for nothing."""
    known, figi = (verdict.identity if verdict else None for verdict in (by_table, by_figi))
    fields: dict[str, Any] = {}
    if known:
        fields = {"isin": known.isin, "instrument_id": f"isin:{known.isin}", "identity_source": _source(known, _BY_LISTING)}
        fields |= {name: getattr(known, name) for name in EXTRAS if getattr(known, name)}
    if figi:
        numbers = {name: getattr(figi, name) for name in EXTRAS if getattr(figi, name) and name not in fields}
        if numbers:
            where = "figi_source" if known else "identity_source"
            fields |= numbers | {where: _source(figi, "isin" if known else _BY_LISTING)}
    return fields


def _source(identity: Identity, by: str) -> dict[str, str]:
    return {"source": identity.source, "date": identity.source_date.isoformat(), "by": by}


def _misses(verdicts: Mapping[str, Verdict], what: str) -> list[str]:
    return [
        f"{ticker}: no {what} taken: {verdict.reason}" + (f" ({verdict.detail})" if verdict.detail else "")
        for ticker, verdict in verdicts.items()
        if verdict.reason not in (None, UNKNOWN)
    ]


def _with(
    document: Mapping[str, Any], fields: Mapping[str, Mapping[str, Any]], told: dict[str, Any], notes: list[str]
) -> dict[str, Any]:
    metadata = {**document["metadata"], "notes": [*document["metadata"]["notes"], *notes], "identities": told}
    entries = {ticker: {**stock, **fields.get(ticker, {})} for ticker, stock in document["all_stocks"].items()}
    screens = {
        key: {**screen, "stocks": [{**stock, "isin": entries[stock["ticker"]]["isin"]} for stock in screen["stocks"]]}
        for key, screen in document["screens"].items()
    }
    return {**document, "metadata": metadata, "screens": screens, "all_stocks": entries}

"""A broker's contracts that carry no ISIN get that of the one identity they agree with. Column operations: lists are long."""

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from include.domain.instrument import AssetClass
from include.domain.market import Market
from include.identity.enrich import PlausiblePairs
from include.identity.table import canonical_column, embedded_cusip, joined, looked_up

_KINDS = pa.array([AssetClass.STOCK.value, AssetClass.ETF.value])
_KEY = ("market", "symbol", "currency", "asset_class")
_NOTHING = pa.scalar(None, pa.string())


def enrich_contracts(
    contracts: pa.Table,
    claims: pa.Table,
    markets: Mapping[str, Market],
    plausible: PlausiblePairs,
    home_market: str | None = None,
) -> pa.Table:
    """The same rows in the same order; some that had no ISIN have one, and `evidence` says from where.

    Only a live share or fund is enriched, where one undisputed claim agrees on market, symbol, currency and kind under a
    plausible name, no CUSIP or share class FIGI contradicts, no other contract of the list agrees with that claim or has its
    ISIN on that market in that currency already. Everything else stays as it is: the matcher's other keys remain.

    Args:
        contracts: Table of `CONTRACT_SCHEMA`, any length.
        claims: As `include.identity.table.claims` gives them.
        markets: By id.
        plausible: Compares names; asked for each pair of different names once.
        home_market: Market of contracts that name none, at a broker that only serves one; None: unknown stays unknown.
    """
    usable = claims.filter(pc.is_null(claims["doubt"]))
    if not usable.num_rows or not contracts.num_rows:
        return contracts
    told = _columns(contracts, markets, home_market)
    position = pc.index_in(joined(told, _KEY), value_set=joined(usable, _KEY).combine_chunks())
    offered = usable.take(position)
    open_ = pc.and_(told["open"], pc.is_valid(position))
    open_ = pc.and_(open_, _not_contradicted(contracts, offered))
    open_ = pc.and_(open_, _plausible(contracts["name"], offered, open_, plausible))
    open_ = pc.and_(open_, _alone(contracts, told, offered, open_))
    isin = pc.if_else(open_, offered["isin"], contracts["isin"])
    date = pc.cast(offered["source_date"], pa.string())
    words = pc.binary_join_element_wise("identity=", offered["source"], " ", date, "")
    before = pc.if_else(
        pc.equal(pc.fill_null(contracts["evidence"], ""), ""), "", pc.binary_join_element_wise(contracts["evidence"], "; ", "")
    )
    evidence = pc.if_else(open_, pc.binary_join_element_wise(pc.fill_null(before, ""), words, ""), contracts["evidence"])
    return _replaced(_replaced(contracts, "isin", isin), "evidence", evidence)


def _columns(contracts: pa.Table, markets: Mapping[str, Market], home_market: str | None) -> pa.Table:
    """The contracts' side of the key, and whether a row may be enriched at all."""
    by_mic = {mic: market.market for market in markets.values() for mic in market.mics}
    by_word = {word: market.market for market in markets.values() for word in market.exchange_words}
    mic, word = pc.fill_null(contracts["mic"], ""), pc.fill_null(contracts["exchange"], "")
    without_mic = pc.coalesce(_translated(word, by_word), pa.scalar(home_market, pa.string()))
    # IBKR's word for what is only valued, never traded.
    without_mic = pc.if_else(pc.equal(word, "VALUE"), _NOTHING, without_mic)
    live = pc.and_(pc.fill_null(contracts["tradable"], False), pc.is_in(contracts["asset_class"], value_set=_KINDS))
    return pa.table(
        {
            "market": pc.if_else(pc.equal(mic, ""), without_mic, _translated(mic, by_mic)),
            "symbol": canonical_column(contracts["symbol"]),
            "currency": contracts["currency"],
            "asset_class": contracts["asset_class"],
            "open": pc.and_(live, pc.equal(pc.fill_null(contracts["isin"], ""), "")),
        }
    )


def _translated(words: pa.ChunkedArray, table: Mapping[str, str]) -> pa.ChunkedArray:
    return looked_up(words, pa.array(list(table), pa.string()), pa.array(list(table.values()), pa.string()))


def _not_contradicted(contracts: pa.Table, offered: pa.Table) -> pa.ChunkedArray:
    """A CUSIP or share class FIGI on both sides must be the same; an American ISIN contains its CUSIP."""
    isins = pc.drop_null(pc.unique(offered["isin"]))
    inside = looked_up(offered["isin"], isins, pa.array([embedded_cusip(isin) for isin in isins.to_pylist()], pa.string()))
    agree = pc.fill_null(pc.equal(contracts["cusip"], pc.coalesce(offered["cusip"], inside)), True)
    return pc.and_(agree, pc.fill_null(pc.equal(contracts["share_class_figi"], offered["share_class_figi"]), True))


def _plausible(names: pa.ChunkedArray, offered: pa.Table, asked: pa.ChunkedArray, plausible: PlausiblePairs) -> pa.ChunkedArray:
    """Names are compared once per pair of different ones; equal names, but for capitals, need no comparing."""
    pairs = pa.table({"ours": offered["name"], "theirs": pc.fill_null(names, "")})
    same = pc.and_(pc.equal(pc.utf8_lower(pairs["ours"]), pc.utf8_lower(pairs["theirs"])), pc.not_equal(pairs["theirs"], ""))
    key = joined(pairs, pairs.column_names)
    once = pairs.filter(pc.fill_null(pc.and_(asked, pc.invert(same)), False)).group_by(pairs.column_names).aggregate([])
    ours, theirs = (once[name].combine_chunks() for name in pairs.column_names)
    good = joined(once, pairs.column_names).filter(plausible(ours, theirs)).combine_chunks()
    return pc.fill_null(pc.or_(same, pc.is_in(key, value_set=good)), False)


def _alone(contracts: pa.Table, told: pa.Table, offered: pa.Table, open_: pa.ChunkedArray) -> pa.ChunkedArray:
    """Whether no other contract would carry, or carries, the ISIN on that market in that currency."""
    isin = pc.if_else(open_, offered["isin"], contracts["isin"])
    columns = {"isin": isin, "market": told["market"], "currency": contracts["currency"]}
    table = pa.table(columns | {"native_id": contracts["native_id"]})
    key = joined(table, tuple(columns))
    counted = table.append_column("key", key).group_by("key").aggregate([("native_id", "count_distinct")])
    return pc.fill_null(pc.equal(looked_up(key, counted["key"], counted["native_id_count_distinct"]), 1), False)


def _replaced(table: pa.Table, name: str, column: pa.ChunkedArray) -> pa.Table:
    index = table.schema.get_field_index(name)
    return table.set_column(index, table.schema.field(index), column)

"""The local table of identities: its schema, what a valid row is, and which of its statements stand.

A row is one statement: "on `source_date`, `source` said that this symbol, on this market, in this currency, is that ISIN". It may
be said often, by several sources: `claims` makes one row of it, and finds out where statements contradict each other.
"""

import re
from collections.abc import Sequence
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc
import stdnum.cusip
import stdnum.figi
import stdnum.isin

from include.domain.market import Market
from include.errors import InputError

IDENTITY_SCHEMA = pa.schema(
    [
        pa.field("isin", pa.string(), nullable=False),
        ("figi", pa.string()),  # of the listing or its composite
        ("share_class_figi", pa.string()),
        ("cusip", pa.string()),
        pa.field("market", pa.string(), nullable=False),  # key into markets.yaml
        pa.field("symbol", pa.string(), nullable=False),  # as `symbol_of` spells it
        pa.field("currency", pa.string(), nullable=False),
        pa.field("asset_class", pa.string(), nullable=False),  # AssetClass value
        pa.field("name", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("source_date", pa.date32(), nullable=False),  # when the source said so
        pa.field("added_at", pa.timestamp("us", tz="UTC"), nullable=False),
    ]
)
LISTING = ("market", "symbol", "currency")
EXTRAS = ("figi", "share_class_figi", "cusip")

SUPERSEDED = "superseded"
CLAIMED_BY_TWO = "two_isins_claim_this_symbol"
CLAIMS_TWO = "isin_claims_two_symbols"
KINDS_DIFFER = "sources_differ_about_the_kind"

_NOTHING = pa.scalar(None, pa.string())
_SEPARATORS = r"[\s./_\-]+"


def right(number: str, text: str) -> bool:
    """Whether `text` is a well-formed `isin`, `figi`, `share_class_figi` or `cusip` with a right check digit, as it stands."""
    module = {"isin": stdnum.isin, "cusip": stdnum.cusip}.get(number, stdnum.figi)
    return bool(text == text.upper() and text == module.compact(text) and module.is_valid(text))


def embedded_cusip(isin: str) -> str | None:
    """The CUSIP inside an ISIN of the United States or Canada; None for other countries."""
    return isin[2:11] if isin[:2] in ("US", "CA") else None


def canonical(symbol: str) -> str:
    """One spelling: upper case, any separator a dot, none at the ends, no leading zeros of numbers (`0700` is `700`)."""
    plain = re.sub(_SEPARATORS, ".", symbol.upper()).strip(".")
    return plain.lstrip("0") if plain.isdigit() else plain


def canonical_column(symbols: pa.ChunkedArray) -> pa.ChunkedArray:
    """`canonical` for a column; nulls stay null."""
    plain = pc.utf8_trim(pc.replace_substring_regex(pc.utf8_upper(symbols), _SEPARATORS, "."), ".")
    return pc.if_else(pc.match_substring_regex(plain, r"^[0-9]+$"), pc.utf8_ltrim(plain, "0"), plain)


def symbol_of(ticker: str, market: Market) -> str:
    """A Yahoo-style ticker without its market's suffix, in the one spelling: `ROCK-A.CO` gives `ROCK.A`."""
    suffix = f".{market.yahoo_suffix}".upper()
    bare = ticker.upper().removesuffix(suffix) if market.yahoo_suffix else ticker
    return canonical(bare)


def validated(table: pa.Table, source: object) -> pa.Table:
    """A table of `IDENTITY_SCHEMA`, checked: columns, types, nulls, check digits.

    Args:
        table: As read from a file; further columns are dropped.
        source: For the message.

    Raises:
        InputError: Something else than a table of identities.
    """
    missing = [field.name for field in IDENTITY_SCHEMA if field.name not in table.column_names]
    if missing:
        raise InputError(f"expected a table of identities, without {', '.join(missing)} it is none", source=source)
    for field in IDENTITY_SCHEMA:
        if not field.nullable and table[field.name].null_count:
            row = pc.index(pc.is_null(table[field.name]), True).as_py() + 1
            raise InputError("expected a value in every row", source=source, row=row, field=field.name)
    try:
        checked = table.select(IDENTITY_SCHEMA.names).cast(IDENTITY_SCHEMA)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, ValueError) as error:
        raise InputError(f"expected the columns of a table of identities: {error}", source=source) from error
    for number in ("isin", *EXTRAS):
        for value in pc.unique(checked[number]).to_pylist():
            if value is not None and not right(number, value):
                raise InputError("expected a number with a right check digit", source=source, field=number, value=value)
    return checked


def merged(old: pa.Table, new: pa.Table) -> pa.Table:
    """Both tables' statements, each once with its earliest `added_at`, in a fixed order."""
    said = [name for name in IDENTITY_SCHEMA.names if name != "added_at"]
    both = pa.concat_tables([old, new])
    once = both.group_by(said, use_threads=False).aggregate([("added_at", "min")]).rename_columns([*said, "added_at"])
    order = [(name, "ascending") for name in (*LISTING, "isin", "source_date", "source", "name", *EXTRAS, "asset_class")]
    return once.select(IDENTITY_SCHEMA.names).sort_by(order).cast(IDENTITY_SCHEMA)


def claims(table: pa.Table, known_on: date) -> pa.Table:
    """What the table says on a day: one row per (market, symbol, currency, ISIN), with a `doubt` where it must not be used.

    A claim lasts from the first to the last day on which a source made it. Where two ISINs claim one symbol, or one ISIN two
    symbols of a market, the later claim supersedes the other only if it began after the other had last been made; otherwise
    both are in doubt (a wrong row of one source looks just like that: two share classes under one ISIN).

    Args:
        table: Of `IDENTITY_SCHEMA`.
        known_on: Later statements are not known yet.

    Returns:
        The columns of `IDENTITY_SCHEMA` but `added_at`, `source_date` being the newest, plus `first_date` and `doubt` (null, or
        one of this module's words). Name, kind and source are those of the newest statement; a FIGI or CUSIP about which
        statements differ is null.
    """
    order = [("source_date", "ascending"), ("source", "ascending"), ("name", "ascending"), ("asset_class", "ascending")]
    known = table.filter(pc.less_equal(table["source_date"], pa.scalar(known_on, pa.date32()))).sort_by(order)
    key = [*LISTING, "isin"]
    wanted = [("source_date", "min"), ("source_date", "max"), ("name", "last"), ("asset_class", "last"), ("source", "last")]
    wanted += [("asset_class", "count_distinct")] + [(name, how) for name in EXTRAS for how in ("first", "count_distinct")]
    said = known.group_by(key, use_threads=False).aggregate(wanted)
    columns = {name: said[name] for name in key}
    columns |= {"first_date": said["source_date_min"], "source_date": said["source_date_max"]}
    columns |= {name: said[f"{name}_last"] for name in ("name", "asset_class", "source")}
    for name in EXTRAS:
        columns[name] = pc.if_else(pc.equal(said[f"{name}_count_distinct"], 1), said[f"{name}_first"], _NOTHING)
    made = pa.table(columns)
    kinds = pc.if_else(pc.greater(said["asset_class_count_distinct"], 1), KINDS_DIFFER, _NOTHING)
    by_symbol = _doubt(made, list(LISTING), CLAIMED_BY_TWO)
    by_isin = _doubt(made, ["market", "currency", "isin"], CLAIMS_TWO)
    return made.append_column("doubt", pc.coalesce(kinds, by_symbol, by_isin))


def joined(table: pa.Table, names: Sequence[str]) -> pa.ChunkedArray:
    """Several columns as one key per row; null where one of them is."""
    return pc.binary_join_element_wise(*(table[name] for name in names), "\x1f")


def looked_up(keys: pa.ChunkedArray, known: pa.ChunkedArray, values: pa.ChunkedArray) -> pa.ChunkedArray:
    """For each key the value beside it in `known` (each once there), null for others: a join that keeps the order of rows."""
    return values.take(pc.index_in(keys, value_set=known.combine_chunks() if isinstance(known, pa.ChunkedArray) else known))


def _doubt(made: pa.Table, names: Sequence[str], contradicted: str) -> pa.ChunkedArray:
    """Per claim null, `superseded` or `contradicted`, among the claims that share these columns."""
    table = pa.table({"key": joined(made, names), "first": made["first_date"], "last": made["source_date"]})
    newest = table.group_by("key").aggregate([("last", "max")])
    is_newest = pc.equal(table["last"], looked_up(table["key"], newest["key"], newest["last_max"]))
    older = table.filter(pc.invert(is_newest)).group_by("key").aggregate([("last", "max")])
    began_after = pc.greater(table["first"], looked_up(table["key"], older["key"], older["last_max"]))
    winners = table.append_column("stands", pc.and_(is_newest, pc.fill_null(began_after, True)))
    # Of two that are the newest on one day, neither stands: every newest claim of a key must stand, and be alone.
    standing = winners.filter(is_newest).group_by("key").aggregate([("stands", "all"), ("stands", "count")])
    decided = pc.and_(standing["stands_all"], pc.equal(standing["stands_count"], 1))
    is_decided = looked_up(table["key"], standing["key"], decided)
    lost = pc.if_else(is_newest, _NOTHING, SUPERSEDED)
    return pc.if_else(is_decided, lost, contradicted)

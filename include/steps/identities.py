"""Step 2's identities: rows of the universe without an ISIN get one where it is certain, and every miss has a reason."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from include.domain.market import Market
from include.domain.run import Run
from include.identity.cached import CachedSource
from include.identity.contracts import enrich_contracts
from include.identity.local import TableSource
from include.identity.openfigi import OpenFigi
from include.identity.table import validated
from include.identity.universe import Sources, enrich_universe
from include.mapping.names import parse_names
from include.mapping.similarity import similarities
from include.settings import PROJECT, Settings
from include.storage.artifacts import exists, local_path, read_bytes, sha256, table_of, write_bytes
from include.storage.database import Database
from include.storage.lookups import DatabaseLookupCache
from include.storage.run_folder import RunFolder

# More than a symbol match demands: an ISIN that was taken decides everywhere and vetoes the rest. Measured on the real lists
# (tests/steps/test_identities_real.py): 385 of 431 hidden ISINs come back, none is wrong; the rest was renamed.
NAME_MIN = 85.0

Enrich = Callable[[dict[str, Any]], dict[str, Any]]


def plausible_pairs(ours: pa.Array, theirs: pa.Array) -> pa.Array:
    """Whether pairs of names may be one share's: the same form of capital, no other class, and nearly the same words."""
    left, right, rows = parse_names(ours), parse_names(theirs), np.arange(len(ours))
    same_form = pa.array(left.form == right.form)
    same_class = pc.fill_null(pc.equal(left.share_class, right.share_class), True)
    near = pa.array(similarities(left, rows, right, rows) >= NAME_MIN)
    return pc.and_(pc.and_(same_form, same_class), near)


def plausible(ours: str, theirs: str) -> bool:
    """`plausible_pairs` of one pair."""
    return bool(plausible_pairs(pa.array([ours]), pa.array([theirs]))[0].as_py())


@contextmanager
def open_identities(run: Run, settings: Settings, database: Callable[[], AbstractContextManager[Database]]) -> Iterator[Enrich]:
    """What gives a universe document its identities, from the sources that the run's option `identity` names.

    Without any it leaves the document as it is.

    What a source said after the run was due is not known to it. OpenFIGI knows only today's symbols, so that it is left out
    where the run is for another session. The table is copied into the run's folder when it is first read; whatever becomes of it
    later, this run goes by the copy.

    Args:
        run: Its `options["identity"]` is read.
        settings: Markets, and the key and address of OpenFIGI.
        database: Opens the project's database; called only where OpenFIGI is asked.

    Raises:
        InputError: The table is missing, or is no table of identities.
    """
    wanted = run.options.get("identity") or {}
    location, asks = wanted.get("table"), bool(wanted.get("openfigi"))
    if not location and not asks:
        yield lambda document: document
        return
    sources, day = Sources(settings.markets, plausible), run.run_after.date()
    with ExitStack() as stack:
        if location:
            content, known = _pinned(str(location), run)
            sources = replace(sources, table=TableSource(known, day), table_sha256=sha256(content))
        if asks and (run.is_backfill or not run.is_newest):
            sources = replace(sources, not_asked="openfigi was not asked: it knows no earlier session's symbols")
        elif asks:
            secret, url = settings.environ.openfigi_api_key, settings.environ.openfigi_url
            key = secret.get_secret_value() if secret else None
            client = stack.enter_context(OpenFigi(settings.markets, day, api_key=key or None, url=url))
            cache = DatabaseLookupCache(stack.enter_context(database()))
            sources = replace(sources, figis=CachedSource(client, cache, run.run_after))
        yield partial(enrich_universe, sources=sources)


def enriched_contracts(run: Run, contracts: pa.Table, markets: Mapping[str, Market], home_market: str | None = None) -> pa.Table:
    """A broker's contracts with the ISINs that the run's table of identities is certain about; without a table as they are.

    Args:
        run: Its `options["identity"]` is read.
        contracts: Table of `CONTRACT_SCHEMA`.
        markets: By id.
        home_market: As in `enrich_contracts`.

    Raises:
        InputError: The table is missing, or is no table of identities.
    """
    location = (run.options.get("identity") or {}).get("table")
    if not location:
        return contracts
    known = TableSource(_pinned(str(location), run)[1], run.run_after.date())
    return enrich_contracts(contracts, known.claims, markets, plausible_pairs, home_market)


def _pinned(location: str, run: Run) -> tuple[bytes, pa.Table]:
    """The table (bytes and content) as the run read it first: a copy is kept in the run's folder, and read from then on.

    A table that is rebuilt while a run goes on, or before one of its tasks is cleared, would otherwise change what it says.
    """
    copy, original = RunFolder(run.folder).identities(sha256(location.encode())[:16]), table_uri(location)
    if exists(copy):
        content = read_bytes(copy)
        return content, table_of(content, copy)
    content = read_bytes(original)
    known = validated(table_of(content, original), original)
    write_bytes(copy, content)
    return content, known


def table_uri(location: str) -> str:
    """Where the table is: a URI as it stands, a relative path from the project's folder."""
    local = local_path(location)
    return location if local is None else (PROJECT / local.expanduser()).as_uri()

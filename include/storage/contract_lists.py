"""Contract lists kept by time: a list is fetched once a day, and a backfill maps with what was known then.

`<root>/contracts/<source>/<fetched_at>.parquet`, and beside it `<fetched_at>.changes.json`, what differs from the list before.
The source is `Broker.source`; the times are the runs' own `run_after`, never the clock.
"""

import os
import re
import shutil
import tempfile
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from upath import UPath

from include.domain.contract import CONTRACT_SCHEMA
from include.errors import BrokerUnavailable
from include.storage.artifacts import exists

_STAMP = "%Y-%m-%dT%H%M%S.%fZ"
_ROW_GROUP = 16_384


class ContractLists:
    """The dated lists under one artifact root.

    Args:
        root: URI of the artifact root (`Settings.environ.data_uri`).
    """

    def __init__(self, root: str) -> None:
        self._folder = f"{root.rstrip('/')}/contracts"

    def uri(self, source: str, fetched_at: datetime) -> str:
        """Where the list of one source at one time lies."""
        return f"{self._folder}/{re.sub(r'[^a-z0-9_-]', '_', source)}/{fetched_at.astimezone(UTC).strftime(_STAMP)}.parquet"

    def newest(self, source: str, until: datetime, max_age: timedelta) -> str | None:
        """URI of the newest list fetched at or before `until` and at most `max_age` earlier; None where there is none."""
        dated = [fetched_at for fetched_at in self.dated(source) if until - max_age <= fetched_at <= until]
        return self.uri(source, max(dated)) if dated else None

    def dated(self, source: str) -> list[datetime]:
        """When the lists of a source were fetched, oldest first; [] where there is none."""
        folder = UPath(self.uri(source, datetime.now(UTC))).parent
        dated = []
        for path in folder.iterdir() if folder.exists() else ():
            try:
                dated.append(datetime.strptime(path.name, f"{_STAMP}.parquet").replace(tzinfo=UTC))
            except ValueError:
                continue  # not a list: its changes, or a temporary file
        return sorted(dated)

    def sources(self) -> list[str]:
        """Sources that have lists, as their folders are named, sorted."""
        folder = UPath(self._folder)
        return sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.exists() else []

    def changes(self, source: str, fetched_at: datetime) -> str:
        """Where it lies what differs between a list and the one before it."""
        return f"{self.uri(source, fetched_at).removesuffix('.parquet')}.changes.json"

    def forget(self, source: str) -> None:
        """Remove every list of a source and its changes; none is fine."""
        folder = UPath(self.uri(source, datetime.now(UTC))).parent
        for path in folder.iterdir() if folder.exists() else ():
            path.unlink()


def write_contracts(uri: str, batches: Iterable[pa.RecordBatch], metadata: dict[str, str], allow_empty: bool = False) -> int:
    """Write batches of `CONTRACT_SCHEMA` as they come; the file appears only when the last one is in it.

    Args:
        uri: Target, local or on an object store.
        batches: Any number, any size; memory holds some ten thousand rows of them at most.
        metadata: Written into the file's schema, see `read_metadata`.
        allow_empty: Whether no rows at all are an answer; else no file appears for them.

    Returns:
        Rows written.

    Raises:
        BrokerUnavailable: A batch does not have the columns of `CONTRACT_SCHEMA`.
    """
    handle, name = tempfile.mkstemp(suffix=".parquet")
    os.close(handle)
    temporary = Path(name)
    try:
        rows = _write_local(temporary, batches, CONTRACT_SCHEMA.with_metadata(metadata))
        if rows or allow_empty:
            _put(temporary, uri)
        return rows
    finally:
        temporary.unlink(missing_ok=True)


def copy_contracts(source: str, target: str) -> None:
    """Copy a list byte for byte; the target appears whole."""
    handle, name = tempfile.mkstemp(suffix=".parquet")
    temporary = Path(name)
    try:
        with UPath(source).open("rb") as origin, os.fdopen(handle, "wb") as file:
            shutil.copyfileobj(origin, file)
        _put(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


def read_metadata(uri: str) -> dict[str, str] | None:
    """What `write_contracts` was told about a file; None where there is no readable list."""
    if not exists(uri):
        return None
    try:
        with UPath(uri).open("rb") as file:
            found = pq.read_schema(file).metadata or {}
    except (pa.ArrowInvalid, OSError):
        return None
    return {key.decode(): value.decode() for key, value in found.items() if key != b"ARROW:schema"}


def count_contracts(uri: str) -> int:
    """Rows of a list, out of the file's last bytes."""
    with UPath(uri).open("rb") as file:
        return int(pq.read_metadata(file).num_rows)


def _write_local(path: Path, batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> int:
    rows, waiting, waiting_rows = 0, [], 0
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for batch in batches:
            try:
                waiting.append(pa.Table.from_batches([batch]).select(schema.names).cast(schema))
            except (KeyError, ValueError) as error:  # pyarrow's own errors are ValueErrors
                raise BrokerUnavailable(
                    f"a contract list came with other columns: {' '.join(str(error).split())[:200]}"
                ) from error
            waiting_rows += batch.num_rows
            if waiting_rows >= _ROW_GROUP:
                writer.write_table(pa.concat_tables(waiting))
                rows, waiting, waiting_rows = rows + waiting_rows, [], 0
        if waiting_rows:
            writer.write_table(pa.concat_tables(waiting))
    return rows + waiting_rows


def _put(temporary: Path, uri: str) -> None:
    target = UPath(uri)
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.protocol not in ("", "file"):
        with temporary.open("rb") as origin, target.open("wb") as file:
            shutil.copyfileobj(origin, file)
        return
    handle, name = tempfile.mkstemp(dir=str(UPath(target.path).parent), prefix=f".{target.name}.")
    with temporary.open("rb") as origin, os.fdopen(handle, "wb") as file:
        shutil.copyfileobj(origin, file)
    os.chmod(name, 0o644)
    os.replace(name, target.path)

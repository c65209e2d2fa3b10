"""Files of a run, by URI: written atomically, read back whole. Any fsspec scheme works through universal-pathlib."""

import hashlib
import json
import os
import tempfile
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pyarrow as pa
import pyarrow.parquet as pq
from upath import UPath

from include.errors import InputError


def to_json(document: Any) -> bytes:
    """The one JSON form of artifacts: UTF-8, one-space indent, keys in given order, Decimal and dates as text, no NaN."""
    return (json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False, default=_plain) + "\n").encode()


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    raise TypeError(f"{type(value).__name__} does not belong into an artifact")


def sha256(content: bytes) -> str:
    """Hex digest of bytes."""
    return hashlib.sha256(content).hexdigest()


def write_bytes(uri: str, content: bytes) -> str:
    """Write a file so that a reader sees the old or the new one, never half. Returns `uri`.

    Local files are renamed into place; object stores replace a key atomically by themselves.

    Raises:
        InputError: A local folder that cannot be made or written, a full disk, or a scheme that nothing here can open.
    """
    local = local_path(uri)
    if local is None:
        path = _path(uri)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return uri
    try:
        _replace(local, content)
    except OSError as error:
        raise InputError(f"expected a place that can be written: {error.strerror or error}", source=uri) from error
    return uri


def _replace(local: Path, content: bytes) -> None:
    local.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=local.parent, prefix=f".{local.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.chmod(temporary, 0o644)
        os.replace(temporary, local)
    except BaseException:
        os.unlink(temporary)
        raise


def write_json(uri: str, document: Any) -> str:
    """Write a document in the form of `to_json`. Returns `uri`."""
    return write_bytes(uri, to_json(document))


def read_bytes(uri: str) -> bytes:
    """The whole file.

    Raises:
        InputError: It does not exist or cannot be read.
    """
    try:
        return bytes(_path(uri).read_bytes())
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError, PermissionError) as error:
        raise InputError(f"expected a readable file: {error.__class__.__name__}", source=uri) from error


def read_json(uri: str) -> Any:
    """The document of a JSON file.

    Raises:
        InputError: Missing, or not JSON.
    """
    try:
        return json.loads(read_bytes(uri))
    except ValueError as error:
        raise InputError(f"expected JSON: {error}", source=uri) from error


def write_table(uri: str, table: pa.Table) -> str:
    """Write a parquet file. Returns `uri`."""
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    return write_bytes(uri, sink.getvalue().to_pybytes())


def read_table(uri: str) -> pa.Table:
    """The table of a parquet file.

    Raises:
        InputError: Missing, or not parquet.
    """
    return table_of(read_bytes(uri), uri)


def table_of(content: bytes, source: str) -> pa.Table:
    """The table in the bytes of a parquet file; `source` names it in errors.

    Raises:
        InputError: Not parquet.
    """
    try:
        return pq.read_table(pa.BufferReader(content))
    except pa.ArrowInvalid as error:
        raise InputError(f"expected a parquet file: {error}", source=source) from error


def exists(uri: str) -> bool:
    """Whether a file stands at `uri`."""
    return bool(_path(uri).exists())


def root_uri(directory: str | Path) -> str:
    """A local directory as the `file://` URI of an artifact root."""
    return Path(directory).resolve().as_uri()


def local_path(uri: str) -> Path | None:
    """The path behind a `file://` URI (`%20` is a space again) or a plain path; None for any other scheme."""
    parts = urlsplit(uri)
    if parts.scheme == "file":
        return Path(unquote(parts.path))
    return None if "://" in uri else Path(uri)


def _path(uri: str) -> Path | UPath:
    try:
        return local_path(uri) or UPath(uri)
    except (ValueError, ImportError) as error:  # fsspec: no such scheme, or its package is not installed
        raise InputError(f"expected a path, or a URI that fsspec can open: {error}", source=uri) from error

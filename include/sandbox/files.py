"""Small files of a venue's folder, written so that a reader sees the old one or the new one."""

import contextlib
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from include.errors import InputError


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A file to write, which takes the place of `path` when the block ends well and is gone when it does not.

    The folder is made where it is missing.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    os.close(handle)
    try:
        yield Path(name)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


def write_text(path: Path, text: str, mode: int = 0o600) -> None:
    """Replace a file atomically; the folder is made where it is missing."""
    with replacing(path) as fresh:
        fresh.write_text(text, encoding="utf-8")
        fresh.chmod(mode)


def write_json(path: Path, document: Any) -> None:
    """Replace a JSON file atomically."""
    write_text(path, json.dumps(document, ensure_ascii=False, separators=(",", ":")))


def read_json(path: Path) -> Any | None:
    """The document, or None where there is no file.

    Raises:
        InputError: The file is not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise InputError(f"expected JSON: {error}", source=path) from error

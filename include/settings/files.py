"""The files of a configuration, read once: what is parsed is what the version's hash is of."""

import hashlib
import io
import json
import os
import re
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from include.errors import InputError
from include.settings.broker_file import BrokerFile
from include.settings.reading import parse, read_yaml

_NAME = re.compile(r"(?:[A-Za-z0-9][A-Za-z0-9_-]*/)?[A-Za-z0-9][A-Za-z0-9._-]*\.yaml")
_LARGEST = 1_000_000  # bytes of one file; a zip that unpacks to more is none of ours

Files = Mapping[str, bytes]  # path relative to the folder (`brokers/paper.yaml`) to content


def read_files(folder: Path) -> dict[str, bytes]:
    """Every YAML file of a folder and the folders in it, sorted by path; {} where there is none.

    Raises:
        InputError: A file that cannot be read.
    """
    found = {}
    for path in sorted(folder.rglob("*.yaml")):
        try:
            found[path.relative_to(folder).as_posix()] = path.read_bytes()
        except OSError as error:
            raise InputError(f"expected a readable file: {error.strerror}", source=path) from error
    return found


def version_of(files: Files) -> str:
    """SHA-256 over names and contents, 64 hexadecimal digits: the same files are the same version."""
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in sorted(files.items())}
    return hashlib.sha256(json.dumps(digests, sort_keys=True).encode()).hexdigest()


def check_no_secrets(files: Files) -> None:
    """Nothing where every file is text, and no broker's file holds a secret where the name of a variable belongs.

    Raises:
        InputError: One is or does; its words do not quote it.
    """
    for name, content in files.items():
        if name.startswith("brokers/"):
            told = read_yaml(content, name, _AnyVariable()).get("credentials", {})
            parse(BrokerFile, {"credentials": told}, name, None)
        else:
            _text(name, content)


def packed(files: Files) -> bytes:
    """A zip of the files; the same files give the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(files.items()):
            archive.writestr(zipfile.ZipInfo(name), content)
    return buffer.getvalue()


def unpacked(payload: bytes, source: object) -> dict[str, bytes]:
    """The files of such a zip.

    Raises:
        InputError: No zip, or one that holds something else than a configuration's files.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(payload)) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            for entry in entries:
                if not _NAME.fullmatch(entry.filename) or entry.file_size > _LARGEST:
                    raise InputError("expected YAML files of a configuration", source=source, value=entry.filename)
            return {entry.filename: archive.read(entry) for entry in entries}
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise InputError(f"expected a zip of `polybroker config backup`: {error}", source=source) from error


def write_files(folder: Path, files: Files) -> None:
    """Make these the YAML files of a folder: each is replaced at once, then those that are not among them are removed.

    Raises:
        InputError: A file that cannot be written or removed; those before it are written already.
    """
    for name, content in sorted(files.items()):
        with _told(folder / name):
            _replace(folder / name, content)
    for name in set(read_files(folder)) - set(files):
        with _told(folder / name):
            (folder / name).unlink()


def _replace(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            os.fchmod(file.fileno(), path.stat().st_mode & 0o777 if path.exists() else 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(f"expected a file that can be written: {error.strerror}", source=path) from error


def _text(name: str, content: bytes) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"expected UTF-8: {error}", source=name) from error


class _AnyVariable(dict[str, str]):
    """Every variable is set: what is looked for is what somebody wrote, not what it would become."""

    def get(self, key: str, default: object = None) -> str:
        return "ANY_VARIABLE"

"""The folder of a configuration: read as one version, replaced as a whole.

A replacement is decided by one rename: `.restoring` holds every file of the new version, and from the moment it stands it is what
the folder says, to every reader. Then the files themselves are written, and it is removed. A process that dies in between leaves
either the old version, or the new one in `.restoring`, out of which `finish_writing` writes the rest.
"""

import fcntl
import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from include.errors import InputError
from include.settings.files import Files, text_of

log = logging.getLogger(__name__)

MARKER = ".restoring"
_READS = 100


def read_files(folder: Path) -> dict[str, bytes]:
    """Every YAML file of a folder and the folders in it, sorted by path, all of one version; {} where there is none.

    Raises:
        InputError: A file that cannot be read, or files that never stop changing.
    """
    for _ in range(_READS):  # whoever reads while others write would get both versions mixed
        if (decided := _decided(folder)) is not None:
            log.warning("%s stands: what it restores counts, the files beside it do not", folder / MARKER)
            return decided
        found = _present(folder)
        if found == _present(folder) and not (folder / MARKER).exists():
            return found
    raise InputError("expected files that are not being written all the time", source=folder)


def write_files(folder: Path, files: Files) -> None:
    """Make these the YAML files of a folder, all or none: others in it are removed, files that are no YAML are left alone.

    Raises:
        InputError: A file that is not UTF-8, or one that cannot be written or removed. Before `.restoring` stood nothing has
            changed; after it the new version counts, and the words say how its files get written.
    """
    texts = {name: text_of(name, content) for name, content in sorted(files.items())}
    with _told(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder):
        with _told(folder / MARKER):
            _replace(folder / MARKER, json.dumps(texts).encode())
        _finish(folder)


def finish_writing(folder: Path) -> bool:
    """Write what a replacement that was broken off has left; whether there was one.

    Raises:
        InputError: As `write_files` does.
    """
    if not (folder / MARKER).exists():
        return False
    with _alone(folder):
        return _finish(folder)


def _finish(folder: Path) -> bool:
    files = _decided(folder)
    if files is None:  # somebody else has finished it
        return False
    try:
        for name, content in files.items():
            with _told(folder / name):
                _replace(folder / name, content)
        for name in set(_present(folder)) - set(files):
            with _told(folder / name):
                (folder / name).unlink()
                _synced(folder / name)
        with _told(folder / MARKER):
            (folder / MARKER).unlink()
            _synced(folder / MARKER)
    except InputError as error:
        says = f"the new version counts already, out of {folder / MARKER}; make it writable, then polybroker config validate"
        raise InputError(f"{error}; {says}") from error
    return True


def _decided(folder: Path) -> dict[str, bytes] | None:
    """The files of a replacement that is not finished, or None where there is none."""
    try:
        content = (folder / MARKER).read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise InputError(f"expected a readable file: {error.strerror}", source=folder / MARKER) from error
    try:
        return {name: text.encode() for name, text in json.loads(content).items()}
    except (ValueError, AttributeError) as error:
        words = "expected what `polybroker config restore` writes; remove it, then the files beside it count"
        raise InputError(words, source=folder / MARKER) from error


def _present(folder: Path) -> dict[str, bytes]:
    found = {}
    for path in sorted(folder.rglob("*.yaml")):
        try:
            found[path.relative_to(folder).as_posix()] = path.read_bytes()
        except FileNotFoundError:  # removed since it was listed
            continue
        except OSError as error:
            raise InputError(f"expected a readable file: {error.strerror}", source=path) from error
    return found


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One process writes at a time; the lock ends with the process."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _replace(path: Path, content: bytes) -> None:
    """Put a file in another one's place: on the disk before its name is, and the name before this returns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # Always the same name beside it: what a process that died has left of it is written over.
    aside = path.with_name(f".{path.name}.new")
    with aside.open("wb") as file:
        file.write(content)
        file.flush()
        os.fchmod(file.fileno(), path.stat().st_mode & 0o777 if path.exists() else 0o644)
        os.fsync(file.fileno())
    os.replace(aside, path)
    _synced(path)


def _synced(path: Path) -> None:
    """Its folder's list of names on the disk."""
    descriptor = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(f"expected a file that can be written: {error.strerror}", source=path) from error

"""The files of a configuration, read once: what is parsed is what the version's hash is of."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from include.errors import InputError

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

"""The files of a configuration as they were read (`include.settings.folder`): their version, their zip, and no secret in them."""

import hashlib
import io
import json
import re
import zipfile
from collections.abc import Mapping

from include.errors import InputError
from include.settings.broker_file import BrokerFile
from include.settings.reading import parse, read_yaml

_NAME = re.compile(r"(?:[A-Za-z0-9][A-Za-z0-9_-]*/)?[A-Za-z0-9][A-Za-z0-9._-]*\.yaml")
_LOGIN = re.compile(r"://[^\s/@:${}]*:[^\s/@${}]+@")  # written out, not as a variable
_LARGEST = 1_000_000  # bytes of one file; a zip that unpacks to more is none of ours

Files = Mapping[str, bytes]  # path relative to the folder (`brokers/paper.yaml`) to content


def version_of(files: Files) -> str:
    """SHA-256 over names and contents, 64 hexadecimal digits: the same files are the same version."""
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in sorted(files.items())}
    return hashlib.sha256(json.dumps(digests, sort_keys=True).encode()).hexdigest()


def check_no_secrets(files: Files) -> None:
    """Nothing where every file is text, none holds a URL with a login, and no broker's file a secret for a variable's name.

    Raises:
        InputError: One is or does; its words do not quote it.
    """
    for name, content in files.items():
        if name.startswith("brokers/"):
            told = read_yaml(content, name, _AnyVariable()).get("credentials", {})
            parse(BrokerFile, {"credentials": told}, name, None)
        if _LOGIN.search(text_of(name, content)):
            raise InputError("expected no login in a URL: these files are kept; put it into a variable, ${NAME}", source=name)


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


def text_of(name: str, content: bytes) -> str:
    """A file's content.

    Raises:
        InputError: Not UTF-8.
    """
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"expected UTF-8: {error}", source=name) from error


class _AnyVariable(dict[str, str]):
    """Every variable is set: what is looked for is what somebody wrote, not what it would become."""

    def get(self, key: str, default: object = None) -> str:
        return "ANY_VARIABLE"

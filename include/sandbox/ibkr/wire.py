"""The bytes of the TWS protocol: frames of NUL-terminated fields behind a 4-byte big-endian length."""

import asyncio
import re
import struct
from collections.abc import Sequence
from decimal import Decimal

SERVER_VERSION = 176
MAX_FRAME = 1 << 20
UNSET = "1.7976931348623157E308"  # how TWS writes a number it does not know
UNSET_INTEGER = 2**31 - 1
UNSET_LONG = 2**63 - 1

Field = str | int | bool | float | Decimal | None


class ProtocolError(Exception):
    """What the peer sent is not the protocol; the connection is of no further use."""


def field(value: Field) -> str:
    """One field as text: None is empty, booleans are 1 and 0, decimals never have an exponent."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def double(value: Decimal) -> str:
    """A number as TWS writes most prices: with at least one decimal place, as Java does."""
    text = format(value, "f")
    return text if "." in text else f"{text}.0"


def frame(values: Sequence[Field]) -> bytes:
    """A message on the wire."""
    body = "".join(f"{field(value)}\0" for value in values).encode()
    return struct.pack(">I", len(body)) + body


async def read_raw(reader: asyncio.StreamReader) -> bytes:
    """The content of the next frame.

    Raises:
        ProtocolError: The announced length is absurd.
        asyncio.IncompleteReadError: The peer closed.
    """
    (length,) = struct.unpack(">I", await reader.readexactly(4))
    if not 0 < length <= MAX_FRAME:
        raise ProtocolError(f"a frame of {length} bytes")
    return await reader.readexactly(length)


async def read_message(reader: asyncio.StreamReader) -> list[str]:
    """The fields of the next message; raises like `read_raw`, and `ProtocolError` for text that is none."""
    try:
        text = (await read_raw(reader)).decode()
    except UnicodeDecodeError as error:
        raise ProtocolError("a message that is not UTF-8") from error
    if not text.endswith("\0"):
        raise ProtocolError("a message whose last field does not end")
    return text[:-1].split("\0")


async def read_handshake(reader: asyncio.StreamReader) -> int:
    """The server version agreed on from the client's `API\\0` and `v<min>..<max>`.

    Raises:
        ProtocolError: It is no TWS client, or one that is too new or too old.
    """
    if await reader.readexactly(4) != b"API\0":
        raise ProtocolError("a greeting that is not API")
    text = (await read_raw(reader)).decode(errors="replace")
    versions = re.fullmatch(r"v(\d{1,9})\.\.(\d{1,9})", text.split(" ")[0])
    if versions is None:
        raise ProtocolError(f"a version that is not v<min>..<max>: {text[:40]!r}")
    low, high = (int(version) for version in versions.groups())
    if not low <= SERVER_VERSION <= high:
        raise ProtocolError(f"a client for versions {low} to {high}")
    return SERVER_VERSION

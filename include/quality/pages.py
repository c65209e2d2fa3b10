"""Makes the pages of the Data Docs depend on nothing but what was checked: the same run gives the same bytes."""

import re
import uuid

_UUID = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_MOMENT = re.compile(rb"\d{8}T\d{6}\.\d{6}Z")
# The library's logo is fetched from its makers whenever a page is opened: nobody's report should call out.
_LOGO = re.compile(rb'src="https://[^"]*logo[^"]*"')


def settled(page: bytes, moment: str) -> bytes:
    """A page with its random ids numbered, its times of writing replaced and its remote logo taken out.

    Args:
        page: HTML as the library rendered it.
        moment: Time to write instead, in the library's form (`20261120T000000.000000Z`).
    """
    names: dict[bytes, bytes] = {}

    def number(found: re.Match[bytes]) -> bytes:
        return names.setdefault(found[0], str(uuid.UUID(int=len(names))).encode())

    return _LOGO.sub(b'src="data:,"', _MOMENT.sub(moment.encode(), _UUID.sub(number, page)))

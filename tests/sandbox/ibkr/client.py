"""A TWS client of a few lines, written from the protocol's description: it shares no code with the venue."""

import socket
import struct
from typing import Any, Self


class WireClient:
    """Blocking; every wait ends after five seconds with an error."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=5)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def greet(self, versions: str = "v157..176") -> list[str] | None:
        self.socket.sendall(b"API\0" + struct.pack(">I", len(versions.encode())) + versions.encode())
        return self.receive()

    def start(self, client_id: int = 1) -> Self:
        """Greet, start the API, and read up to the notices that end it."""
        assert self.greet() is not None
        self.send(71, 2, client_id, "")
        self.until("4", times=3)
        return self

    def send(self, *fields: Any) -> None:
        body = b"".join(str(field).encode() + b"\0" for field in fields)
        self.socket.sendall(struct.pack(">I", len(body)) + body)

    def receive(self) -> list[str] | None:
        """The next message, None when the venue closed."""
        head = self._exactly(4)
        body = self._exactly(struct.unpack(">I", head)[0]) if head else None
        return body.decode().split("\0")[:-1] if body else None

    def until(self, kind: str, times: int = 1) -> list[list[str]]:
        """Every message up to the one of this kind (its n-th)."""
        messages: list[list[str]] = []
        while times:
            message = self.receive()
            assert message is not None, f"the venue closed after {messages}"
            messages.append(message)
            times -= message[0] == kind
        return messages

    def error(self) -> tuple[str, str, str]:
        """The next message as (request id, code, text)."""
        message = self.receive()
        assert message is not None
        assert message[0] == "4", message
        return message[2], message[3], message[4]

    def contract_details(self, request_id: int, con_id: int = 0, **named: str) -> None:
        get = named.get
        contract = [con_id, get("symbol", ""), get("sec_type", "STK"), "", 0, "", "", get("exchange", ""), get("primary", "")]
        contract += [get("currency", ""), "", ""]
        self.send(9, 8, request_id, *contract, 0, "ISIN" if "isin" in named else "", get("isin", ""), "")

    def place(self, order_id: int, con_id: int = 265598, **named: str) -> None:
        """An order; `named` holds what differs from ten at a limit of 250."""
        get = named.get
        contract = [con_id, get("symbol", ""), get("sec_type", "STK"), "", 0, "", "", get("exchange", "SMART"), ""]
        contract += [get("currency", "USD"), "", ""]
        order = [get("action", "BUY"), get("quantity", "10"), get("kind", "LMT"), get("limit", "250"), get("aux", "")]
        order += [get("tif", "DAY"), get("oca", ""), get("account", ""), "", 0, get("reference", "REF"), get("transmit", "1")]
        rest = {28: get("parent", "0"), 33: get("rth", "0"), 47: get("oca_type", "0"), 69: get("trail_stop", "")}
        rest |= {70: get("percent", ""), 101: get("cash", "")}
        self.send(3, order_id, *contract, "", "", *order, *(rest.get(index, "") for index in range(28, 115)))

    def _exactly(self, size: int) -> bytes | None:
        data = b""
        while len(data) < size:
            more = self.socket.recv(size - len(data))
            if not more:
                return None
            data += more
        return data

"""The listener that a broker's page sends the browser to."""

import socket

import pytest
import requests

from include.cli.redirect import listening
from include.errors import AuthenticationFailed, InputError

SECONDS = 30


def get(address: str) -> int:
    with requests.Session() as session:
        session.trust_env = False
        return session.get(address, timeout=SECONDS).status_code


def test_the_first_address_with_parameters_is_the_answer() -> None:
    with listening(0) as redirect:
        assert redirect.uri == f"http://127.0.0.1:{redirect.port}/callback"
        assert get(f"http://127.0.0.1:{redirect.port}/favicon.ico") == 404
        assert get(f"{redirect.uri}?code=a%2Bb%20c&state=S") == 200
        assert get(f"http://127.0.0.1:{redirect.port}/other?code=second") == 200
        assert redirect.wait(SECONDS) == {"code": "a+b c", "state": "S"}


def test_a_connection_that_says_nothing_keeps_nobody_out() -> None:
    """Browsers open some in advance."""
    with listening(0) as redirect, socket.create_connection(("127.0.0.1", redirect.port)):
        assert get(f"{redirect.uri}?code=1") == 200
        assert redirect.wait(SECONDS) == {"code": "1"}


def test_nothing_of_it_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    with listening(0) as redirect:
        assert get(f"{redirect.uri}?code=CANARY") == 200
        with socket.create_connection(("127.0.0.1", redirect.port)) as broken:
            broken.sendall(b"CANARY ?code=CANARY NONSENSE\r\n\r\n")
            assert broken.recv(65536)
    assert capfd.readouterr() == ("", "")


def test_nobody_else_reaches_it_and_afterwards_nobody_does() -> None:
    with listening(0) as redirect:
        port = redirect.port
        with pytest.raises(InputError, match="expected a free port"), listening(port):
            pass
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))
    with listening(port):  # at once again
        pass


@pytest.mark.parametrize("port", [-1, 65536])
def test_what_is_no_port(port: int) -> None:
    with pytest.raises(InputError, match="expected a free port"), listening(port):
        pass


def test_nobody_came() -> None:
    with listening(0) as redirect, pytest.raises(AuthenticationFailed, match="nobody came back .* within 0.05 seconds"):
        redirect.wait(0.05)

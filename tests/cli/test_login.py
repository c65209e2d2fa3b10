"""`polybroker tokens login` as a process of its own, with a browser that is none, against the local Alpaca."""

import os
import pty
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from cryptography.fernet import Fernet
from typer.testing import CliRunner

from include.cli.app import app
from include.sandbox.alpaca import sandbox_keys
from include.sandbox.alpaca.server import AlpacaVenue, venue_in_thread
from include.settings import PROJECT
from tests.brokers.alpaca.conftest import AAPL, CODE, TOKEN, new_book
from tests.leaks import collected_logs, leaks, told

KEY, SECRET = sandbox_keys(CODE)
FERNET = Fernet.generate_key().decode()
RUN = "run `polybroker tokens login alpaca-main`"
READING = ["adopt", "--portfolio", "main", "--account", "alpaca-main", "--native-id", AAPL, "--ticker", "AAPL", "--quantity", "1"]
SECONDS = 60  # for whatever takes a second


@pytest.fixture(scope="module")
def venue() -> Iterator[AlpacaVenue]:
    with venue_in_thread(new_book()) as running:
        yield running


@pytest.fixture
def environ(tmp_path: Path, venue: AlpacaVenue) -> Iterator[dict[str, str]]:
    kept = {name: value for name, value in os.environ.items() if not re.match("ALPACA|POLYBROKER|AIRFLOW|IB_", name)}
    yield kept | {
        "PYTHONPATH": str(PROJECT),
        "PYTHONWARNINGS": "error::ResourceWarning",
        "POLYBROKER_DATA_URI": (tmp_path / "data").as_uri(),
        "POLYBROKER_DATABASE_URL": f"sqlite:///{tmp_path / 'polybroker.db'}",
        "POLYBROKER_SANDBOX_DIR": str(tmp_path / "sandbox"),
        "POLYBROKER_KILL_SWITCH": str(tmp_path / "KILL_SWITCH"),
        "POLYBROKER_SANDBOX_TOKEN": TOKEN,
        "POLYBROKER_FERNET_KEY": FERNET,
        "ALPACA_APP_ID": KEY,
        "ALPACA_APP_SECRET": SECRET,
        "ALPACA_BASE_URL": venue.url,
    }
    venue.venue.tokens.clear()


class Command:
    """A command that runs; what it prints is read as it comes."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self.words = ""

    def page(self) -> str:
        """The address that it prints."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.words += line
            if line.startswith("http"):
                return line.strip()
        raise AssertionError(self.end())

    def end(self, text: str | None = None) -> tuple[int, str]:
        """(exit code, everything that it printed), after `text` was typed."""
        rest, _ = self.process.communicate(text, timeout=SECONDS)
        self.words += rest
        return self.process.returncode, self.words


Start = Callable[..., Command]


@pytest.fixture
def start(environ: dict[str, str]) -> Iterator[Start]:
    started = []

    def run(*words: str, **more: str) -> Command:
        command = [sys.executable, "-m", "include.cli", "tokens", *words]
        pipe = subprocess.PIPE
        process = subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=subprocess.STDOUT, text=True, env=environ | more, cwd=PROJECT
        )
        started.append(process)
        return Command(process)

    yield run
    for process in started:
        process.kill()
        process.communicate()


Inside = Callable[..., str]


@pytest.fixture
def inside(environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Inside:
    """Runs a command in this process, for what needs no browser: everything that it prints, and its error."""

    def run(*words: str, pasted: str = "", **more: str) -> str:
        for name in os.environ.keys() - environ.keys():  # a key of Airflow's, where its tests ran before
            monkeypatch.delenv(name)
        for name, value in (environ | more).items():
            monkeypatch.setenv(name, value)
        done = CliRunner().invoke(app, [*words], input=pasted)
        return f"{done.output}{told(done.exception)}"

    return run


@contextmanager
def browser() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        yield session


def pressed(page: str, decision: str = "allow") -> str:
    """Where the broker sends the browser after a button was pressed."""
    with browser() as session:
        shown = session.get(page, timeout=SECONDS)
        fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', shown.text)) | {"decision": decision}
        sent = session.post(page.partition("?")[0], data=fields, allow_redirects=False, timeout=SECONDS)
        return sent.headers["Location"]


def visited(address: str) -> requests.Response:
    with browser() as session:
        return session.get(address, timeout=SECONDS)


def test_a_person_logs_in_and_others_use_it(start: Start, inside: Inside, venue: AlpacaVenue, tmp_path: Path) -> None:
    assert "expected a database: nothing was run with this one yet" in inside("tokens", "list")
    command = start("login", "alpaca-main", "--port", "0")
    page = command.page()
    assert page.startswith(f"{venue.url}/oauth/authorize?response_type=code&client_id={KEY}&")
    address = pressed(page)
    here = urlsplit(address)
    assert here.hostname == "127.0.0.1"
    assert visited(f"{here.scheme}://{here.netloc}/favicon.ico").status_code == 404  # browsers ask for it, too
    answer = visited(address)
    assert (answer.status_code, answer.headers["Referrer-Policy"]) == (200, "no-referrer")
    code, words = command.end()
    assert (code, words.splitlines()[-1]) == (0, "alpaca-main is logged in until alpaca refuses it")
    assert "GET /v2/account" in [kind for _, kind, _ in venue.venue.book.requests]

    [token] = venue.venue.tokens
    with collected_logs() as said:
        said.append(inside("tokens", "list"))
        assert re.fullmatch(r"alpaca:[0-9a-f]{16}: does not tell when it expires\n", said[-1])
        said.append(inside(*READING))
        assert "expected a position that alpaca-main holds" in said[-1]  # the account was read
        venue.venue.tokens.clear()  # revoked at the broker
        said.append(inside(*READING))
        assert f"alpaca-main: its token is not good any more: {RUN}" in said[-1]
    said += [words, answer.text, *(f"{kind} {detail}" for _, kind, detail in venue.venue.book.requests)]
    code_of_redirect = re.findall("code=([^&]*)", here.query)[0]
    assert leaks([token, code_of_redirect, SECRET, FERNET], tmp_path, said) == []

    assert inside("tokens", "logout", "alpaca-main") == "alpaca-main: its token is removed\n"
    assert inside("tokens", "logout", "alpaca-main") == "alpaca-main: there is none\n"


def test_a_person_logs_in_to_another_account(start: Start, tmp_path: Path) -> None:
    config = shutil.copytree(PROJECT / "include" / "config", tmp_path / "config")
    portfolio = config / "portfolios" / "main.yaml"
    text = portfolio.read_text()
    portfolio.write_text(text.replace("broker: alpaca,", "broker: alpaca, broker_account: PA1,"))
    command = start("login", "alpaca-main", "--paste", POLYBROKER_CONFIG_DIR=str(config))
    code, words = command.end(f"{pressed(command.page())}\n")
    assert code == 1
    assert "alpaca: these keys belong to another account than PA1" in words


def test_the_address_is_pasted(start: Start) -> None:
    command = start("login", "alpaca-main", "--paste")
    address = pressed(command.page())
    assert address.startswith("http://127.0.0.1:8765/callback?code=")
    code, words = command.end(f"  {address}\n")
    assert (code, words.splitlines()[-1]) == (0, "alpaca-main is logged in until alpaca refuses it")
    assert address not in words


def test_a_terminal_does_not_show_what_is_pasted(environ: dict[str, str]) -> None:
    master, slave = pty.openpty()
    command = [sys.executable, "-m", "include.cli", "tokens", "login", "alpaca-main", "--paste"]
    terminal = {"stdin": slave, "stdout": slave, "stderr": slave}
    process = subprocess.Popen(command, **terminal, env=environ, cwd=PROJECT, start_new_session=True)
    os.close(slave)
    shown = b""
    address = ""
    try:
        while True:
            try:
                shown += os.read(master, 4096)
            except OSError:  # the other side was closed
                break
            if b"is not shown" in shown and not address:
                [page] = re.findall(r"^(http\S+)\r$", shown.decode(), re.MULTILINE)
                address = pressed(page)
                os.write(master, f"{address}\n".encode())
    finally:
        os.close(master)
        process.wait(SECONDS)
    assert process.returncode == 0, shown
    assert b"is logged in" in shown
    assert re.findall("code=([^&]*)", address)[0].encode() not in shown


@pytest.mark.parametrize(
    ("pasted", "words"),
    [
        ("", "expected the whole address out of the browser's address bar"),
        ("4711", "expected the whole address out of the browser's address bar"),
        ("http://[::/?code=CANARY", "expected the whole address out of the browser's address bar"),
        ("http://127.0.0.1:8765/callback?code=CANARY&state=x", f"another log-in (its state is not the one that was sent): {RUN}"),
    ],
)
def test_what_is_pasted_is_no_answer(inside: Inside, pasted: str, words: str) -> None:
    told = inside("tokens", "login", "alpaca-main", "--paste", pasted=f"{pasted}\n")
    assert words in told
    assert "CANARY" not in told


def test_the_answer_to_another_log_in_is_refused(start: Start, venue: AlpacaVenue) -> None:
    first, second = start("login", "alpaca-main", "--port", "0"), start("login", "alpaca-main", "--port", "0")
    swapped = urlsplit(pressed(first.page()))
    visited(swapped._replace(netloc=urlsplit(re.findall("allow (http\\S+):", second_words(second))[0]).netloc).geturl())
    code, words = second.end()
    assert code == 1
    assert f"belongs to another log-in (its state is not the one that was sent): {RUN}" in words
    assert venue.venue.tokens == {}


def second_words(command: Command) -> str:
    command.page()
    return command.words


def test_a_person_who_says_no(start: Start) -> None:
    command = start("login", "alpaca-main", "--port", "0")
    visited(pressed(command.page(), "deny"))
    code, words = command.end()
    assert code == 1
    assert f"AuthenticationFailed: alpaca, alpaca-main: access was not allowed there: {RUN}" in words


def test_a_code_that_was_used(start: Start, venue: AlpacaVenue) -> None:
    command = start("login", "alpaca-main", "--paste")
    address = pressed(command.page())
    venue.venue.codes._granted.clear()
    code, words = command.end(f"{address}\n")
    assert code == 1
    assert f"the code has ended or was used before (it is good once, for minutes): {RUN}" in words


def test_a_wrong_app_secret(start: Start) -> None:
    command = start("login", "alpaca-main", "--paste", ALPACA_APP_SECRET="CANARY-wrong")
    code, words = command.end(f"{pressed(command.page())}\n")
    assert code == 1
    assert (
        "alpaca refused client id and secret (401): check them, or make new ones (ALPACA_APP_ID, ALPACA_APP_SECRET, or" in words
    )
    assert RUN in words
    assert "CANARY" not in words


def test_nobody_comes(inside: Inside) -> None:
    told = inside("tokens", "login", "alpaca-main", "--port", "0", "--wait-seconds", "1")
    assert "nobody came back from the log-in within 1 seconds: run it again, or with --paste" in told


def test_a_port_that_is_taken(inside: Inside) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]
        words = inside("tokens", "login", "alpaca-main", "--port", str(port))
    assert "expected a free port: name another one that is registered at the broker, or use --paste" in words
    assert str(port) in words
    assert "oauth/authorize" not in words


@pytest.mark.parametrize(
    ("account", "more", "words"),
    [
        ("alpaca-main", {"POLYBROKER_FERNET_KEY": ""}, "expected POLYBROKER_FERNET_KEY or AIRFLOW__CORE__FERNET_KEY to be set"),
        ("nobody", {}, "expected one of alpaca-main, ibkr-main"),
        ("ibkr-main", {}, "ibkr has no log-in through a web page: see docs/accounts.md for its keys"),
        ("alpaca-main", {"ALPACA_APP_ID": ""}, "alpaca: alpaca-main does not log in through a web page"),
        ("alpaca-main", {"ALPACA_APP_SECRET": ""}, "alpaca: no app_secret (ALPACA_APP_SECRET"),
    ],
)
def test_what_no_log_in_is_begun_for(inside: Inside, account: str, more: dict[str, str], words: str) -> None:
    told = inside("tokens", "login", account, **more)
    assert words in told
    assert "oauth/authorize" not in told


def test_the_address_that_is_registered(inside: Inside) -> None:
    told = inside("tokens", "login", "alpaca-main", "--paste", "--redirect-uri", "https://mine.example/back")
    assert "allow https://mine.example/back:" in told
    assert "redirect_uri=https%3A%2F%2Fmine.example%2Fback&" in told


def test_nothing_secret_is_an_argument(inside: Inside) -> None:
    """What the shell keeps, and what `ps` shows, holds no code, token or secret: there is no option for one."""
    options = set(re.findall(r"--[a-z-]+", inside("tokens", "login", "--help")))
    assert options == {"--port", "--paste", "--redirect-uri", "--wait-seconds", "--help"}

"""An OpenFIGI on this machine that behaves as documented: limits of jobs and of requests, unknown words refused, plain warnings.

Time is the test's own (`Clock`): the client's waiting moves it on, so that nobody really waits.
"""

import contextlib
import json
import socket
import threading
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

ID_TYPES = frozenset({"ID_ISIN", "ID_CUSIP", "TICKER"})
KEY = "right-key"


@dataclass
class Clock:
    """Seconds that only waiting moves on."""

    seconds: float = 1000.0
    waited: list[float] = field(default_factory=list)

    def now(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.waited.append(seconds)
        self.seconds += seconds


@dataclass
class OpenFigiServer:
    """What it knows, what it was asked, and how it shall misbehave.

    Attributes:
        listings: (idType, idValue, market, currency) to rows of `data`.
        faults: One per request, taken first: an HTTP status, `garbage`, `half` or `object`; None for none.
        broken: idValue to the entry given for it whatever it is.
        requests: The jobs of every request that arrived, refused ones too.
        max_jobs: Without a key.
        used: Requests of the window that other clients of this address have made.
    """

    clock: Clock
    listings: dict[tuple[str, str, str, str], list[dict[str, Any]]] = field(default_factory=dict)
    faults: list[int | str | None] = field(default_factory=list)
    broken: dict[str, Any] = field(default_factory=dict)
    requests: list[list[dict[str, str]]] = field(default_factory=list)
    max_jobs: int = 10
    used: int = 0
    url: str = ""
    _window_began: float | None = None

    async def mapping(self, request: Request) -> Response:
        jobs = json.loads(await request.body())
        self.requests.append(jobs)
        key = request.headers.get("X-OPENFIGI-APIKEY")
        if key not in (None, KEY):
            return Response("Invalid API key.", 401)
        limited, headers = self._counted(6.0 if key else 60.0)
        if limited:
            return Response("Too Many Requests.", 429, headers)
        fault = self.faults.pop(0) if self.faults else None
        if isinstance(fault, int):
            return Response("no", fault, headers)
        if fault == "garbage":
            return Response("<html>", 200, headers)
        if not isinstance(jobs, list) or any(job.get("idType") not in ID_TYPES for job in jobs):
            return Response("Invalid idType.", 400, headers)
        if any("exchCode" in job and "micCode" in job for job in jobs):
            return Response("exchCode and micCode exclude each other.", 400, headers)
        if len(jobs) > (100 if key else self.max_jobs):
            return Response("Request has too many jobs.", 413, headers)
        entries = [self._entry(job) for job in jobs]
        if fault == "object":
            return JSONResponse({"data": entries}, 200, headers)
        return JSONResponse(entries[: len(entries) // 2] if fault == "half" else entries, 200, headers)

    def _counted(self, window: float) -> tuple[bool, dict[str, str]]:
        now = self.clock.now()
        if self._window_began is None:
            self._window_began = now
        elif now - self._window_began >= window:
            self._window_began, self.used = now, 0
        limited = self.used >= 25
        self.used += 0 if limited else 1
        reset = str(self._window_began + window - now)
        return limited, {"ratelimit-limit": "25", "ratelimit-remaining": str(25 - self.used), "ratelimit-reset": reset}

    def _entry(self, job: dict[str, str]) -> Any:
        if job["idValue"] in self.broken:
            return self.broken[job["idValue"]]
        market = job.get("exchCode") or job.get("micCode") or ""
        rows = self.listings.get((job["idType"], job["idValue"], market, job["currency"]))
        return {"data": rows} if rows else {"warning": "No identifier found."}


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


class Running:
    """A running server; each test puts its own `OpenFigiServer` into `current`."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.current = OpenFigiServer(Clock())

    async def mapping(self, request: Request) -> Response:
        return await self.current.mapping(request)


@contextlib.contextmanager
def running() -> Iterator[Running]:
    """Serve from a thread, on a free port of 127.0.0.1."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        made = Running(f"http://127.0.0.1:{listener.getsockname()[1]}")
        app = Starlette(routes=[Route("/v3/mapping", made.mapping, methods=["POST"])])
        server = _Server(uvicorn.Config(app, ws="none", lifespan="off", log_config=None, access_log=False))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            yield made
        finally:
            server.should_exit = server.force_exit = True
            thread.join(30)


def row(figi: str, ticker: str, name: str, **other: Any) -> dict[str, Any]:
    """A row of `data`: a US common stock, but for what is said otherwise."""
    values = {
        "figi": figi,
        "name": name,
        "ticker": ticker,
        "exchCode": "US",
        "compositeFIGI": figi,
        "securityType": "Common Stock",
        "marketSector": "Equity",
        "shareClassFIGI": None,
        "securityType2": "Common Stock",
        "securityDescription": ticker,
    }
    return values | other

"""OpenFIGI (https://www.openfigi.com/api/documentation, v3) as a source: FIGIs for an ISIN, or for a symbol on a market.

It never tells an ISIN. Jobs go to `POST /v3/mapping` as a list; the answer is a list of the same length, each entry `{data:
[...]}`, `{warning: "No identifier found."}` or `{error: ...}`. Documented limits: 25 requests a minute of 10 jobs without a
key, 25 in six seconds of 100 jobs with one (`X-OPENFIGI-APIKEY`); 429 tells in `ratelimit-reset` after how many seconds to come
again.
"""

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import httpx
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt

from include.domain.instrument import AssetClass
from include.domain.market import Market
from include.errors import AuthenticationFailed, BrokerUnavailable, PolybrokerError, RateLimited
from include.identity.source import Answers, Identity, Query
from include.identity.table import canonical, right

URL = "https://api.openfigi.com"
NOT_FOUND = "No identifier found."
ATTEMPTS = 4
MAX_WAIT_SECONDS = 60.0
TIMEOUT_SECONDS = 20.0
_REQUESTS = 25
# OpenFIGI's words in `securityType2`, and where that says too little in `securityType`; other kinds stay unknown.
_KINDS = {"Common Stock": AssetClass.STOCK, "Depositary Receipt": AssetClass.STOCK, "REIT": AssetClass.STOCK}
_FUNDS = {"ETP"}
# Pence: OpenFIGI writes the unit that London quotes in.
_CURRENCIES = {"GBP": "GBp"}


class _ComeAgain(Exception):
    """Worth another attempt after some seconds (never leaves this module)."""

    def __init__(self, trouble: PolybrokerError, seconds: float | None = None) -> None:
        super().__init__(str(trouble))
        self.trouble = trouble
        self.seconds = seconds


class _Refused(Exception):
    """OpenFIGI does not take these jobs: 400 (one of them is wrong) or 413 (too many)."""

    def __init__(self, status: int) -> None:
        super().__init__(f"HTTP {status}")
        self.status = status


class OpenFigi:
    """Asks within the limits; use it in a `with`, or `close()` it.

    Args:
        markets: By id; the US composite is asked as exchange code `US`, every other market by its MIC.
        today: Date of the answers.
        api_key: Raises the limits; None without.
        url: Origin, for tests.
        sleep / clock: Waiting and monotonic seconds, for tests.
    """

    name = "openfigi"

    def __init__(
        self,
        markets: Mapping[str, Market],
        today: date,
        *,
        api_key: str | None = None,
        url: str = URL,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._markets, self._today = markets, today
        self._jobs, self._window = (100, 6.0) if api_key else (10, 60.0)
        self._sleep, self._clock = sleep, clock
        self._sent: deque[float] = deque(maxlen=_REQUESTS)
        self._free_at = clock()
        headers = {"X-OPENFIGI-APIKEY": api_key} if api_key else {}
        self._client = httpx.Client(base_url=url, headers=headers, timeout=TIMEOUT_SECONDS)

    def __enter__(self) -> "OpenFigi":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections; safe to call twice."""
        self._client.close()

    def find(self, queries: Sequence[Query]) -> Answers:
        """FIGIs of every listing, by its ISIN where the query has one, else by its symbol.

        What was answered before a trouble is kept; the rest is absent, and the trouble told.
        """
        found: dict[str, tuple[Identity, ...]] = {}
        troubles: list[str] = []
        asked = [query for query in queries if query.market in self._markets and self._market(query)]
        waiting = deque(asked)
        try:
            while waiting:
                batch = [waiting.popleft() for _ in range(min(self._jobs, len(waiting)))]
                for query, answer in self._batch(batch):
                    if isinstance(answer, str):
                        troubles.append(f"openfigi, {query.key}: {answer}")
                    else:
                        found[query.key] = answer
        except PolybrokerError as error:
            troubles.append(f"{type(error).__name__}: {error}; {len(asked) - len(found)} of {len(asked)} not answered")
        return Answers(found, troubles)

    def _market(self, query: Query) -> dict[str, str]:
        if query.market == "US":
            return {"exchCode": "US"}
        return {"micCode": query.market} if query.market in self._markets[query.market].mics else {}

    def _job(self, query: Query) -> dict[str, str]:
        spelled = query.symbol.replace(".", "/")  # Bloomberg's notation of a share class: BRK/B
        key = {"idType": "ID_ISIN", "idValue": query.isin} if query.isin else {"idType": "TICKER", "idValue": spelled}
        return {**key, **self._market(query), "currency": _CURRENCIES.get(query.currency, query.currency)}

    def _batch(self, queries: Sequence[Query]) -> Iterator[tuple[Query, tuple[Identity, ...] | str]]:
        """Each query with its identities, or with what OpenFIGI has against it; a refused batch is halved."""
        try:
            entries = self._retried([self._job(query) for query in queries])
        except _Refused as refused:
            if len(queries) == 1:
                yield queries[0], str(refused)
                return
            half = len(queries) // 2
            if refused.status == httpx.codes.REQUEST_ENTITY_TOO_LARGE:
                self._jobs = half
            yield from self._batch(queries[:half])
            yield from self._batch(queries[half:])
            return
        for query, entry in zip(queries, entries, strict=True):
            yield query, self._read(query, entry)

    def _retried(self, jobs: list[dict[str, str]]) -> list[Any]:
        again = Retrying(
            retry=retry_if_exception_type(_ComeAgain),
            stop=stop_after_attempt(ATTEMPTS),
            wait=_wait,
            sleep=self._sleep,
            reraise=True,
        )
        try:
            return again(self._post, jobs)
        except _ComeAgain as last:
            raise last.trouble from last

    def _post(self, jobs: list[dict[str, str]]) -> list[Any]:
        self._pace()
        try:
            response = self._client.post("/v3/mapping", json=jobs)
        except httpx.HTTPError as error:
            raise _ComeAgain(BrokerUnavailable(f"openfigi: {type(error).__name__}")) from error
        status = response.status_code
        if status == httpx.codes.TOO_MANY_REQUESTS:
            raise _ComeAgain(RateLimited("openfigi: asked too often"), _seconds(response.headers.get("ratelimit-reset")))
        if status in (httpx.codes.BAD_REQUEST, httpx.codes.REQUEST_ENTITY_TOO_LARGE):
            raise _Refused(status)
        if status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
            raise AuthenticationFailed(f"openfigi refused the key (HTTP {status})")
        if status != httpx.codes.OK:
            raise _ComeAgain(BrokerUnavailable(f"openfigi: HTTP {status}"))
        try:
            entries = response.json()
        except ValueError as error:
            raise _ComeAgain(BrokerUnavailable("openfigi's answer made no sense: not JSON")) from error
        if not isinstance(entries, list) or len(entries) != len(jobs):  # which job is which would be a guess
            raise _ComeAgain(BrokerUnavailable("openfigi's answer made no sense: not one entry per job"))
        if response.headers.get("ratelimit-remaining") == "0":  # other processes of this address use the limit up too
            pause = _seconds(response.headers.get("ratelimit-reset"))
            self._free_at = self._clock() + min(self._window if pause is None else pause, MAX_WAIT_SECONDS)
        return entries

    def _pace(self) -> None:
        now = self._clock()
        full_until = self._sent[0] + self._window if len(self._sent) == _REQUESTS else now
        pause = max(full_until, self._free_at) - now
        if pause > 0:
            self._sleep(pause)
        self._sent.append(self._clock())

    def _read(self, query: Query, entry: Any) -> tuple[Identity, ...] | str:
        if not isinstance(entry, dict):
            return "an answer that made no sense"
        rows = entry.get("data")
        if rows is None:
            if entry.get("warning") == NOT_FOUND:
                return ()
            return str(entry.get("error") or entry.get("warning") or "an answer that made no sense")[:200]
        read = [_identity(query, row, self._today) for row in rows] if isinstance(rows, list) else []
        identities = tuple(one for one in read if one is not None)
        # A row that cannot be read may be the one that contradicts the others.
        return identities if identities and len(identities) == len(read) else "an answer that made no sense"


def _identity(query: Query, row: Any, today: date) -> Identity | None:
    """One row of `data`; None where it is none. Market and currency are those asked for: OpenFIGI filters by them."""
    if not isinstance(row, dict) or not isinstance(row.get("ticker"), str):
        return None
    figi, share_class = row.get("figi"), row.get("shareClassFIGI")
    if not isinstance(figi, str) or not right("figi", figi):
        return None
    if share_class is not None and not (isinstance(share_class, str) and right("share_class_figi", share_class)):
        return None
    is_fund = row.get("securityType") in _FUNDS
    kind = AssetClass.ETF if is_fund else _KINDS.get(str(row.get("securityType2"))) or _KINDS.get(str(row.get("securityType")))
    return Identity(
        isin=query.isin,
        figi=figi,
        share_class_figi=share_class,
        market=query.market,
        symbol=canonical(row["ticker"]),
        currency=query.currency,
        asset_class=kind,
        name=_name(row),
        source=OpenFigi.name,
        source_date=today,
    )


def _name(row: Mapping[str, Any]) -> str:
    """The company's name; a receipt says so, as its name alone does not."""
    name = str(row.get("name") or "")
    is_receipt = row.get("securityType2") == "Depositary Receipt" and " ADR" not in name.upper() and " GDR" not in name.upper()
    return f"{name} ADR" if is_receipt else name


def _seconds(text: str | None) -> float | None:
    try:
        return max(float(text or ""), 0.0)
    except ValueError:
        return None


def _wait(state: RetryCallState) -> float:
    """As long as OpenFIGI says, at most a minute; else 1, 2, 4 ... seconds."""
    error = state.outcome.exception() if state.outcome else None
    seconds = error.seconds if isinstance(error, _ComeAgain) else None
    return min(seconds if seconds is not None else 2.0 ** (state.attempt_number - 1), MAX_WAIT_SECONDS)

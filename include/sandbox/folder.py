"""Names in a sandbox folder, its token, and who holds which venue.

`catalogue.parquet` (marks included), `cash.json` (money of new accounts, optional), `token`, `sandbox.env`, `faults.json`, and
per venue `<venue>.state.json`, `<venue>.pid.json`, `<venue>.lock`, `<venue>.log`. A running venue holds the lock on
`<venue>.lock`: that, not a process id, proves that it runs.
"""

import contextlib
import fcntl
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import IO

from include.brokers.environment import sandbox_account_code
from include.errors import InputError
from include.sandbox.files import read_json, write_text
from include.simulation.costs import Costs

HOST = "127.0.0.1"
VENUES = ("ibkr", "alpaca")
CASH = "cash.json"
_ACCOUNT_PREFIX = {"ibkr": "DU", "alpaca": ""}
_IBKR_CASH = {
    "EUR": "400000",
    "USD": "150000",
    "JPY": "60000000",
    "GBP": "60000",
    "SEK": "600000",
    "CHF": "40000",
    "DKK": "300000",
    "NOK": "300000",
    "AUD": "80000",
    "CAD": "80000",
    "HKD": "400000",
    "SGD": "60000",
    "NZD": "60000",
    "PLN": "150000",
    "INR": "3000000",
}
_CASH = {"ibkr": _IBKR_CASH, "alpaca": {"USD": "300000"}}
_COSTS = {
    "ibkr": Costs(half_spread_bp=Decimal(2), slippage_bp=Decimal(1), commission_bp=Decimal(5), commission_minimum=Decimal(1)),
    "alpaca": Costs(half_spread_bp=Decimal(2), slippage_bp=Decimal(1)),
}


@dataclass(frozen=True)
class VenueFiles:
    """Paths of one venue in a sandbox folder."""

    folder: Path
    venue: str

    @property
    def catalogue(self) -> Path:
        """Listings and marks, shared by the venues of the folder."""
        return self.folder / "catalogue.parquet"

    @property
    def state(self) -> Path:
        """Account and orders."""
        return self.folder / f"{self.venue}.state.json"

    @property
    def pid(self) -> Path:
        """Process id, host and port, written when the venue listens; the port stays known after it ended."""
        return self.folder / f"{self.venue}.pid.json"

    @property
    def lock(self) -> Path:
        """Held by the running venue."""
        return self.folder / f"{self.venue}.lock"

    @property
    def log(self) -> Path:
        """What the process printed."""
        return self.folder / f"{self.venue}.log"

    def where(self) -> tuple[int, int] | None:
        """(process id, port) as the venue wrote them last, None before it first listened.

        Raises:
            InputError: The file is damaged.
        """
        document = read_json(self.pid)
        if document is None:
            return None
        try:
            return int(document["pid"]), int(document["port"])
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"expected pid and port: {error!r}", source=self.pid) from error

    @contextlib.contextmanager
    def held(self) -> Iterator[bool]:
        """Take the lock for the block; gives False where somebody else has it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with open(self.lock, "a", encoding="utf-8") as file:
            yield _try_lock(file)

    def running(self) -> bool:
        """Whether a process serves this venue now."""
        if not self.lock.exists():
            return False
        with self.held() as free:
            return not free


def _try_lock(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def token_of(folder: Path) -> str:
    """The folder's token, made on first use, readable by its owner only.

    Raises:
        InputError: The file is empty.
    """
    path = folder / "token"
    if not path.exists():
        fresh = folder / f".token.{secrets.token_hex(8)}"
        write_text(fresh, secrets.token_urlsafe(32) + "\n")
        with contextlib.suppress(FileExistsError):  # two processes at once: the first one's token stands
            os.link(fresh, path)
        fresh.unlink()
    token = path.read_text(encoding="utf-8").strip()
    if not token:
        raise InputError("expected a token; remove the file to get a new one", source=path)
    return token


def account_code(venue: str, token: str) -> str:
    """The account a venue with this token shows: the proof of the environment `sandbox`."""
    return sandbox_account_code(_ACCOUNT_PREFIX[venue], token)


def starting_cash(venue: str, folder: Path | None = None) -> dict[str, Decimal]:
    """Currency -> cash of a new account: what `cash.json` of the folder says, else a little of everything.

    Raises:
        InputError: `cash.json` does not hold amounts by venue and currency.
    """
    path = folder / CASH if folder else None
    told = read_json(path) if path else None
    try:
        amounts = (told or _CASH)[venue]
        return {str(currency): Decimal(str(amount)) for currency, amount in amounts.items()}
    except (KeyError, TypeError, AttributeError, ArithmeticError) as error:
        raise InputError("expected amounts by venue and currency", source=path, field=venue) from error


def start_anew(folder: Path) -> bool:
    """Forget the accounts of a folder if none of them has ever had an order or a position, and no venue runs.

    Returns:
        True: the next `up` starts new accounts. False: they stay as they are.
    """
    venues = [VenueFiles(folder, venue) for venue in VENUES]
    for files in venues:
        account = (read_json(files.state) or {}).get("engine", {})
        if files.running() or account.get("orders") or account.get("positions"):
            return False
    for files in venues:
        files.state.unlink(missing_ok=True)
    return True


def costs(venue: str) -> Costs:
    """What trading costs at a local venue."""
    return _COSTS[venue]

"""The client order id: the same for every retry of an intent, different for every other intent."""

import base64
import hashlib
import json

from include.domain.order import Side

LENGTH = 20  # the shortest limit of all brokers (Zerodha's tag): 100 bits


def client_order_id(
    portfolio: str,
    environment: str,
    account: str,
    as_of: str,
    revision: int,
    instrument_id: str,
    side: Side | str,
    leg: int = 0,
) -> str:
    """20 upper-case base32 characters (A-Z, 2-7) of a SHA-256 over the fields.

    The fields are hashed as a JSON list, so that moving a character from one field to its neighbour gives another id.

    Args:
        portfolio: Portfolio id.
        environment: `sandbox`, `paper` or `live`.
        account: Our account id.
        as_of: Session, ISO date.
        revision: Revision of the session's plan.
        instrument_id: `isin:...`, `pair:...` or `ticker:...`.
        side: `buy` or `sell`.
        leg: Number of the order where an intent is cut into several, from 0.
    """
    fields = [portfolio, environment, account, as_of, revision, instrument_id, str(Side(side)), leg]
    digest = hashlib.sha256(json.dumps(fields, ensure_ascii=True, separators=(",", ":")).encode()).digest()
    return base64.b32encode(digest)[:LENGTH].decode()

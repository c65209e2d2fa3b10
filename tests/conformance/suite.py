"""Every case that a broker adapter passes against a local venue of its broker: subclass `Conformance`, name a `column`."""

from tests.conformance.suite_1_connection import Connection
from tests.conformance.suite_2_contracts import Contracts
from tests.conformance.suite_2_logins import Logins
from tests.conformance.suite_3_account import AccountCases
from tests.conformance.suite_4_orders import Orders
from tests.conformance.suite_5_rejections import Rejections
from tests.conformance.suite_6_idempotency import Idempotency
from tests.conformance.suite_7_changes import Changes
from tests.conformance.suite_8_faults import FaultCases
from tests.conformance.suite_9_limits import Limits
from tests.conformance.suite_9_streams import Streams


class Conformance(
    Connection, Contracts, Logins, AccountCases, Orders, Rejections, Idempotency, Changes, FaultCases, Limits, Streams
):
    """All of them. The page is docs/conformance.md."""

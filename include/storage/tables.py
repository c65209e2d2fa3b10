"""The database's tables (docs/architecture.md, "The database"). A test holds them equal to the migrations."""

from sqlalchemy import Column, Float, ForeignKey, Index, Integer, LargeBinary, MetaData, String, Table, Text

from include.storage.types import DecimalText, JsonText, UtcDateTime

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
    }
)

plans = Table(
    "plans",
    metadata,
    Column("portfolio", String, primary_key=True),
    Column("as_of", String(10), primary_key=True),
    Column("revision", Integer, primary_key=True, autoincrement=False),
    Column("sha256", String(64), nullable=False),
    Column("body", LargeBinary, nullable=False),
)

orders = Table(
    "orders",
    metadata,
    Column("client_order_id", String(40), primary_key=True),
    Column("portfolio", String, nullable=False),
    Column("account", String, nullable=False),
    Column("broker", String, nullable=False),
    Column("as_of", String(10), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("native_id", String, nullable=False),
    Column("body", JsonText, nullable=False),  # the Order, complete, never changed
    Column("state", String(20), nullable=False),
    Column("reason", Text),  # why it was held or not sent
    Column("broker_order_id", String),
    Column("filled_quantity", DecimalText, nullable=False),  # the broker's total; fills may be fewer
    Column("average_price", DecimalText),
    Column("code", String),
    Column("message", Text),
    Column("updated_at", UtcDateTime),
    Index("ix_orders_account_state", "account", "state"),
    Index("ix_orders_portfolio_as_of", "portfolio", "as_of"),
)

fills = Table(
    "fills",
    metadata,
    Column("broker", String, primary_key=True),
    Column("account", String, primary_key=True),
    Column("fill_id", String, primary_key=True),
    Column("client_order_id", String(40), ForeignKey("orders.client_order_id"), nullable=False, index=True),
    Column("quantity", DecimalText, nullable=False),
    Column("price", DecimalText, nullable=False),
    Column("time", UtcDateTime, nullable=False),
    Column("commission", DecimalText),
    Column("commission_currency", String(10)),
)

order_events = Table(
    "order_events",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("client_order_id", String(40), ForeignKey("orders.client_order_id"), nullable=False, index=True),
    Column("time", UtcDateTime),  # null: registered with the plan
    Column("from_state", String(20)),
    Column("to_state", String(20), nullable=False),
    Column("body", JsonText, nullable=False),
)

snapshots = Table(
    "snapshots",
    metadata,
    Column("account_id", String, primary_key=True),
    Column("session", String(10), primary_key=True),
    Column("run_id", String, primary_key=True),
    Column("taken_at", UtcDateTime, nullable=False),
    Column("body", JsonText, nullable=False),
)

leases = Table(
    "leases",
    metadata,
    Column("name", String, primary_key=True),
    Column("holder", String, nullable=False),
    Column("token", String(32), nullable=False),  # one per taking: the same holder twice is two
    Column("expires_at", UtcDateTime, nullable=False),
)

lookups = Table(
    "lookups",
    metadata,
    Column("broker", String, primary_key=True),
    Column("key", String, primary_key=True),
    Column("answer", JsonText, nullable=False),
    Column("fetched_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
)

paper_accounts = Table(
    "paper_accounts",
    metadata,
    Column("account_id", String, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("state", JsonText, nullable=False),  # what never changes; of accounts from before 0003 everything
)

paper_rows = Table(
    "paper_rows",
    metadata,
    Column("account_id", String, primary_key=True),
    Column("kind", String(20), primary_key=True),
    Column("key", String, primary_key=True),
    Column("version", Integer, nullable=False),  # of the account, when the row was written
    Column("body", JsonText),  # null: there is none any more
    Index("ix_paper_rows_account_id_version", "account_id", "version"),
)

approvals = Table(
    "approvals",
    metadata,
    Column("run_id", String, primary_key=True),
    Column("sha256", String(64), primary_key=True),
    Column("decision", String(10), nullable=False),
    Column("responded_by", String, nullable=False),
    Column("responded_at", UtcDateTime, nullable=False),
    Column("reasons", JsonText, nullable=False),
)

adoptions = Table(
    "adoptions",
    metadata,
    Column("portfolio", String, primary_key=True),
    Column("account", String, primary_key=True),
    Column("native_id", String, primary_key=True),
    Column("ticker", String, nullable=False),
    Column("instrument_id", String, nullable=False),
    Column("contract", JsonText, nullable=False),
    Column("quantity", DecimalText, nullable=False),
    Column("adopted_at", UtcDateTime, nullable=False),
    Column("note", Text, nullable=False),
)

seen_mappings = Table(
    "seen_mappings",
    metadata,
    Column("source", String, primary_key=True),
    Column("instrument_id", String, primary_key=True),
    Column("ticker", String, primary_key=True),
    Column("broker", String, nullable=False),
    Column("name", String, nullable=False),
    Column("handle", JsonText, nullable=False),  # native id, symbol, lots, ticks ... as text
    Column("price", JsonText),  # SeenPrice of the newest session that traded on it
    Column("previous", JsonText),  # SeenPrice of the session before
    Column("run_id", String, nullable=False),  # the run that showed this form
    Column("session", String(10), nullable=False),
    Column("first_run_id", String, nullable=False),
    Column("first_session", String(10), nullable=False),
    Column("seen_by", String),  # null: the first form, nobody had to accept it
    Column("seen_at", UtcDateTime),
)

waiting_mappings = Table(
    "waiting_mappings",
    metadata,
    Column("source", String, primary_key=True),
    Column("instrument_id", String, primary_key=True),
    Column("ticker", String, primary_key=True),
    Column("body", JsonText, nullable=False),  # the form that differs, and in what
)

config_versions = Table(
    "config_versions",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("files", JsonText, nullable=False),  # path to text, as written: variables are not replaced
    Column("first_used_at", UtcDateTime, nullable=False),
    Column("last_used_at", UtcDateTime, nullable=False),
    Column("last_used_by", String, nullable=False),  # a run's id, or what a person did
)

capabilities_seen = Table(
    "capabilities_seen",
    metadata,
    Column("broker", String, primary_key=True),
    Column("body", JsonText, nullable=False),
)

broker_events = Table(
    "broker_events",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("topic", String, nullable=False),
    Column("time", UtcDateTime, nullable=False),
    Column("body", JsonText, nullable=False),
)

tokens = Table(
    "tokens",
    metadata,
    Column("name", String, primary_key=True),
    Column("secret", LargeBinary, nullable=False),  # encrypted
    Column("expires_at", UtcDateTime),
    Column("updated_at", UtcDateTime, nullable=False),
)

shared_states = Table(
    "shared_states",
    metadata,
    Column("name", String, primary_key=True),
    Column("body", JsonText),  # null: only just made, nobody has written it yet
)

call_counts = Table(
    "call_counts",
    metadata,
    Column("source", String, primary_key=True),
    Column("hour", UtcDateTime, primary_key=True),  # its beginning
    Column("method", String, primary_key=True),
    Column("code", String, primary_key=True),  # "" where the call was answered, else the standard code of its error
    Column("broker_code", String, primary_key=True, server_default=""),  # the broker's own; "" where it gave none
    Column("broker", String, nullable=False),
    Column("calls", Integer, nullable=False),
    Column("seconds", Float, nullable=False),  # of all of them
    Column("slowest_seconds", Float, nullable=False),
)

"""First schema: plans, the order journal, snapshots, leases, look-ups, paper accounts, approvals, adoptions."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision: str | None = None
branch_labels: str | None = None
depends_on: str | None = None

TEXT_DECIMAL = sa.Text
MOMENT = sa.DateTime(timezone=True)
JSON_TEXT = sa.Text


def upgrade() -> None:
    """Create every table."""
    op.create_table(
        "plans",
        sa.Column("portfolio", sa.String, nullable=False),
        sa.Column("as_of", sa.String(10), nullable=False),
        sa.Column("revision", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("portfolio", "as_of", "revision", name="pk_plans"),
    )
    _journal()
    op.create_table(
        "snapshots",
        sa.Column("account_id", sa.String, nullable=False),
        sa.Column("session", sa.String(10), nullable=False),
        sa.Column("run_id", sa.String, nullable=False),
        sa.Column("taken_at", MOMENT, nullable=False),
        sa.Column("body", JSON_TEXT, nullable=False),
        sa.PrimaryKeyConstraint("account_id", "session", "run_id", name="pk_snapshots"),
    )
    op.create_table(
        "leases",
        sa.Column("name", sa.String, nullable=False),
        sa.Column("holder", sa.String, nullable=False),
        sa.Column("token", sa.String(32), nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_leases"),
    )
    op.create_table(
        "lookups",
        sa.Column("broker", sa.String, nullable=False),
        sa.Column("key", sa.String, nullable=False),
        sa.Column("answer", JSON_TEXT, nullable=False),
        sa.Column("fetched_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("broker", "key", name="pk_lookups"),
    )
    op.create_table(
        "paper_accounts",
        sa.Column("account_id", sa.String, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("state", JSON_TEXT, nullable=False),
        sa.PrimaryKeyConstraint("account_id", name="pk_paper_accounts"),
    )
    op.create_table(
        "approvals",
        sa.Column("run_id", sa.String, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("decision", sa.String(10), nullable=False),
        sa.Column("responded_by", sa.String, nullable=False),
        sa.Column("responded_at", MOMENT, nullable=False),
        sa.Column("reasons", JSON_TEXT, nullable=False),
        sa.PrimaryKeyConstraint("run_id", "sha256", name="pk_approvals"),
    )
    op.create_table(
        "adoptions",
        sa.Column("portfolio", sa.String, nullable=False),
        sa.Column("account", sa.String, nullable=False),
        sa.Column("native_id", sa.String, nullable=False),
        sa.Column("ticker", sa.String, nullable=False),
        sa.Column("instrument_id", sa.String, nullable=False),
        sa.Column("contract", JSON_TEXT, nullable=False),
        sa.Column("quantity", TEXT_DECIMAL, nullable=False),
        sa.Column("adopted_at", MOMENT, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("portfolio", "account", "native_id", name="pk_adoptions"),
    )


def _journal() -> None:
    op.create_table(
        "orders",
        sa.Column("client_order_id", sa.String(40), nullable=False),
        sa.Column("portfolio", sa.String, nullable=False),
        sa.Column("account", sa.String, nullable=False),
        sa.Column("broker", sa.String, nullable=False),
        sa.Column("as_of", sa.String(10), nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("native_id", sa.String, nullable=False),
        sa.Column("body", JSON_TEXT, nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("broker_order_id", sa.String),
        sa.Column("filled_quantity", TEXT_DECIMAL, nullable=False),
        sa.Column("average_price", TEXT_DECIMAL),
        sa.Column("code", sa.String),
        sa.Column("message", sa.Text),
        sa.Column("updated_at", MOMENT),
        sa.PrimaryKeyConstraint("client_order_id", name="pk_orders"),
    )
    op.create_index("ix_orders_account_state", "orders", ["account", "state"])
    op.create_index("ix_orders_portfolio_as_of", "orders", ["portfolio", "as_of"])
    op.create_table(
        "fills",
        sa.Column("broker", sa.String, nullable=False),
        sa.Column("account", sa.String, nullable=False),
        sa.Column("fill_id", sa.String, nullable=False),
        sa.Column("client_order_id", sa.String(40), nullable=False),
        sa.Column("quantity", TEXT_DECIMAL, nullable=False),
        sa.Column("price", TEXT_DECIMAL, nullable=False),
        sa.Column("time", MOMENT, nullable=False),
        sa.Column("commission", TEXT_DECIMAL),
        sa.Column("commission_currency", sa.String(10)),
        sa.PrimaryKeyConstraint("broker", "account", "fill_id", name="pk_fills"),
        sa.ForeignKeyConstraint(["client_order_id"], ["orders.client_order_id"], name="fk_fills_client_order_id"),
    )
    op.create_index("ix_fills_client_order_id", "fills", ["client_order_id"])
    op.create_table(
        "order_events",
        sa.Column("id", sa.Integer, autoincrement=True, nullable=False),
        sa.Column("client_order_id", sa.String(40), nullable=False),
        sa.Column("time", MOMENT),
        sa.Column("from_state", sa.String(20)),
        sa.Column("to_state", sa.String(20), nullable=False),
        sa.Column("body", JSON_TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_order_events"),
        sa.ForeignKeyConstraint(["client_order_id"], ["orders.client_order_id"], name="fk_order_events_client_order_id"),
    )
    op.create_index("ix_order_events_client_order_id", "order_events", ["client_order_id"])

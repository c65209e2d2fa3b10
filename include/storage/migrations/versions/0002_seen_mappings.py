"""Mappings that were seen, and those that wait until a person has seen them."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision: str | None = "0001"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    """Create both tables, empty: the next run's mappings are the first ones."""
    op.create_table(
        "seen_mappings",
        sa.Column("source", sa.String, nullable=False),
        sa.Column("instrument_id", sa.String, nullable=False),
        sa.Column("ticker", sa.String, nullable=False),
        sa.Column("broker", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("handle", sa.Text, nullable=False),
        sa.Column("price", sa.Text),
        sa.Column("previous", sa.Text),
        sa.Column("run_id", sa.String, nullable=False),
        sa.Column("session", sa.String(10), nullable=False),
        sa.Column("first_run_id", sa.String, nullable=False),
        sa.Column("first_session", sa.String(10), nullable=False),
        sa.Column("seen_by", sa.String),
        sa.Column("seen_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("source", "instrument_id", "ticker", name="pk_seen_mappings"),
    )
    op.create_table(
        "waiting_mappings",
        sa.Column("source", sa.String, nullable=False),
        sa.Column("instrument_id", sa.String, nullable=False),
        sa.Column("ticker", sa.String, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("source", "instrument_id", "ticker", name="pk_waiting_mappings"),
    )

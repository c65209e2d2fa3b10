"""What all processes know together about a broker (breaker, budgets), and how its calls went, by the hour."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision: str | None = "0003"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    """Create both tables, empty: every breaker is closed, every budget is whole."""
    op.create_table(
        "shared_states",
        sa.Column("name", sa.String, nullable=False),
        sa.Column("body", sa.Text),
        sa.PrimaryKeyConstraint("name", name="pk_shared_states"),
    )
    op.create_table(
        "call_counts",
        sa.Column("source", sa.String, nullable=False),
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("method", sa.String, nullable=False),
        sa.Column("code", sa.String, nullable=False),
        sa.Column("broker", sa.String, nullable=False),
        sa.Column("calls", sa.Integer, nullable=False),
        sa.Column("seconds", sa.Float, nullable=False),
        sa.Column("slowest_seconds", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("source", "hour", "method", "code", name="pk_call_counts"),
    )

"""Paper accounts in rows: an order writes what it changes, not the whole account again."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision: str | None = "0002"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    """Create the table, empty: an account's first change after this writes its rows out of what it was before."""
    op.create_table(
        "paper_rows",
        sa.Column("account_id", sa.String, nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("key", sa.String, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("body", sa.Text),
        sa.PrimaryKeyConstraint("account_id", "kind", "key", name="pk_paper_rows"),
    )
    op.create_index("ix_paper_rows_account_id_version", "paper_rows", ["account_id", "version"])

"""Versions of the configuration, what brokers could do when last looked at, and tokens that brokers renew."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision: str | None = "0004"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    """Create the tables, empty."""
    op.create_table(
        "config_versions",
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("files", sa.Text, nullable=False),
        sa.Column("first_used_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_by", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("sha256", name="pk_config_versions"),
    )
    op.create_table(
        "capabilities_seen",
        sa.Column("broker", sa.String, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("broker", name="pk_capabilities_seen"),
    )
    op.create_table(
        "capability_events",
        sa.Column("id", sa.Integer, autoincrement=True, nullable=False),
        sa.Column("topic", sa.String, nullable=False),
        sa.Column("time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_capability_events"),
    )
    op.create_table(
        "tokens",
        sa.Column("name", sa.String, nullable=False),
        sa.Column("secret", sa.LargeBinary, nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True)),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_tokens"),
    )

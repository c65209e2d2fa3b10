"""Errors by the broker's own code as well, and one table for all events of brokers: changes of capabilities, breakers."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision: str | None = "0005"
branch_labels: str | None = None
depends_on: str | None = None

_KEY = ["source", "hour", "method", "code"]


def upgrade() -> None:
    """What was counted before has the code "" of its brokers: nobody noted it."""
    with op.batch_alter_table("call_counts") as table:
        table.add_column(sa.Column("broker_code", sa.String, nullable=False, server_default=""))
        table.drop_constraint("pk_call_counts", type_="primary")
        table.create_primary_key("pk_call_counts", [*_KEY, "broker_code"])
    op.rename_table("capability_events", "broker_events")


def downgrade() -> None:
    """Counts that differ in the broker's own code alone are added up; every event is kept."""
    op.rename_table("broker_events", "capability_events")
    op.execute(
        "CREATE TABLE call_counts_merged AS SELECT source, hour, method, code, max(broker) AS broker, sum(calls) AS calls, "
        "sum(seconds) AS seconds, max(slowest_seconds) AS slowest_seconds FROM call_counts GROUP BY source, hour, method, code"
    )
    op.execute("DELETE FROM call_counts")
    with op.batch_alter_table("call_counts") as table:
        table.drop_constraint("pk_call_counts", type_="primary")
        table.drop_column("broker_code")
        table.create_primary_key("pk_call_counts", _KEY)
    columns = "source, hour, method, code, broker, calls, seconds, slowest_seconds"
    op.execute(f"INSERT INTO call_counts ({columns}) SELECT {columns} FROM call_counts_merged")
    op.execute("DROP TABLE call_counts_merged")

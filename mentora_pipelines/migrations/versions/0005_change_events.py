"""Rows about what changed, written by triggers for the cache to follow."""

from mentora_pipelines.migrations import run_sql, run_sql_outside_transaction

revision = "0005_change_events"
down_revision = "0004_analytics"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Build the indexes of live tables, then run the SQL file of this revision."""
    run_sql_outside_transaction("0005_change_events.concurrent")
    run_sql("0005_change_events.up")


def downgrade() -> None:
    """Undo it."""
    run_sql("0005_change_events.down")

"""What consumers of events keep about their work."""

from mentora_pipelines.migrations import run_sql, run_sql_outside_transaction

revision = "0007_event_consumers"
down_revision = "0006_comments"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Build the indexes of live tables, then run the SQL file of this revision."""
    run_sql_outside_transaction("0007_event_consumers.concurrent")
    run_sql("0007_event_consumers.up")


def downgrade() -> None:
    """Undo it."""
    run_sql("0007_event_consumers.down")

"""What the collector of orphans looks up."""

from mentora_pipelines.migrations import run_sql, run_sql_outside_transaction

revision = "0021_orphans"
down_revision = "0020_paid_answers"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Build the indexes of live tables; the SQL file of this revision adds words."""
    run_sql_outside_transaction("0021_orphans.concurrent")
    run_sql("0021_orphans.up")


def downgrade() -> None:
    """Undo it."""
    run_sql("0021_orphans.down")

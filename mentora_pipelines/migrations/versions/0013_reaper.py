"""The reaper finds what is on its way, and its events, by index."""

from mentora_pipelines.migrations import run_sql, run_sql_outside_transaction

revision = "0013_reaper"
down_revision = "0012_content_health"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Build the indexes of live tables; the SQL file of this revision adds words."""
    run_sql_outside_transaction("0013_reaper.concurrent")
    run_sql("0013_reaper.up")


def downgrade() -> None:
    """Undo it."""
    run_sql("0013_reaper.down")

"""Archived days that were never counted."""

from mentora_pipelines.migrations import run_sql

revision = "0022_archived_days"
down_revision = "0021_orphans"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the SQL file of this revision."""
    run_sql("0022_archived_days.up")


def downgrade() -> None:
    """Undo it."""
    run_sql("0022_archived_days.down")

"""Students, what they do, and what they may see."""

from mentora_pipelines.migrations import run_sql, run_sql_outside_transaction

revision = "0002_platform"
down_revision = "0001_lessons"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Build the indexes of live tables, then run the SQL file of this revision."""
    run_sql_outside_transaction("0002_platform.concurrent")
    run_sql("0002_platform.up")


def downgrade() -> None:
    """Undo it."""
    run_sql("0002_platform.down")

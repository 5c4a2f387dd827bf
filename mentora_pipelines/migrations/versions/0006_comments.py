"""Comments on what the first revision left without one."""

from mentora_pipelines.migrations import run_sql

revision = "0006_comments"
down_revision = "0005_change_events"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the SQL file of this revision."""
    run_sql("0006_comments.up")


def downgrade() -> None:
    """Undo it."""
    run_sql("0006_comments.down")

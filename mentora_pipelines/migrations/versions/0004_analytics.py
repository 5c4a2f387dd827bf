"""What happened, by month, and the metrics of each day."""

from mentora_pipelines.migrations import run_sql

revision = "0004_analytics"
down_revision = "0003_operations"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the SQL file of this revision."""
    run_sql("0004_analytics.up")


def downgrade() -> None:
    """Undo it."""
    run_sql("0004_analytics.down")

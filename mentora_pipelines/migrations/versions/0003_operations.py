"""What the pipeline keeps about its work: events, leases, mail, health, costs."""

from mentora_pipelines.migrations import run_sql

revision = "0003_operations"
down_revision = "0002_platform"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the SQL file of this revision."""
    run_sql("0003_operations.up")


def downgrade() -> None:
    """Undo it."""
    run_sql("0003_operations.down")

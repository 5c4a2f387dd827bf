"""Answers of hosted models kept until they are used, and budgets held."""

from mentora_pipelines.migrations import run_sql

revision = "0020_paid_answers"
down_revision = "0019_observability"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the SQL file of this revision."""
    run_sql("0020_paid_answers.up")


def downgrade() -> None:
    """Undo it."""
    run_sql("0020_paid_answers.down")

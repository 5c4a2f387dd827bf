"""Quizzes have a life, their questions a history, and chunks that are their own."""

from mentora_pipelines.migrations import run_sql, run_sql_outside_transaction

revision = "0014_quizzes"
down_revision = "0013_reaper"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Build the indexes of live tables; the SQL file of this revision adds words."""
    run_sql_outside_transaction("0014_quizzes.concurrent")
    run_sql("0014_quizzes.up")


def downgrade() -> None:
    """Undo it."""
    run_sql("0014_quizzes.down")

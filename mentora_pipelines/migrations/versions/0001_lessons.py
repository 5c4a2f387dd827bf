"""The tables of lessons: creators, videos and everything derived from a video."""

from mentora_pipelines.migrations import run_sql

revision = "0001_lessons"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the SQL file of this revision."""
    run_sql("0001_lessons.up")


def downgrade() -> None:
    """Undo it."""
    run_sql("0001_lessons.down")

"""Memberships follow Whop; what its access check said is kept for when it is silent."""

from mentora_pipelines.migrations import run_sql

revision = "0015_memberships"
down_revision = "0014_quizzes"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the SQL file of this revision."""
    run_sql("0015_memberships.up")


def downgrade() -> None:
    """Undo it."""
    run_sql("0015_memberships.down")

"""${message}."""

from mentora_pipelines.migrations import run_sql

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Run the SQL file of this revision."""
    run_sql("${up_revision}.up")


def downgrade() -> None:
    """Undo it."""
    run_sql("${up_revision}.down")

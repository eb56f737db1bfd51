"""What endpoints and crash marks need"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add them."""
    with op.batch_alter_table("attempt", schema=None) as batch_op:
        batch_op.add_column(sa.Column("after_crash", sa.Boolean(), server_default=sa.text("0"), nullable=False))

    with op.batch_alter_table("delivery", schema=None) as batch_op:
        batch_op.add_column(sa.Column("interrupted", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("cut_off_ns", sa.Integer(), nullable=True))

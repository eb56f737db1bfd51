"""What the national channel adds."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add them."""
    op.create_table(
        "national_login",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=64), nullable=False),
        sa.Column("nonce", sa.String(length=64), nullable=False),
        sa.Column("verifier", sa.String(length=128), nullable=False),
        sa.Column("return_to", sa.String(length=500), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.Column("space", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_national_login")),
        sa.UniqueConstraint("space", "state", name=op.f("uq_national_login_space_state")),
    )
    with op.batch_alter_table("national_login", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_national_login_space"), ["space"], unique=False)

    with op.batch_alter_table("face_ticket", schema=None) as batch_op:
        batch_op.add_column(sa.Column("vendor", sa.String(length=10), server_default="wechat", nullable=False))
        batch_op.add_column(sa.Column("page_url", sa.String(length=500), server_default="", nullable=False))

    with op.batch_alter_table("session", schema=None) as batch_op:
        batch_op.add_column(sa.Column("channel", sa.String(length=10), server_default="wechat", nullable=False))

    with op.batch_alter_table("settlement", schema=None) as batch_op:
        batch_op.add_column(sa.Column("channel", sa.String(length=10), server_default="wechat", nullable=False))

    with op.batch_alter_table("user", schema=None) as batch_op:
        batch_op.add_column(sa.Column("national_sub", sa.String(length=255), nullable=True))
        batch_op.alter_column("openid", nullable=True)
        batch_op.create_unique_constraint(batch_op.f("uq_user_space_national_sub"), ["space", "national_sub"])

"""What endpoints, crash marks and retention need"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add them."""
    op.create_table(
        "dropped",
        sa.Column("space", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("up_to", sa.Integer(), nullable=False),
        sa.Column("wall_ns", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("space", "kind", name=op.f("pk_dropped")),
    )
    op.create_table(
        "endpoint",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("vendor", sa.String(length=20), nullable=False),
        sa.Column("types", sa.JSON(), nullable=False),
        sa.Column("url", sa.String(length=512), nullable=False),
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.Column("credentials", sa.JSON(), nullable=False),
        sa.Column("options", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failing_since", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("space", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_endpoint")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("endpoint", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_endpoint_space"), ["space"], unique=False)
        batch_op.create_index(batch_op.f("ix_endpoint_space_vendor"), ["space", "vendor"], unique=False)

    op.create_table(
        "endpoint_note",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("endpoint_id", sa.Integer(), nullable=False),
        sa.Column("what", sa.String(length=10), nullable=False),
        sa.Column("words", sa.String(length=300), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("wall_ns", sa.Integer(), nullable=False),
        sa.Column("space", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_endpoint_note")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("endpoint_note", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_endpoint_note_space"), ["space"], unique=False)
        batch_op.create_index(batch_op.f("ix_endpoint_note_space_wall_ns"), ["space", "wall_ns"], unique=False)

    with op.batch_alter_table("attempt", schema=None) as batch_op:
        batch_op.add_column(sa.Column("after_crash", sa.Boolean(), server_default="0", nullable=False))

    with op.batch_alter_table("delivery", schema=None) as batch_op:
        batch_op.add_column(sa.Column("interrupted", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("cut_off_ns", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("endpoint_id", sa.Integer(), nullable=True))
        batch_op.create_index(
            batch_op.f("ix_delivery_endpoint_id"),
            ["endpoint_id"],
            unique=False,
            sqlite_where=sa.text("endpoint_id IS NOT NULL"),
            postgresql_where=sa.text("endpoint_id IS NOT NULL"),
        )

    with op.batch_alter_table("fault", schema=None) as batch_op:
        batch_op.add_column(sa.Column("endpoint", sa.String(length=40), server_default="", nullable=False))

"""Tables for WeChat and WeChat Pay letter for letter."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add them."""
    with op.batch_alter_table("wechat_token", schema=None) as batch_op:
        batch_op.add_column(sa.Column("appid", sa.String(length=32), nullable=True))

    with op.batch_alter_table("wechatpay_mixed_order", schema=None) as batch_op:
        batch_op.add_column(sa.Column("mchid", sa.String(length=32), nullable=True))
        batch_op.add_column(sa.Column("sp_mchid", sa.String(length=32), nullable=True))
        batch_op.drop_constraint(batch_op.f("uq_wechatpay_mixed_order_space_out_trade_no"), type_="unique")
        batch_op.create_unique_constraint(
            batch_op.f("uq_wechatpay_mixed_order_space_mchid_out_trade_no"), ["space", "mchid", "out_trade_no"]
        )

    with op.batch_alter_table("wechatpay_order", schema=None) as batch_op:
        batch_op.add_column(sa.Column("sp_mchid", sa.String(length=32), nullable=True))
        batch_op.drop_constraint(batch_op.f("uq_wechatpay_order_space_out_trade_no"), type_="unique")
        batch_op.create_unique_constraint(
            batch_op.f("uq_wechatpay_order_space_mchid_out_trade_no"), ["space", "mchid", "out_trade_no"]
        )

    with op.batch_alter_table("wechatpay_refund", schema=None) as batch_op:
        batch_op.add_column(sa.Column("mchid", sa.String(length=32), nullable=True))
        batch_op.add_column(sa.Column("sp_mchid", sa.String(length=32), nullable=True))
        batch_op.drop_constraint(batch_op.f("uq_wechatpay_refund_space_out_refund_no"), type_="unique")
        batch_op.create_unique_constraint(
            batch_op.f("uq_wechatpay_refund_space_mchid_out_refund_no"), ["space", "mchid", "out_refund_no"]
        )
    op.execute("UPDATE wechatpay_refund SET mchid = (SELECT o.mchid FROM wechatpay_order AS o WHERE o.id = order_id)")
    op.execute(
        "UPDATE wechatpay_mixed_order SET mchid = (SELECT a.public_id FROM account AS a "
        "WHERE a.vendor = 'wechatpay' AND a.space = wechatpay_mixed_order.space)"
    )

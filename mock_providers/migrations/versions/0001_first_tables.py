"""The first tables of the mocks."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create everything."""
    op.create_table(
        "account",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("vendor", sa.String(length=20), nullable=False),
        sa.Column("public_id", sa.String(length=64), nullable=False),
        sa.Column("secret", sa.JSON(), nullable=False),
        sa.Column("space", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account")),
        sa.UniqueConstraint("space", "vendor", name=op.f("uq_account_space_vendor")),
        sa.UniqueConstraint("vendor", "public_id", name=op.f("uq_account_vendor_public_id")),
    )
    op.create_index(op.f("ix_account_space"), "account", ["space"], unique=False)
    op.create_table(
        "call",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("door", sa.String(length=20), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("wall_ns", sa.Integer(), nullable=False),
        sa.Column("ms", sa.Double(), nullable=False),
        sa.Column("method", sa.String(length=10), nullable=False),
        sa.Column("target", sa.String(length=2048), nullable=False),
        sa.Column("request_headers", sa.JSON(), nullable=False),
        sa.Column("request_body", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("response_headers", sa.JSON(), nullable=False),
        sa.Column("response_body", sa.LargeBinary(), nullable=False),
        sa.Column("why", sa.JSON(), nullable=True),
        sa.Column("space", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_call_space"), "call", ["space"], unique=False)
    op.create_index(op.f("ix_call_space_wall_ns"), "call", ["space", "wall_ns"], unique=False)
    op.create_table(
        "event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("notice_id", sa.String(length=64), nullable=False),
        sa.Column("vendor", sa.String(length=20), nullable=False),
        sa.Column("type", sa.String(length=60), nullable=False),
        sa.Column("ref", sa.String(length=64), nullable=False),
        sa.Column("plain", sa.JSON(), nullable=False),
        sa.Column("about", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("wall_ns", sa.Integer(), nullable=False),
        sa.Column("space", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event")),
        sa.UniqueConstraint("space", "notice_id", name=op.f("uq_event_space_notice_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_event_space"), "event", ["space"], unique=False)
    op.create_index(op.f("ix_event_space_ref"), "event", ["space", "ref"], unique=False)
    op.create_table(
        "mark",
        sa.Column("space", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("up_to", sa.Integer(), nullable=False),
        sa.Column("swept", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("space", "kind", name=op.f("pk_mark")),
    )
    op.create_table(
        "national_consent",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("payer", sa.String(length=10), nullable=False),
        sa.Column("patient", sa.String(length=10), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.Column("space", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_national_consent")),
        sa.UniqueConstraint("space", "code", name=op.f("uq_national_consent_space_code")),
    )
    op.create_index(op.f("ix_national_consent_space"), "national_consent", ["space"], unique=False)
    op.create_table(
        "national_gateway_message",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("msgid", sa.String(length=30), nullable=False),
        sa.Column("infno", sa.String(length=6), nullable=False),
        sa.Column("space", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_national_gateway_message")),
        sa.UniqueConstraint("space", "msgid", name=op.f("uq_national_gateway_message_space_msgid")),
    )
    op.create_index(op.f("ix_national_gateway_message_space"), "national_gateway_message", ["space"], unique=False)
    op.create_table(
        "national_gateway_nonce",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("nonce", sa.String(length=64), nullable=False),
        sa.Column("wall_seconds", sa.BigInteger(), nullable=False),
        sa.Column("space", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_national_gateway_nonce")),
        sa.UniqueConstraint("space", "nonce", name=op.f("uq_national_gateway_nonce_space_nonce")),
    )
    op.create_index(op.f("ix_national_gateway_nonce_space"), "national_gateway_nonce", ["space"], unique=False)
    op.create_index(
        op.f("ix_national_gateway_nonce_wall_seconds"), "national_gateway_nonce", ["wall_seconds"], unique=False
    )
    op.create_table(
        "national_pay_authorisation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=40), nullable=False),
        sa.Column("ec_token", sa.String(length=40), nullable=False),
        sa.Column("payer", sa.String(length=10), nullable=False),
        sa.Column("patient", sa.String(length=10), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("used_by", sa.String(length=64), nullable=False),
        sa.Column("space", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_national_pay_authorisation")),
        sa.UniqueConstraint("space", "number", name=op.f("uq_national_pay_authorisation_space_number")),
    )
    op.create_index(
        op.f("ix_national_pay_authorisation_ec_token"), "national_pay_authorisation", ["ec_token"], unique=False
    )
    op.create_index(
        op.f("ix_national_pay_authorisation_space"), "national_pay_authorisation", ["space"], unique=False
    )
    op.create_table(
        "national_pay_order",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("pay_ord_id", sa.String(length=64), nullable=False),
        sa.Column("pay_token", sa.String(length=64), nullable=False),
        sa.Column("org_codg", sa.String(length=30), nullable=False),
        sa.Column("med_org_ord", sa.String(length=64), nullable=False),
        sa.Column("org_biz_ser", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=10), nullable=False),
        sa.Column("payer", sa.String(length=10), nullable=False),
        sa.Column("pay_auth_no", sa.String(length=40), nullable=False),
        sa.Column("mdtrt_id", sa.String(length=30), nullable=False),
        sa.Column("ord_stas", sa.Integer(), nullable=False),
        sa.Column("head", sa.JSON(), nullable=False),
        sa.Column("lines", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("fee_fen", sa.BigInteger(), nullable=False),
        sa.Column("fund_fen", sa.BigInteger(), nullable=False),
        sa.Column("own_fen", sa.BigInteger(), nullable=False),
        sa.Column("mutual_fen", sa.BigInteger(), nullable=False),
        sa.Column("wallet_fen", sa.BigInteger(), nullable=False),
        sa.Column("cash_fen", sa.BigInteger(), nullable=False),
        sa.Column("cash_refunded_fen", sa.BigInteger(), nullable=False),
        sa.Column("preset", sa.JSON(), nullable=False),
        sa.Column("setl_id", sa.String(length=30), nullable=False),
        sa.Column("settled", sa.JSON(), nullable=False),
        sa.Column("space", sa.String(length=32), nullable=False),
        sa.CheckConstraint("fee_fen = fund_fen + own_fen + mutual_fen + wallet_fen + cash_fen", name="adds_up"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_national_pay_order")),
        sa.UniqueConstraint(
            "space", "org_codg", "med_org_ord", name=op.f("uq_national_pay_order_space_org_codg_med_org_ord")
        ),
        sa.UniqueConstraint("space", "pay_ord_id", name=op.f("uq_national_pay_order_space_pay_ord_id")),
    )
    op.create_index(op.f("ix_national_pay_order_space"), "national_pay_order", ["space"], unique=False)
    op.create_table(
        "national_person",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person", sa.String(length=10), nullable=False),
        sa.Column("balance_fen", sa.Integer(), nullable=False),
        sa.Column("suspense_fen", sa.Integer(), nullable=False),
        sa.Column("mutual_aid_from", sa.String(length=10), nullable=True),
        sa.Column("overrides", sa.JSON(), nullable=False),
        sa.Column("space", sa.String(length=32), nullable=False),
        sa.CheckConstraint("balance_fen >= 0", name="balance"),
        sa.CheckConstraint("suspense_fen >= 0", name="suspense"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_national_person")),
        sa.UniqueConstraint("space", "person", name=op.f("uq_national_person_space_person")),
    )
    op.create_index(op.f("ix_national_person_space"), "national_person", ["space"], unique=False)
    op.create_table(
        "national_prescription_start",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("space", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_national_prescription_start")),
        sa.UniqueConstraint("space", name=op.f("uq_national_prescription_start_space")),
    )
    op.create_index(
        op.f("ix_national_prescription_start_space"), "national_prescription_start", ["space"], unique=False
    )
    op.create_table(
        "national_prescription_use",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("rxno", sa.String(length=40), nullable=False),
        sa.Column("setl_id", sa.String(length=30), nullable=False),
        sa.Column("space", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_national_prescription_use")),
        sa.UniqueConstraint("space", "rxno", name=op.f("uq_national_prescription_use_space_rxno")),
    )
    op.create_index(
        op.f("ix_national_prescription_use_setl_id"), "national_prescription_use", ["setl_id"], unique=False
    )
    op.create_index(op.f("ix_national_prescription_use_space"), "national_prescription_use", ["space"], unique=False)
    op.create_table(
        "national_settlement",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("setl_id", sa.String(length=30), nullable=False),
        sa.Column("mdtrt_id", sa.String(length=30), nullable=False),
        sa.Column("medins_setl_id", sa.String(length=30), nullable=False),
        sa.Column("person", sa.String(length=10), nullable=False),
        sa.Column("institution", sa.String(length=30), nullable=False),
        sa.Column("insutype", sa.String(length=6), nullable=False),
        sa.Column("policy", sa.String(length=20), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("total_fen", sa.BigInteger(), nullable=False),
        sa.Column("deductible_fen", sa.Integer(), nullable=False),
        sa.Column("pooled_fen", sa.Integer(), nullable=False),
        sa.Column("own_fen", sa.Integer(), nullable=False),
        sa.Column("mutual_fen", sa.Integer(), nullable=False),
        sa.Column("wallet_fen", sa.Integer(), nullable=False),
        sa.Column("cash_fen", sa.BigInteger(), nullable=False),
        sa.Column("mutual_aid_from", sa.String(length=10), nullable=True),
        sa.Column("setlinfo", sa.JSON(), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.Column("refund_of", sa.String(length=30), nullable=True),
        sa.Column("refunded", sa.Boolean(), nullable=False),
        sa.Column("space", sa.String(length=32), nullable=False),
        sa.CheckConstraint("total_fen = pooled_fen + own_fen + mutual_fen + wallet_fen + cash_fen", name="adds_up"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_national_settlement")),
        sa.UniqueConstraint("space", "refund_of", name=op.f("uq_national_settlement_space_refund_of")),
        sa.UniqueConstraint("space", "setl_id", name=op.f("uq_national_settlement_space_setl_id")),
    )
    op.create_index(op.f("ix_national_settlement_space"), "national_settlement", ["space"], unique=False)
    op.create_index(
        op.f("ix_national_settlement_space_medins_setl_id"),
        "national_settlement",
        ["space", "medins_setl_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_national_settlement_space_person"), "national_settlement", ["space", "person"], unique=False
    )
    op.create_table(
        "national_sign_in",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("sign_no", sa.String(length=30), nullable=False),
        sa.Column("opter_no", sa.String(length=20), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("space", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_national_sign_in")),
        sa.UniqueConstraint("space", "sign_no", name=op.f("uq_national_sign_in_space_sign_no")),
    )
    op.create_index(op.f("ix_national_sign_in_space"), "national_sign_in", ["space"], unique=False)
    op.create_table(
        "national_trace_code",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=30), nullable=False),
        sa.Column("setl_id", sa.String(length=30), nullable=False),
        sa.Column("space", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_national_trace_code")),
        sa.UniqueConstraint("space", "code", name=op.f("uq_national_trace_code_space_code")),
    )
    op.create_index(op.f("ix_national_trace_code_setl_id"), "national_trace_code", ["setl_id"], unique=False)
    op.create_index(op.f("ix_national_trace_code_space"), "national_trace_code", ["space"], unique=False)
    op.create_table(
        "national_year_counter",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person", sa.String(length=10), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("deductible_paid_fen", sa.Integer(), nullable=False),
        sa.Column("pooled_used_fen", sa.Integer(), nullable=False),
        sa.Column("mutual_used_fen", sa.Integer(), nullable=False),
        sa.Column("space", sa.String(length=32), nullable=False),
        sa.CheckConstraint(
            "deductible_paid_fen >= 0 AND pooled_used_fen >= 0 AND mutual_used_fen >= 0", name="counters"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_national_year_counter")),
        sa.UniqueConstraint("space", "person", "year", name=op.f("uq_national_year_counter_space_person_year")),
    )
    op.create_index(op.f("ix_national_year_counter_space"), "national_year_counter", ["space"], unique=False)
    op.create_table(
        "outcome",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("target", sa.String(length=60), nullable=False),
        sa.Column("outcome", sa.String(length=60), nullable=False),
        sa.Column("person", sa.String(length=10), nullable=False),
        sa.Column("ref", sa.String(length=64), nullable=False),
        sa.Column("left", sa.Integer(), nullable=False),
        sa.Column("space", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outcome")),
    )
    op.create_index(op.f("ix_outcome_space"), "outcome", ["space"], unique=False)
    op.create_table(
        "serial",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("space", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_serial")),
        sa.UniqueConstraint("space", "kind", name=op.f("uq_serial_space_kind")),
    )
    op.create_index(op.f("ix_serial_space"), "serial", ["space"], unique=False)
    op.create_table(
        "space",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("seed", sa.Integer(), nullable=False),
        sa.Column("offset_ms", sa.Integer(), nullable=False),
        sa.Column("frozen_at", sa.BigInteger(), nullable=True),
        sa.Column("walking", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_space")),
    )
    op.create_table(
        "switch_set",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("value", sa.String(length=120), nullable=False),
        sa.Column("space", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_switch_set")),
        sa.UniqueConstraint("space", "name", name=op.f("uq_switch_set_space_name")),
    )
    op.create_index(op.f("ix_switch_set_space"), "switch_set", ["space"], unique=False)
    op.create_table(
        "timer",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("about", sa.JSON(), nullable=False),
        sa.Column("done_ns", sa.Integer(), nullable=True),
        sa.Column("error", sa.String(length=200), nullable=False),
        sa.Column("space", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_timer")),
    )
    op.create_index(op.f("ix_timer_space"), "timer", ["space"], unique=False)
    op.create_index(op.f("ix_timer_space_done_ns_due_at"), "timer", ["space", "done_ns", "due_at"], unique=False)
    op.create_table(
        "wechat_code",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("appid", sa.String(length=32), nullable=False),
        sa.Column("person", sa.String(length=10), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("used", sa.Boolean(), nullable=False),
        sa.Column("space", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wechat_code")),
        sa.UniqueConstraint("space", "kind", "code", name=op.f("uq_wechat_code_space_kind_code")),
    )
    op.create_index(op.f("ix_wechat_code_space"), "wechat_code", ["space"], unique=False)
    op.create_table(
        "wechat_face_check",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("verify_id", sa.String(length=256), nullable=False),
        sa.Column("out_seq_no", sa.String(length=32), nullable=False),
        sa.Column("openid", sa.String(length=28), nullable=False),
        sa.Column("cert_type", sa.String(length=32), nullable=False),
        sa.Column("cert_name", sa.String(length=128), nullable=False),
        sa.Column("cert_no", sa.String(length=18), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("verify_ret", sa.Integer(), nullable=True),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("space", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wechat_face_check")),
        sa.UniqueConstraint("space", "out_seq_no", name=op.f("uq_wechat_face_check_space_out_seq_no")),
        sa.UniqueConstraint("space", "verify_id", name=op.f("uq_wechat_face_check_space_verify_id")),
    )
    op.create_index(op.f("ix_wechat_face_check_space"), "wechat_face_check", ["space"], unique=False)
    op.create_table(
        "wechat_token",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("token", sa.String(length=160), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=True),
        sa.Column("space", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wechat_token")),
        sa.UniqueConstraint("token", name=op.f("uq_wechat_token_token")),
    )
    op.create_index(op.f("ix_wechat_token_space"), "wechat_token", ["space"], unique=False)
    op.create_table(
        "wechat_use",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("began_at", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("space", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wechat_use")),
        sa.UniqueConstraint("space", "name", name=op.f("uq_wechat_use_space_name")),
    )
    op.create_index(op.f("ix_wechat_use_space"), "wechat_use", ["space"], unique=False)
    op.create_table(
        "wechat_user",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("appid", sa.String(length=32), nullable=False),
        sa.Column("openid", sa.String(length=28), nullable=False),
        sa.Column("person", sa.String(length=10), nullable=False),
        sa.Column("session_key", sa.String(length=24), nullable=True),
        sa.Column("session_until", sa.BigInteger(), nullable=True),
        sa.Column("space", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wechat_user")),
        sa.UniqueConstraint("space", "appid", "openid", name=op.f("uq_wechat_user_space_appid_openid")),
    )
    op.create_index(op.f("ix_wechat_user_space"), "wechat_user", ["space"], unique=False)
    op.create_table(
        "wechatpay_order",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("out_trade_no", sa.String(length=32), nullable=False),
        sa.Column("transaction_id", sa.String(length=32), nullable=True),
        sa.Column("prepay_id", sa.String(length=64), nullable=False),
        sa.Column("prepaid_at", sa.BigInteger(), nullable=False),
        sa.Column("appid", sa.String(length=32), nullable=False),
        sa.Column("mchid", sa.String(length=32), nullable=False),
        sa.Column("openid", sa.String(length=128), nullable=False),
        sa.Column("person", sa.String(length=10), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("notify_url", sa.String(length=255), nullable=False),
        sa.Column("asked", sa.JSON(), nullable=False),
        sa.Column("signer", sa.String(length=8), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("closes_at", sa.BigInteger(), nullable=False),
        sa.Column("paid_at", sa.BigInteger(), nullable=True),
        sa.Column("space", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wechatpay_order")),
        sa.UniqueConstraint("space", "out_trade_no", name=op.f("uq_wechatpay_order_space_out_trade_no")),
        sa.UniqueConstraint("space", "prepay_id", name=op.f("uq_wechatpay_order_space_prepay_id")),
        sa.UniqueConstraint("space", "transaction_id", name=op.f("uq_wechatpay_order_space_transaction_id")),
    )
    op.create_index(op.f("ix_wechatpay_order_space"), "wechatpay_order", ["space"], unique=False)
    op.create_table(
        "delivery",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("event_id", sa.Integer(), nullable=False),
        sa.Column("url", sa.String(length=512), nullable=False),
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=True),
        sa.Column("leased_at_ns", sa.Integer(), nullable=True),
        sa.Column("how", sa.JSON(), nullable=True),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("space", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["event_id"], ["event.id"], name=op.f("fk_delivery_event_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_delivery_event_id"), "delivery", ["event_id"], unique=False)
    op.create_index(op.f("ix_delivery_space"), "delivery", ["space"], unique=False)
    op.create_index(op.f("ix_delivery_state_space_next_at"), "delivery", ["state", "space", "next_at"], unique=False)
    op.create_table(
        "national_pay_refund",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("order_id", sa.Integer(), nullable=False),
        sa.Column("app_refd_sn", sa.String(length=64), nullable=False),
        sa.Column("asked", sa.JSON(), nullable=False),
        sa.Column("answer", sa.JSON(), nullable=False),
        sa.Column("space", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(
            ["order_id"], ["national_pay_order.id"], name=op.f("fk_national_pay_refund_order_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_national_pay_refund")),
        sa.UniqueConstraint("space", "app_refd_sn", name=op.f("uq_national_pay_refund_space_app_refd_sn")),
    )
    op.create_index(op.f("ix_national_pay_refund_order_id"), "national_pay_refund", ["order_id"], unique=False)
    op.create_index(op.f("ix_national_pay_refund_space"), "national_pay_refund", ["space"], unique=False)
    op.create_table(
        "wechatpay_mixed_order",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("mix_trade_no", sa.String(length=32), nullable=False),
        sa.Column("out_trade_no", sa.String(length=64), nullable=False),
        sa.Column("order_id", sa.Integer(), nullable=True),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("mix_state", sa.String(length=24), nullable=False),
        sa.Column("cash_state", sa.String(length=24), nullable=False),
        sa.Column("insurance_state", sa.String(length=24), nullable=False),
        sa.Column("person", sa.String(length=10), nullable=False),
        sa.Column("asked", sa.JSON(), nullable=False),
        sa.Column("signer", sa.String(length=8), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("paid_at", sa.BigInteger(), nullable=True),
        sa.Column("passthrough", sa.String(length=2048), nullable=False),
        sa.Column("fail_reason", sa.String(length=200), nullable=False),
        sa.Column("refund_report", sa.JSON(), nullable=True),
        sa.Column("space", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(
            ["order_id"], ["wechatpay_order.id"], name=op.f("fk_wechatpay_mixed_order_order_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wechatpay_mixed_order")),
        sa.UniqueConstraint("space", "mix_trade_no", name=op.f("uq_wechatpay_mixed_order_space_mix_trade_no")),
        sa.UniqueConstraint("space", "out_trade_no", name=op.f("uq_wechatpay_mixed_order_space_out_trade_no")),
    )
    op.create_index(op.f("ix_wechatpay_mixed_order_order_id"), "wechatpay_mixed_order", ["order_id"], unique=False)
    op.create_index(op.f("ix_wechatpay_mixed_order_space"), "wechatpay_mixed_order", ["space"], unique=False)
    op.create_table(
        "wechatpay_refund",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("order_id", sa.Integer(), nullable=False),
        sa.Column("out_refund_no", sa.String(length=64), nullable=False),
        sa.Column("refund_id", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("ends", sa.String(length=12), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("asked", sa.JSON(), nullable=False),
        sa.Column("signer", sa.String(length=8), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("succeeded_at", sa.BigInteger(), nullable=True),
        sa.Column("space", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(
            ["order_id"], ["wechatpay_order.id"], name=op.f("fk_wechatpay_refund_order_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wechatpay_refund")),
        sa.UniqueConstraint("space", "out_refund_no", name=op.f("uq_wechatpay_refund_space_out_refund_no")),
    )
    op.create_index(op.f("ix_wechatpay_refund_order_id"), "wechatpay_refund", ["order_id"], unique=False)
    op.create_index(op.f("ix_wechatpay_refund_space"), "wechatpay_refund", ["space"], unique=False)
    op.create_table(
        "attempt",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("delivery_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("wall_ns", sa.Integer(), nullable=False),
        sa.Column("ms", sa.Double(), nullable=False),
        sa.Column("url", sa.String(length=512), nullable=False),
        sa.Column("request_headers", sa.JSON(), nullable=False),
        sa.Column("request_body", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("response_headers", sa.JSON(), nullable=False),
        sa.Column("response_body", sa.LargeBinary(), nullable=False),
        sa.Column("accepted", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("space", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(
            ["delivery_id"], ["delivery.id"], name=op.f("fk_attempt_delivery_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempt")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_attempt_delivery_id"), "attempt", ["delivery_id"], unique=False)
    op.create_index(op.f("ix_attempt_space"), "attempt", ["space"], unique=False)


def downgrade() -> None:
    """There is nothing before it: remove the data directory instead."""
    raise RuntimeError("the first migration cannot be undone; remove the data directory")

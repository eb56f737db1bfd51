"""The first tables of the back end."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create everything."""
    op.create_table(
        "answered",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("path", sa.String(length=200), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("body_sha256", sa.String(length=64), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("content_type", sa.String(length=60), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("space", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_answered")),
        sa.UniqueConstraint("space", "user_id", "path", "key", name=op.f("uq_answered_space_user_id_path_key")),
    )
    op.create_index(op.f("ix_answered_space"), "answered", ["space"], unique=False)
    op.create_table(
        "audit_entry",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("machine", sa.String(length=30), nullable=False),
        sa.Column("ref", sa.String(length=64), nullable=False),
        sa.Column("before", sa.String(length=30), nullable=False),
        sa.Column("after", sa.String(length=30), nullable=False),
        sa.Column("event", sa.String(length=60), nullable=False),
        sa.Column("actor", sa.String(length=60), nullable=False),
        sa.Column("channel", sa.String(length=20), nullable=False),
        sa.Column("policy_version", sa.String(length=20), nullable=False),
        sa.Column("request_id", sa.String(length=40), nullable=False),
        sa.Column("about", sa.JSON(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("wall_ns", sa.Integer(), nullable=False),
        sa.Column("space", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entry")),
    )
    op.create_index(op.f("ix_audit_entry_ref"), "audit_entry", ["ref"], unique=False)
    op.create_index(op.f("ix_audit_entry_space"), "audit_entry", ["space"], unique=False)
    op.create_index(op.f("ix_audit_entry_space_wall_ns"), "audit_entry", ["space", "wall_ns"], unique=False)
    op.create_table(
        "binding",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column("note", sa.String(length=200), nullable=False),
        sa.Column("channel", sa.String(length=20), nullable=False),
        sa.Column("hospital", sa.String(length=12), nullable=False),
        sa.Column("notice_version", sa.String(length=20), nullable=False),
        sa.Column("notice_read_at", sa.BigInteger(), nullable=True),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("id_type", sa.String(length=20), nullable=False),
        sa.Column("id_number", sa.String(length=32), nullable=False),
        sa.Column("relation", sa.String(length=20), nullable=False),
        sa.Column("phone", sa.String(length=20), nullable=False),
        sa.Column("nationality", sa.String(length=3), nullable=False),
        sa.Column("gender", sa.String(length=6), nullable=False),
        sa.Column("born_on", sa.Date(), nullable=True),
        sa.Column("mother_name", sa.String(length=60), nullable=False),
        sa.Column("mother_id_number", sa.String(length=32), nullable=False),
        sa.Column("psn_no", sa.String(length=30), nullable=False),
        sa.Column("policy_version", sa.String(length=20), nullable=False),
        sa.Column("replaces", sa.String(length=32), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("waiting_since", sa.BigInteger(), nullable=True),
        sa.Column("next_retry_at", sa.BigInteger(), nullable=True),
        sa.Column("active_at", sa.BigInteger(), nullable=True),
        sa.Column("usable_from", sa.BigInteger(), nullable=True),
        sa.Column("unbinds_at", sa.BigInteger(), nullable=True),
        sa.Column("reauth_until", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("space", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_binding")),
        sa.UniqueConstraint("space", "key", name=op.f("uq_binding_space_key")),
    )
    op.create_index(op.f("ix_binding_space"), "binding", ["space"], unique=False)
    op.create_index(
        op.f("ix_binding_space_id_type_id_number"), "binding", ["space", "id_type", "id_number"], unique=False
    )
    op.create_index(op.f("ix_binding_space_user_id"), "binding", ["space", "user_id"], unique=False)
    op.create_table(
        "count",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("space", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_count")),
        sa.UniqueConstraint("space", "kind", name=op.f("uq_count_space_kind")),
    )
    op.create_index(op.f("ix_count_space"), "count", ["space"], unique=False)
    op.create_table(
        "credential",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("psn_no", sa.String(length=30), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("activated_at", sa.BigInteger(), nullable=True),
        sa.Column("space", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credential")),
        sa.UniqueConstraint("space", "user_id", "psn_no", name=op.f("uq_credential_space_user_id_psn_no")),
    )
    op.create_index(op.f("ix_credential_space"), "credential", ["space"], unique=False)
    op.create_table(
        "face_ticket",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=32), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("openid", sa.String(length=128), nullable=False),
        sa.Column("purpose", sa.String(length=20), nullable=False),
        sa.Column("target", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("id_type", sa.String(length=20), nullable=False),
        sa.Column("id_number", sa.String(length=50), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("code", sa.String(length=24), nullable=False),
        sa.Column("verify_id", sa.String(length=256), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.Column("space", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_face_ticket")),
        sa.UniqueConstraint("space", "number", name=op.f("uq_face_ticket_space_number")),
    )
    op.create_index(op.f("ix_face_ticket_space"), "face_ticket", ["space"], unique=False)
    op.create_index(
        op.f("ix_face_ticket_space_user_id_id_number"), "face_ticket", ["space", "user_id", "id_number"], unique=False
    )
    op.create_table(
        "letter",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=26), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("target", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("stale", sa.Boolean(), nullable=False),
        sa.Column("template_id", sa.String(length=40), nullable=False),
        sa.Column("template_version", sa.String(length=20), nullable=False),
        sa.Column("lang", sa.String(length=8), nullable=False),
        sa.Column("rendered_html", sa.Text(), nullable=False),
        sa.Column("content_sha256", sa.String(length=64), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("signer_name", sa.String(length=60), nullable=False),
        sa.Column("signer_id_hash", sa.String(length=64), nullable=False),
        sa.Column("signed_by_guardian_of", sa.String(length=60), nullable=False),
        sa.Column("supersedes", sa.String(length=26), nullable=False),
        sa.Column("policy_version", sa.String(length=20), nullable=False),
        sa.Column("channel", sa.String(length=20), nullable=False),
        sa.Column("device", sa.String(length=120), nullable=False),
        sa.Column("signature_png", sa.LargeBinary(), nullable=True),
        sa.Column("strokes", sa.JSON(), nullable=True),
        sa.Column("signature_sha256", sa.String(length=64), nullable=False),
        sa.Column("rendered_at", sa.BigInteger(), nullable=False),
        sa.Column("viewed_at", sa.BigInteger(), nullable=True),
        sa.Column("signed_at", sa.BigInteger(), nullable=True),
        sa.Column("space", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_letter")),
        sa.UniqueConstraint("space", "key", name=op.f("uq_letter_space_key")),
    )
    op.create_index(op.f("ix_letter_space"), "letter", ["space"], unique=False)
    op.create_index(op.f("ix_letter_space_target"), "letter", ["space", "target"], unique=False)
    op.create_table(
        "letter_seal",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("letter", sa.String(length=26), nullable=False),
        sa.Column("content_sha256", sa.String(length=64), nullable=False),
        sa.Column("signature_sha256", sa.String(length=64), nullable=False),
        sa.Column("signed_at", sa.String(length=40), nullable=False),
        sa.Column("signer_id_hash", sa.String(length=64), nullable=False),
        sa.Column("template_version", sa.String(length=20), nullable=False),
        sa.Column("seal_sha256", sa.String(length=64), nullable=False),
        sa.Column("space", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_letter_seal")),
        sa.UniqueConstraint("space", "letter", name=op.f("uq_letter_seal_space_letter")),
    )
    op.create_index(op.f("ix_letter_seal_space"), "letter_seal", ["space"], unique=False)
    op.create_table(
        "material",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.Column("binding", sa.String(length=32), nullable=False),
        sa.Column("type", sa.String(length=30), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("given_sha256", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=3), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("dropped", sa.Boolean(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("space", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_material")),
    )
    op.create_index(op.f("ix_material_space"), "material", ["space"], unique=False)
    op.create_index(op.f("ix_material_space_binding"), "material", ["space", "binding"], unique=False)
    op.create_table(
        "national_copy",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("key", sa.String(length=60), nullable=False),
        sa.Column("value", sa.JSON(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("space", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_national_copy")),
        sa.UniqueConstraint("space", "kind", "key", name=op.f("uq_national_copy_space_kind_key")),
    )
    op.create_index(op.f("ix_national_copy_space"), "national_copy", ["space"], unique=False)
    op.create_table(
        "received",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("provider", sa.String(length=20), nullable=False),
        sa.Column("event_id", sa.String(length=96), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("space", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_received")),
        sa.UniqueConstraint("space", "provider", "event_id", name=op.f("uq_received_space_provider_event_id")),
    )
    op.create_index(op.f("ix_received_space"), "received", ["space"], unique=False)
    op.create_table(
        "refund",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=30), nullable=False),
        sa.Column("settlement_number", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.String(length=20), nullable=False),
        sa.Column("pooled_fen", sa.Integer(), nullable=False),
        sa.Column("account_fen", sa.Integer(), nullable=False),
        sa.Column("cash_fen", sa.Integer(), nullable=False),
        sa.Column("requested_at", sa.BigInteger(), nullable=False),
        sa.Column("fund_back_at", sa.BigInteger(), nullable=True),
        sa.Column("fund_refund_sn", sa.String(length=64), nullable=False),
        sa.Column("cash_asked_at", sa.BigInteger(), nullable=True),
        sa.Column("cash_refund_id", sa.String(length=32), nullable=False),
        sa.Column("cash_back_at", sa.BigInteger(), nullable=True),
        sa.Column("reported_at", sa.BigInteger(), nullable=True),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.Column("denied_at", sa.BigInteger(), nullable=True),
        sa.Column("failure", sa.String(length=40), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("space", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refund")),
        sa.UniqueConstraint("space", "number", name=op.f("uq_refund_space_number")),
    )
    op.create_index(op.f("ix_refund_space"), "refund", ["space"], unique=False)
    op.create_index(op.f("ix_refund_space_settlement_number"), "refund", ["space", "settlement_number"], unique=False)
    op.create_table(
        "session",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=32), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("rotation", sa.Integer(), nullable=False),
        sa.Column("rotated_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("end_reason", sa.String(length=20), nullable=False),
        sa.Column("space", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_session")),
        sa.UniqueConstraint("space", "number", name=op.f("uq_session_space_number")),
    )
    op.create_index(op.f("ix_session_space"), "session", ["space"], unique=False)
    op.create_index(op.f("ix_session_user_id"), "session", ["user_id"], unique=False)
    op.create_table(
        "settlement",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("openid", sa.String(length=128), nullable=False),
        sa.Column("payer_name", sa.String(length=100), nullable=False),
        sa.Column("payer_id_type", sa.String(length=20), nullable=False),
        sa.Column("payer_id_number", sa.String(length=50), nullable=False),
        sa.Column("binding_id", sa.String(length=64), nullable=True),
        sa.Column("patient_name", sa.String(length=100), nullable=False),
        sa.Column("patient_id_type", sa.String(length=20), nullable=False),
        sa.Column("patient_id_number", sa.String(length=50), nullable=False),
        sa.Column("psn_no", sa.String(length=30), nullable=False),
        sa.Column("insutype", sa.String(length=6), nullable=False),
        sa.Column("insured_in", sa.String(length=6), nullable=False),
        sa.Column("institution_code", sa.String(length=12), nullable=False),
        sa.Column("institution_name", sa.String(length=200), nullable=False),
        sa.Column("prescription_no", sa.String(length=40), nullable=True),
        sa.Column("lines", sa.JSON(), nullable=False),
        sa.Column("total_fen", sa.Integer(), nullable=False),
        sa.Column("pooled_fen", sa.Integer(), nullable=False),
        sa.Column("own_fen", sa.Integer(), nullable=False),
        sa.Column("mutual_fen", sa.Integer(), nullable=False),
        sa.Column("wallet_fen", sa.Integer(), nullable=False),
        sa.Column("cash_fen", sa.Integer(), nullable=False),
        sa.Column("in_scope_fen", sa.Integer(), nullable=False),
        sa.Column("first_pay_fen", sa.Integer(), nullable=False),
        sa.Column("deductible_fen", sa.Integer(), nullable=False),
        sa.Column("policy_version", sa.String(length=20), nullable=False),
        sa.Column("prices_version", sa.String(length=40), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("quote_expires_at", sa.BigInteger(), nullable=False),
        sa.Column("visit_no", sa.String(length=30), nullable=False),
        sa.Column("med_org_ord", sa.String(length=20), nullable=True),
        sa.Column("out_trade_no", sa.String(length=32), nullable=True),
        sa.Column("pay_auth_no", sa.String(length=40), nullable=True),
        sa.Column("pay_by", sa.BigInteger(), nullable=True),
        sa.Column("pay_ord_id", sa.String(length=64), nullable=True),
        sa.Column("pay_token", sa.String(length=200), nullable=True),
        sa.Column("compared_at", sa.BigInteger(), nullable=True),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.Column("prepay_id", sa.String(length=64), nullable=True),
        sa.Column("cash_closed_at", sa.BigInteger(), nullable=True),
        sa.Column("mix_trade_no", sa.String(length=40), nullable=True),
        sa.Column("fund_paid_at", sa.BigInteger(), nullable=True),
        sa.Column("cash_paid_at", sa.BigInteger(), nullable=True),
        sa.Column("mixed_at", sa.BigInteger(), nullable=True),
        sa.Column("transaction_id", sa.String(length=32), nullable=True),
        sa.Column("settled_at", sa.BigInteger(), nullable=True),
        sa.Column("closing", sa.String(length=20), nullable=False),
        sa.Column("failure", sa.String(length=40), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("space", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_settlement")),
        sa.UniqueConstraint("space", "med_org_ord", name=op.f("uq_settlement_space_med_org_ord")),
        sa.UniqueConstraint("space", "number", name=op.f("uq_settlement_space_number")),
        sa.UniqueConstraint("space", "out_trade_no", name=op.f("uq_settlement_space_out_trade_no")),
    )
    op.create_index(op.f("ix_settlement_space"), "settlement", ["space"], unique=False)
    op.create_index(
        op.f("ix_settlement_space_patient_id_number"), "settlement", ["space", "patient_id_number"], unique=False
    )
    op.create_index(
        op.f("ix_settlement_space_user_id_created_at"), "settlement", ["space", "user_id", "created_at"], unique=False
    )
    op.create_table(
        "shown_code",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=28), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("binding_id", sa.String(length=32), nullable=True),
        sa.Column("psn_no", sa.String(length=30), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("id_type", sa.String(length=20), nullable=False),
        sa.Column("id_number", sa.String(length=50), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("space", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shown_code")),
        sa.UniqueConstraint("space", "code", name=op.f("uq_shown_code_space_code")),
    )
    op.create_index(op.f("ix_shown_code_space"), "shown_code", ["space"], unique=False)
    op.create_index(op.f("ix_shown_code_user_id"), "shown_code", ["user_id"], unique=False)
    op.create_table(
        "task",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("ref", sa.String(length=64), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("about", sa.JSON(), nullable=False),
        sa.Column("space", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task")),
    )
    op.create_index(op.f("ix_task_space"), "task", ["space"], unique=False)
    op.create_index(op.f("ix_task_space_due_at"), "task", ["space", "due_at"], unique=False)
    op.create_index(op.f("ix_task_space_kind_ref"), "task", ["space", "kind", "ref"], unique=False)
    op.create_table(
        "user",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("openid", sa.String(length=128), nullable=False),
        sa.Column("unionid", sa.String(length=128), nullable=True),
        sa.Column("phone", sa.String(length=20), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=True),
        sa.Column("id_type", sa.String(length=20), nullable=True),
        sa.Column("id_number", sa.String(length=50), nullable=True),
        sa.Column("psn_no", sa.String(length=30), nullable=True),
        sa.Column("gender", sa.String(length=6), nullable=True),
        sa.Column("born_on", sa.Date(), nullable=True),
        sa.Column("insutype", sa.String(length=6), nullable=True),
        sa.Column("insured_in", sa.String(length=6), nullable=True),
        sa.Column("bound_at", sa.BigInteger(), nullable=True),
        sa.Column("space", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user")),
        sa.UniqueConstraint("space", "id_type", "id_number", name=op.f("uq_user_space_id_type_id_number")),
        sa.UniqueConstraint("space", "openid", name=op.f("uq_user_space_openid")),
    )
    op.create_index(op.f("ix_user_space"), "user", ["space"], unique=False)


def downgrade() -> None:
    """There is nothing before it: remove the data directory instead."""
    raise RuntimeError("the first migration cannot be undone; remove the data directory")

"""Tables for WeChat and WeChat Pay letter for letter."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add them."""
    op.create_table(
        "fault",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("on", sa.String(length=10), nullable=False),
        sa.Column("vendor", sa.String(length=20), nullable=False),
        sa.Column("type", sa.String(length=60), nullable=False),
        sa.Column("path", sa.String(length=200), nullable=False),
        sa.Column("ref", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=10), nullable=False),
        sa.Column("percent", sa.Integer(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("left", sa.Integer(), nullable=True),
        sa.Column("until", sa.BigInteger(), nullable=True),
        sa.Column("nth", sa.Integer(), nullable=False),
        sa.Column("seen", sa.Integer(), nullable=False),
        sa.Column("struck", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("space", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fault")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("fault", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_fault_space"), ["space"], unique=False)
        batch_op.create_index(batch_op.f("ix_fault_space_on"), ["space", "on"], unique=False)

    op.create_table(
        "national_clearing_application",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("event_id", sa.String(length=30), nullable=False),
        sa.Column("institution", sa.String(length=30), nullable=False),
        sa.Column("month", sa.String(length=6), nullable=False),
        sa.Column("clr_type", sa.String(length=6), nullable=False),
        sa.Column("medfee_fen", sa.BigInteger(), nullable=False),
        sa.Column("given", sa.JSON(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("withdrawn", sa.Boolean(), nullable=False),
        sa.Column("space", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_national_clearing_application")),
        sa.UniqueConstraint("space", "event_id", name=op.f("uq_national_clearing_application_space_event_id")),
    )
    with op.batch_alter_table("national_clearing_application", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_national_clearing_application_space"), ["space"], unique=False)

    op.create_table(
        "national_credential",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person", sa.String(length=10), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("activated_at", sa.BigInteger(), nullable=False),
        sa.Column("space", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_national_credential")),
        sa.UniqueConstraint("space", "person", name=op.f("uq_national_credential_space_person")),
    )
    with op.batch_alter_table("national_credential", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_national_credential_space"), ["space"], unique=False)

    op.create_table(
        "national_ec_token",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("token", sa.String(length=40), nullable=False),
        sa.Column("person", sa.String(length=10), nullable=False),
        sa.Column("institution", sa.String(length=30), nullable=False),
        sa.Column("business", sa.String(length=5), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("space", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_national_ec_token")),
        sa.UniqueConstraint("space", "token", name=op.f("uq_national_ec_token_space_token")),
    )
    with op.batch_alter_table("national_ec_token", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_national_ec_token_space"), ["space"], unique=False)

    op.create_table(
        "national_encounter",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("mdtrt_id", sa.String(length=30), nullable=False),
        sa.Column("person", sa.String(length=10), nullable=False),
        sa.Column("institution", sa.String(length=30), nullable=False),
        sa.Column("insutype", sa.String(length=6), nullable=False),
        sa.Column("ipt_otp_no", sa.String(length=30), nullable=False),
        sa.Column("begun_at", sa.BigInteger(), nullable=False),
        sa.Column("registered", sa.JSON(), nullable=False),
        sa.Column("visit", sa.JSON(), nullable=True),
        sa.Column("diagnoses", sa.JSON(), nullable=False),
        sa.Column("cancelled", sa.Boolean(), nullable=False),
        sa.Column("space", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_national_encounter")),
        sa.UniqueConstraint("space", "mdtrt_id", name=op.f("uq_national_encounter_space_mdtrt_id")),
    )
    with op.batch_alter_table("national_encounter", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_national_encounter_space_person"), ["space", "person"], unique=False)

    op.create_table(
        "national_face_check",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("face_token", sa.String(length=64), nullable=False),
        sa.Column("out_biz_no", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=10), nullable=False),
        sa.Column("redirect_url", sa.String(length=500), nullable=False),
        sa.Column("notify_url", sa.String(length=500), nullable=False),
        sa.Column("stas", sa.String(length=1), nullable=False),
        sa.Column("fail_code", sa.String(length=20), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.Column("space", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_national_face_check")),
        sa.UniqueConstraint("space", "face_token", name=op.f("uq_national_face_check_space_face_token")),
        sa.UniqueConstraint("space", "out_biz_no", name=op.f("uq_national_face_check_space_out_biz_no")),
    )
    with op.batch_alter_table("national_face_check", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_national_face_check_space"), ["space"], unique=False)

    op.create_table(
        "national_family_member",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("holder", sa.String(length=10), nullable=False),
        sa.Column("member", sa.String(length=10), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("space", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_national_family_member")),
        sa.UniqueConstraint("space", "holder", "member", name=op.f("uq_national_family_member_space_holder_member")),
    )
    with op.batch_alter_table("national_family_member", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_national_family_member_space"), ["space"], unique=False)

    op.create_table(
        "national_fee_line",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("mdtrt_id", sa.String(length=30), nullable=False),
        sa.Column("feedetl_sn", sa.String(length=30), nullable=False),
        sa.Column("chrg_bchno", sa.String(length=30), nullable=False),
        sa.Column("given", sa.JSON(), nullable=False),
        sa.Column("setl_id", sa.String(length=30), nullable=False),
        sa.Column("space", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_national_fee_line")),
        sa.UniqueConstraint(
            "space", "mdtrt_id", "feedetl_sn", name=op.f("uq_national_fee_line_space_mdtrt_id_feedetl_sn")
        ),
    )
    op.create_table(
        "national_file",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=40), nullable=False),
        sa.Column("filename", sa.String(length=200), nullable=False),
        sa.Column("institution", sa.String(length=30), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("space", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_national_file")),
        sa.UniqueConstraint("space", "number", name=op.f("uq_national_file_space_number")),
    )
    with op.batch_alter_table("national_file", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_national_file_space"), ["space"], unique=False)

    op.create_table(
        "national_line_serial",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("institution", sa.String(length=30), nullable=False),
        sa.Column("feedetl_sn", sa.String(length=30), nullable=False),
        sa.Column("mdtrt_id", sa.String(length=30), nullable=False),
        sa.Column("space", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_national_line_serial")),
        sa.UniqueConstraint(
            "space", "institution", "feedetl_sn", name=op.f("uq_national_line_serial_space_institution_feedetl_sn")
        ),
    )
    with op.batch_alter_table("national_line_serial", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_national_line_serial_space_mdtrt_id"), ["space", "mdtrt_id"], unique=False
        )

    op.create_table(
        "national_login_grant",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("client_id", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=10), nullable=False),
        sa.Column("scope", sa.String(length=200), nullable=False),
        sa.Column("nonce", sa.String(length=255), nullable=False),
        sa.Column("authenticated_at", sa.BigInteger(), nullable=False),
        sa.Column("auth_time", sa.Integer(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("space", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_national_login_grant")),
    )
    with op.batch_alter_table("national_login_grant", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_national_login_grant_space"), ["space"], unique=False)

    op.create_table(
        "national_prescription_revocation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("rxno", sa.String(length=40), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("space", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_national_prescription_revocation")),
        sa.UniqueConstraint("space", "rxno", name=op.f("uq_national_prescription_revocation_space_rxno")),
    )
    with op.batch_alter_table("national_prescription_revocation", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_national_prescription_revocation_space"), ["space"], unique=False)

    op.create_table(
        "national_reversal",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("institution", sa.String(length=30), nullable=False),
        sa.Column("omsgid", sa.String(length=30), nullable=False),
        sa.Column("oinfno", sa.String(length=6), nullable=False),
        sa.Column("person", sa.String(length=10), nullable=False),
        sa.Column("setl_id", sa.String(length=30), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("space", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_national_reversal")),
        sa.UniqueConstraint(
            "space", "institution", "omsgid", name=op.f("uq_national_reversal_space_institution_omsgid")
        ),
    )
    op.create_table(
        "national_settle_notice",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("institution", sa.String(length=40), nullable=False),
        sa.Column("out_biz_no", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("biz_type", sa.String(length=10), nullable=False),
        sa.Column("total_fen", sa.Integer(), nullable=False),
        sa.Column("space", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_national_settle_notice")),
        sa.UniqueConstraint(
            "space", "institution", "out_biz_no", name=op.f("uq_national_settle_notice_space_institution_out_biz_no")
        ),
    )
    with op.batch_alter_table("national_settle_notice", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_national_settle_notice_space"), ["space"], unique=False)

    op.create_table(
        "national_shown_code",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=10), nullable=False),
        sa.Column("shown_by", sa.String(length=10), nullable=False),
        sa.Column("institution", sa.String(length=30), nullable=False),
        sa.Column("out_biz_no", sa.String(length=64), nullable=False),
        sa.Column("auth_no", sa.String(length=64), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("decoded_at", sa.BigInteger(), nullable=True),
        sa.Column("space", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_national_shown_code")),
        sa.UniqueConstraint("space", "code", name=op.f("uq_national_shown_code_space_code")),
    )
    with op.batch_alter_table("national_shown_code", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_national_shown_code_auth_no"), ["auth_no"], unique=False)
        batch_op.create_index(batch_op.f("ix_national_shown_code_space"), ["space"], unique=False)

    op.create_table(
        "national_stock_sale",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("institution", sa.String(length=30), nullable=False),
        sa.Column("rtal_docno", sa.String(length=40), nullable=False),
        sa.Column("batch", sa.String(length=30), nullable=False),
        sa.Column("med_list_codg", sa.String(length=50), nullable=False),
        sa.Column("setl_id", sa.String(length=30), nullable=False),
        sa.Column("codes", sa.JSON(), nullable=False),
        sa.Column("given", sa.JSON(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("returned_at", sa.BigInteger(), nullable=True),
        sa.Column("space", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_national_stock_sale")),
        sa.UniqueConstraint(
            "space",
            "institution",
            "rtal_docno",
            "batch",
            name=op.f("uq_national_stock_sale_space_institution_rtal_docno_batch"),
        ),
    )
    with op.batch_alter_table("national_stock_sale", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_national_stock_sale_space"), ["space"], unique=False)

    op.create_table(
        "national_uploaded_prescription",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("hi_rxno", sa.String(length=30), nullable=False),
        sa.Column("trace_code", sa.String(length=20), nullable=False),
        sa.Column("institution", sa.String(length=30), nullable=False),
        sa.Column("hosp_rxno", sa.String(length=40), nullable=False),
        sa.Column("person", sa.String(length=10), nullable=False),
        sa.Column("mdtrt_id", sa.String(length=30), nullable=False),
        sa.Column("step", sa.String(length=10), nullable=False),
        sa.Column("issued_at", sa.BigInteger(), nullable=False),
        sa.Column("valid_until", sa.BigInteger(), nullable=False),
        sa.Column("asked", sa.JSON(), nullable=False),
        sa.Column("signed", sa.JSON(), nullable=False),
        sa.Column("sign_digest", sa.String(length=120), nullable=False),
        sa.Column("file_digest", sa.String(length=64), nullable=False),
        sa.Column("checked_at", sa.BigInteger(), nullable=True),
        sa.Column("passed", sa.Boolean(), nullable=False),
        sa.Column("space", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_national_uploaded_prescription")),
        sa.UniqueConstraint("space", "hi_rxno", name=op.f("uq_national_uploaded_prescription_space_hi_rxno")),
        sa.UniqueConstraint(
            "space",
            "institution",
            "hosp_rxno",
            name=op.f("uq_national_uploaded_prescription_space_institution_hosp_rxno"),
        ),
    )
    with op.batch_alter_table("national_uploaded_prescription", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_national_uploaded_prescription_person"), ["person"], unique=False)
        batch_op.create_index(batch_op.f("ix_national_uploaded_prescription_space"), ["space"], unique=False)

    op.create_table(
        "plan",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("text", sa.String(length=2000), nullable=False),
        sa.Column("ref", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("vendor", sa.String(length=64), nullable=False),
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.Column("size", sa.Integer(), nullable=True),
        sa.Column("until", sa.BigInteger(), nullable=True),
        sa.Column("seen", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("space", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plan")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("plan", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_plan_space"), ["space"], unique=False)
        batch_op.create_index(batch_op.f("ix_plan_space_state"), ["space", "state"], unique=False)

    op.create_table(
        "plan_step",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("plan_id", sa.Integer(), nullable=False),
        sa.Column("event_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("did", sa.String(length=200), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("wall_ns", sa.Integer(), nullable=False),
        sa.Column("space", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plan_step")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("plan_step", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_plan_step_event_id"), ["event_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_plan_step_plan_id_position"), ["plan_id", "position"], unique=False)
        batch_op.create_index(batch_op.f("ix_plan_step_space"), ["space"], unique=False)
        batch_op.create_index(batch_op.f("ix_plan_step_space_wall_ns"), ["space", "wall_ns"], unique=False)

    op.create_table(
        "wechat_id_key",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id_key", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("number", sa.String(length=18), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("space", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wechat_id_key")),
        sa.UniqueConstraint("space", "user_id_key", name=op.f("uq_wechat_id_key_space_user_id_key")),
    )
    with op.batch_alter_table("wechat_id_key", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_wechat_id_key_space"), ["space"], unique=False)

    op.create_table(
        "wechat_link",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("ticket", sa.String(length=16), nullable=False),
        sa.Column("path", sa.String(length=1024), nullable=False),
        sa.Column("query", sa.String(length=1024), nullable=False),
        sa.Column("env_version", sa.String(length=8), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("space", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wechat_link")),
        sa.UniqueConstraint("space", "kind", "ticket", name=op.f("uq_wechat_link_space_kind_ticket")),
    )
    with op.batch_alter_table("wechat_link", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_wechat_link_space"), ["space"], unique=False)

    op.create_table(
        "wechat_main_switch",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("openid", sa.String(length=28), nullable=False),
        sa.Column("is_on", sa.Boolean(), nullable=False),
        sa.Column("space", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wechat_main_switch")),
        sa.UniqueConstraint("space", "openid", name=op.f("uq_wechat_main_switch_space_openid")),
    )
    with op.batch_alter_table("wechat_main_switch", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_wechat_main_switch_space"), ["space"], unique=False)

    op.create_table(
        "wechat_message",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("msg_id", sa.String(length=20), nullable=False),
        sa.Column("appid", sa.String(length=32), nullable=False),
        sa.Column("openid", sa.String(length=28), nullable=False),
        sa.Column("person", sa.String(length=10), nullable=False),
        sa.Column("template_id", sa.String(length=43), nullable=False),
        sa.Column("title", sa.String(length=60), nullable=False),
        sa.Column("lines", sa.JSON(), nullable=False),
        sa.Column("page", sa.String(length=1024), nullable=False),
        sa.Column("miniprogram_state", sa.String(length=10), nullable=False),
        sa.Column("lang", sa.String(length=5), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("space", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wechat_message")),
    )
    with op.batch_alter_table("wechat_message", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_wechat_message_space"), ["space"], unique=False)
        batch_op.create_index(batch_op.f("ix_wechat_message_space_person"), ["space", "person"], unique=False)

    op.create_table(
        "wechat_oauth_grant",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("appid", sa.String(length=32), nullable=False),
        sa.Column("openid", sa.String(length=28), nullable=False),
        sa.Column("person", sa.String(length=10), nullable=False),
        sa.Column("scope", sa.String(length=20), nullable=False),
        sa.Column("snapshot", sa.Boolean(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.Column("refresh_token", sa.String(length=160), nullable=True),
        sa.Column("refresh_until", sa.BigInteger(), nullable=True),
        sa.Column("space", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wechat_oauth_grant")),
        sa.UniqueConstraint("refresh_token", name=op.f("uq_wechat_oauth_grant_refresh_token")),
        sa.UniqueConstraint("space", "code", name=op.f("uq_wechat_oauth_grant_space_code")),
    )
    with op.batch_alter_table("wechat_oauth_grant", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_wechat_oauth_grant_space"), ["space"], unique=False)

    op.create_table(
        "wechat_push",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("app", sa.String(length=20), nullable=False),
        sa.Column("url", sa.String(length=250), nullable=False),
        sa.Column("mode", sa.String(length=12), nullable=False),
        sa.Column("format", sa.String(length=4), nullable=False),
        sa.Column("verified_at", sa.BigInteger(), nullable=False),
        sa.Column("space", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wechat_push")),
        sa.UniqueConstraint("space", "app", name=op.f("uq_wechat_push_space_app")),
    )
    with op.batch_alter_table("wechat_push", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_wechat_push_space"), ["space"], unique=False)

    op.create_table(
        "wechat_recognition",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("verify_result", sa.String(length=128), nullable=False),
        sa.Column("openid", sa.String(length=28), nullable=False),
        sa.Column("user_id_key", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("number", sa.String(length=18), nullable=False),
        sa.Column("alive_type", sa.Integer(), nullable=False),
        sa.Column("digits", sa.String(length=8), nullable=False),
        sa.Column("identify_ret", sa.Integer(), nullable=False),
        sa.Column("finished_at", sa.BigInteger(), nullable=False),
        sa.Column("space", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wechat_recognition")),
        sa.UniqueConstraint("space", "verify_result", name=op.f("uq_wechat_recognition_space_verify_result")),
    )
    with op.batch_alter_table("wechat_recognition", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_wechat_recognition_space"), ["space"], unique=False)

    op.create_table(
        "wechat_subscription",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("openid", sa.String(length=28), nullable=False),
        sa.Column("template_id", sa.String(length=43), nullable=False),
        sa.Column("units", sa.Integer(), nullable=False),
        sa.Column("standing", sa.Boolean(), nullable=False),
        sa.Column("refused", sa.Boolean(), nullable=False),
        sa.Column("space", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wechat_subscription")),
        sa.UniqueConstraint(
            "space", "openid", "template_id", name=op.f("uq_wechat_subscription_space_openid_template_id")
        ),
    )
    with op.batch_alter_table("wechat_subscription", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_wechat_subscription_space"), ["space"], unique=False)

    op.create_table(
        "wechat_unchecked_page",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("path", sa.String(length=1024), nullable=False),
        sa.Column("space", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wechat_unchecked_page")),
        sa.UniqueConstraint("space", "path", name=op.f("uq_wechat_unchecked_page_space_path")),
    )
    with op.batch_alter_table("wechat_unchecked_page", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_wechat_unchecked_page_space"), ["space"], unique=False)

    op.create_table(
        "national_login_code",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("grant_id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("redirect_uri", sa.String(length=500), nullable=False),
        sa.Column("challenge", sa.String(length=128), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.Column("space", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(
            ["grant_id"],
            ["national_login_grant.id"],
            name=op.f("fk_national_login_code_grant_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_national_login_code")),
        sa.UniqueConstraint("space", "code", name=op.f("uq_national_login_code_space_code")),
    )
    with op.batch_alter_table("national_login_code", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_national_login_code_grant_id"), ["grant_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_national_login_code_space"), ["space"], unique=False)

    op.create_table(
        "national_login_token",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("grant_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("token", sa.String(length=64), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("space", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(
            ["grant_id"],
            ["national_login_grant.id"],
            name=op.f("fk_national_login_token_grant_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_national_login_token")),
        sa.UniqueConstraint("token", name=op.f("uq_national_login_token_token")),
    )
    with op.batch_alter_table("national_login_token", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_national_login_token_grant_id"), ["grant_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_national_login_token_space"), ["space"], unique=False)

    op.create_table(
        "wechat_oauth_token",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("grant_id", sa.Integer(), nullable=False),
        sa.Column("token", sa.String(length=160), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("space", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["grant_id"], ["wechat_oauth_grant.id"], name=op.f("fk_wechat_oauth_token_grant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wechat_oauth_token")),
        sa.UniqueConstraint("token", name=op.f("uq_wechat_oauth_token_token")),
    )
    with op.batch_alter_table("wechat_oauth_token", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_wechat_oauth_token_grant_id"), ["grant_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_wechat_oauth_token_space"), ["space"], unique=False)

    with op.batch_alter_table("attempt", schema=None) as batch_op:
        batch_op.add_column(sa.Column("fault", sa.JSON(), nullable=True))

    with op.batch_alter_table("delivery", schema=None) as batch_op:
        batch_op.add_column(sa.Column("plan_id", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("plan_did", sa.String(length=120), server_default="", nullable=False))
        batch_op.add_column(sa.Column("behind_id", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("fault", sa.JSON(), nullable=True))
        batch_op.create_index(batch_op.f("ix_delivery_behind_id"), ["behind_id"], unique=False)

    with op.batch_alter_table("event", schema=None) as batch_op:
        batch_op.add_column(sa.Column("person", sa.String(length=10), server_default="", nullable=False))

    with op.batch_alter_table("national_gateway_message", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_national_gateway_message_space"))

    with op.batch_alter_table("national_gateway_nonce", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_national_gateway_nonce_space"))
        batch_op.drop_index(batch_op.f("ix_national_gateway_nonce_wall_seconds"))
        batch_op.create_index(
            batch_op.f("ix_national_gateway_nonce_space_wall_seconds"), ["space", "wall_seconds"], unique=False
        )

    with op.batch_alter_table("national_pay_authorisation", schema=None) as batch_op:
        batch_op.add_column(sa.Column("channel", sa.String(length=10), server_default="wechat", nullable=False))

    with op.batch_alter_table("national_pay_refund", schema=None) as batch_op:
        batch_op.add_column(sa.Column("pending_from", sa.Integer(), nullable=True))

    with op.batch_alter_table("national_person", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_national_person_space"))

    with op.batch_alter_table("national_prescription_use", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_national_prescription_use_setl_id"))
        batch_op.drop_index(batch_op.f("ix_national_prescription_use_space"))
        batch_op.create_index(
            batch_op.f("ix_national_prescription_use_space_setl_id"), ["space", "setl_id"], unique=False
        )

    with op.batch_alter_table("national_settlement", schema=None) as batch_op:
        batch_op.add_column(sa.Column("kind", sa.String(length=12), server_default="mobile", nullable=False))
        batch_op.add_column(sa.Column("infno", sa.String(length=6), server_default="6202", nullable=False))
        batch_op.add_column(sa.Column("clr_type", sa.String(length=6), server_default="41", nullable=False))
        batch_op.add_column(sa.Column("fund_sum_fen", sa.BigInteger(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("account_fen", sa.BigInteger(), server_default="0", nullable=False))
        batch_op.drop_index(batch_op.f("ix_national_settlement_space"))
        batch_op.drop_index(batch_op.f("ix_national_settlement_space_person"))
        batch_op.create_index(
            "ix_national_settlement_clearing",
            [
                "space",
                "institution",
                "at",
                "insutype",
                "clr_type",
                "kind",
                "total_fen",
                "cash_fen",
                "fund_sum_fen",
                "account_fen",
            ],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_national_settlement_space_mdtrt_id"), ["space", "mdtrt_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_national_settlement_space_mutual_aid_from_at"),
            ["space", "mutual_aid_from", "at"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_national_settlement_space_person_at"), ["space", "person", "at"], unique=False
        )

    with op.batch_alter_table("national_sign_in", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_national_sign_in_space"))

    with op.batch_alter_table("national_trace_code", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_national_trace_code_setl_id"))
        batch_op.drop_index(batch_op.f("ix_national_trace_code_space"))
        batch_op.create_index(batch_op.f("ix_national_trace_code_space_setl_id"), ["space", "setl_id"], unique=False)

    with op.batch_alter_table("national_year_counter", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_national_year_counter_space"))

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
        batch_op.add_column(sa.Column("payer_total", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("settled", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("fee", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("fee_rate", sa.String(length=16), nullable=True))
        batch_op.add_column(sa.Column("coupon", sa.JSON(), nullable=True))
        batch_op.drop_constraint(batch_op.f("uq_wechatpay_order_space_out_trade_no"), type_="unique")
        batch_op.create_unique_constraint(
            batch_op.f("uq_wechatpay_order_space_mchid_out_trade_no"), ["space", "mchid", "out_trade_no"]
        )

    with op.batch_alter_table("wechatpay_refund", schema=None) as batch_op:
        batch_op.add_column(sa.Column("mchid", sa.String(length=32), nullable=True))
        batch_op.add_column(sa.Column("sp_mchid", sa.String(length=32), nullable=True))
        batch_op.add_column(sa.Column("ended_at", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("payer_amount", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("settled", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("fee", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("remedy", sa.JSON(), nullable=True))
        batch_op.drop_constraint(batch_op.f("uq_wechatpay_refund_space_out_refund_no"), type_="unique")
        batch_op.create_unique_constraint(
            batch_op.f("uq_wechatpay_refund_space_mchid_out_refund_no"), ["space", "mchid", "out_refund_no"]
        )
    op.execute("UPDATE wechatpay_refund SET mchid = (SELECT o.mchid FROM wechatpay_order AS o WHERE o.id = order_id)")
    op.execute(
        "UPDATE wechatpay_mixed_order SET mchid = (SELECT a.public_id FROM account AS a "
        "WHERE a.vendor = 'wechatpay' AND a.space = wechatpay_mixed_order.space)"
    )
    op.execute(
        "UPDATE national_settlement SET "
        "fund_sum_fen = CAST(ROUND(CAST(setlinfo ->> 'fund_pay_sumamt' AS NUMERIC) * 100) AS INTEGER), "
        "account_fen = CAST(ROUND(CAST(setlinfo ->> 'acct_pay' AS NUMERIC) * 100) AS INTEGER)"
    )

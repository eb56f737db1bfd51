"""Where public sources on WeChat Pay are silent or disagree, and where we bend a rule: its switches."""

from mock_providers import switches

SHEET = "protocol/wechatpay.md"


def _choice(name: str, default: str, others: tuple[str, ...], section: str, why: str) -> None:
    choices = (default, *others) if others else ()
    switches.declare(f"wechatpay.{name}", default, choices, kind="choice", source=f"{SHEET} §{section}", why=why)


def _relaxation(name: str, default: str, others: tuple[str, ...], section: str, why: str) -> None:
    switches.declare(
        f"wechatpay.{name}", default, (default, *others), kind="relaxation", source=f"{SHEET} §{section}", why=why
    )


_choice("mode", "both", ("cert", "pubkey"), "2.2", "which platform keys this merchant has; callbacks in `both` "
        "are signed with the key the order was made with")  # fmt: skip
_choice(
    "merchant_state",
    "normal",
    (
        "certificate_expired",
        "certificate_revoked",
        "certificate_replaced",
        "no_apiv3_key",
        "no_certificate",
        "no_payment",
        "no_medical_insurance",
    ),
    "1.4, 6.5",
    "what is wrong with the merchant's account",
)
_choice("sign_errors", "off", ("on",), "1.6", "documents say every answer is signed; 4xx seen were not")
_choice("missing_authorization", "by_path", ("same",), "1.4", "two messages were seen, by path family")
_choice("response_key", "request", ("cert", "pubkey"), "1.6", "which key signs answers")
_choice("paid_order_code", "ORDERPAID", ("ORDER_PAID",), "3.1", "real answers against one official text")
_choice("frequency_code", "FREQUENCY_LIMITED", ("RATELIMIT_EXCEEDED",), "1.5", "two pages disagree")
_choice("time_expire_cap_days", "15", ("7",), "3.1", "the JSAPI page says 15 days, the Native page 7")
_choice("refund_seconds", "2", (), "4.1", "business seconds from PROCESSING to the end of a refund")
_choice("medical_rule_status", "403", ("400",), "6.5", "HTTP status of RULE_LIMIT when a mixed order is made")
_choice(
    "medical_unknown_order",
    "404 ORDER_NOT_EXIST",
    ("400 PARAM_ERROR", "404 RESOURCE_NOT_EXISTS"),
    "6.7",
    "status and code were never published",
)
_choice("insurance_only_zero", "allow", ("reject",), "6.3", "may the insurance sum of INSURANCE_ONLY be 0")
_choice(
    "cash_only_identities",
    "with_additions",
    ("always", "never"),
    "6.3",
    "read literally S2 and S3 would force the whole bill into cash_add_detail",
)
_choice("serial_no_length", "40", ("20",), "6.2", "official texts say 20, one SDK 40")
_choice("medical_retries", "short", ("full",), "6.8", "15 s and 30 s after the first attempt, or the 15 steps")
_choice("medical_event_fields", "summary", ("both", "neither"), "6.8", "summary and resource.original_type")
_choice("associated_data", "usual", ("empty",), "5.1", "transaction and refund were seen; documents show empty")
_relaxation(
    "callback_url",
    "http_allowed",
    ("https_only",),
    "5.3",
    "http and localhost are accepted, so that a developer's machine can be called",
)
_relaxation("refund_gap", "off", ("on",), "4.1", "a minute between two refunds of one order is not enforced")

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
_choice("wrong_signature", "错误的签名，验签失败", ("签名错误，请检查后再试",), "1.4", "two messages were seen")
_choice("nonce_length", "any", ("32",), "1.3", "32 characters in documents, no limit; SDKs send 11 to 32")
_choice(
    "json_null", "absent", ("refused",), "1.1", "a page forbids null in requests, an older one takes it as absent"
)
_choice("unknown_fields", "ignored", ("refused",), "1.6", "there is a number for an illegal extra parameter, but no "
        "account of when it is given")  # fmt: skip
_choice("content_language", "asked", ("zh-CN",), "1.2", "whether Content-Language follows Accept-Language; messages "
        "stay Chinese, as no others were published")  # fmt: skip
_choice("no_certificate", "RESOURCE_NOT_EXISTS", ("NOT_FOUND",), "2.1", "the code seen, and the one an SDK takes for "
        "no certificates")  # fmt: skip
_choice("old_certificate_hours", "24", (), "2.1", "how long fields sealed with the platform certificate before the "
        "current one still open")  # fmt: skip
_choice(
    "callback_key",
    "as_made",
    ("cert", "pubkey", "0.1", "1", "5", "10", "20", "50", "100"),
    "2.2",
    "which key signs callbacks: the one the order was made with, or, while a merchant moves to the public key, that "
    "key for so many percent",
)
_choice("probe_percent", "0", (), "1.7", "percent of 2xx answers that carry a signature probe, picked by the seed")
_choice(
    "callback_probe_percent", "0", (), "5.5", "percent of callbacks whose first attempt carries a signature probe"
)
_choice("probe_form", "base64", ("not_base64",), "1.7", "whether the value of a signature probe is valid Base64")
_choice("callback_id", "EV", ("UUID",), "5.1", "documents show EV-…, a real capture a UUID")
_choice(
    "platform_refund_url",
    "",
    (),
    "4.3",
    "the address set in the merchant platform: refunds that name none are told there in the old XML form; empty: "
    "nowhere",
)
_choice(
    "callback_duplicates", "off", ("on",), "5.4", "every callback comes twice, although the first was answered 200"
)
_choice("callback_order", "as_happened", ("refund_first",), "5.4", "refund_first: a payment is told only after the "
        "refund of the same order, or after ten minutes")  # fmt: skip
_choice("paid_order_code", "ORDERPAID", ("ORDER_PAID",), "3.1", "real answers against one official text")
_choice("frequency_code", "FREQUENCY_LIMITED", ("RATELIMIT_EXCEEDED",), "1.5", "two pages disagree")
_choice("time_expire_cap_days", "15", ("7",), "3.1", "the JSAPI page says 15 days, the Native page 7")
_choice("fee_rate", "0.60", (), "7", "percent of what the merchant is owed that WeChat Pay keeps, 0 to 100")
_choice("opening_balance", "1000000", (), "4.1", "fen on every merchant's account before its first payment")
_choice("merchant_balance", "ledger", (), "4.1", "what a refund finds on the account: `ledger` is what payments and "
        "refunds left there, a number is that many fen")  # fmt: skip
_choice("abnormal_refund_meanwhile", "PROCESSING", ("ABNORMAL",), "4.1", "state from apply-abnormal-refund until the "
        "money is back; examples show both")  # fmt: skip
_choice("bill_host", "by_request", ("base_url", "official", "as_called"), "7", "host of download_url; by_request: "
        "the official one if the caller used it, else the base URL")  # fmt: skip
_choice("bill_columns", "same", ("by_type",), "7", "27 columns in every trade bill, or those of refunds left out "
        "of SUCCESS as older files show")  # fmt: skip
_choice("bill_fee_digits", "2", ("5",), "7", "decimals of fees in trade bills; real files were seen with five")
_relaxation("bill_ready_hour", "0", ("8", "9", "10"), "7", "yesterday's file is there at midnight; the real one is "
            "made by 8, 9 or 10 o'clock (pages differ), until then STATEMENT_CREATING")  # fmt: skip
_choice("refund_seconds", "2", (), "4.1", "business seconds from PROCESSING to the end of a refund")
_choice(
    "medical_rule_status", "403", ("400",), "6.5", "HTTP status of RULE_LIMIT and REQUEST_BLOCKED of a mixed order"
)
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
_choice("cash_only_zero_fees", "allow", ("reject",), "6.3", "one text forbids every med_ins_ amount in CASH_ONLY, "
        "the page only a sum above 0")  # fmt: skip
_choice("insurance_only_zero_cash", "allow", ("reject",), "6.3", "one text forbids wechat_pay_cash_fee in "
        "INSURANCE_ONLY, the page only one above 0")  # fmt: skip
_choice(
    "medical_sum_order",
    "cash_first",
    ("total_first",),
    "6.3",
    "whoever breaks S3 breaks S1 or S2 too; which of the two messages comes first is not published",
)
_choice(
    "medical_negative_cash",
    "RULE_LIMIT",
    ("PARAM_ERROR",),
    "6.5",
    "reductions above the cash due: a broken S3, or an amount that cannot be computed",
)
_choice(
    "medical_identity_error",
    "400 PARAM_ERROR",
    ("403 RULE_LIMIT", "400 INVALID_REQUEST"),
    "6.5",
    "only message and internal number of 26854596x are known for the payer's and relative's identity",
)
_choice(
    "medical_bureau_error",
    "400 PARAM_ERROR",
    ("403 RULE_LIMIT", "400 INVALID_REQUEST"),
    "6.5",
    "only message and internal number are known for what the bureau refuses",
)
_relaxation(
    "other_bureau",
    "accept",
    ("reject",),
    "6.5, B.5",
    "a pay_order_id and pay_auth_no that our bureau never gave are taken for another bureau's, so that mixed orders "
    "can be tried without ours; reject: authorisation not found",
)
_choice("card_type", "ignored", ("compared",), "6.2", "whether a card_type other than the credential's is refused")
_choice("medical_report_unpaid", "reject", ("accept",), "6.9", "a refund report before the insurance part was paid")
_choice(
    "medical_partial_refund",
    "counts",
    ("only_full",),
    "6.10",
    "whether part of a part given back makes that part a refunded one",
)
_choice("medical_permission", "granted", ("denied",), "6.6", "denied: requestMedicalInsurancePay answers fail:access "
        "denied, as without permission bits 1295 and 494")  # fmt: skip
_relaxation(
    "callback_url_shared",
    "accept",
    ("reject",),
    "6.2",
    "callback_url may be the cash order's notify_url, as SDKs with one address make it; documents want two",
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

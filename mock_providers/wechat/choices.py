"""What public sources leave open about every interface, and the results any of them can be told to have."""

from mock_providers import outcomes, switches
from mock_providers.wechat import wire

OUTCOMES = {
    "system_error": -1,
    "user_refuses": 43101,
    "subscription_banned": 43107,
    "concurrent_sends": 43108,
    "sensitive_word": 45168,
    "rate_limited": 45011,
    "daily_quota": 45009,
    "unauthorized": 48001,
    "blocked": 40226,
    "ip_not_allowed": 40164,
    "secret_frozen": 40243,
    "account_frozen": 50007,
    "appsecret_invalid": 40001,
    "token_superseded": 40001,
    "token_expired": 42001,
    "api_banned": 48004,
    "user_limited": 50002,
    "token_forbidden": 50004,
    "confirmation_waiting": 89501,
    "confirmation_pending": 89502,
    "confirmation_needed": 89503,
    "confirmation_retry": 89504,
    "confirmation_open": 89505,
    "ip_refused_a_day": 89506,
    "ip_refused_an_hour": 89507,
    "password_changed": 42007,
    "invalid_trade": 89300,
    "data_missing": 84003,
    "video_upload_failed": 84004,
    "video_download_failed": 84005,
    "not_eligible": 40002,
    "generation_banned": 40013,
    "not_published": 85079,
    "too_many_a_second": 44990,
    "long_term_full": 85400,
}
ANY_API = "wechat.api"
ERRCODE_OF_WINDOW = {"minute": 45011, "day": 45009, "month": 48006}
switches.declare(
    "wechat.chunked_post",
    "refused",
    ("refused", "accepted"),
    kind="choice",
    source="wechat.md §0.1",
    why="a chunked POST gets HTTP 412 and nothing else; reported by integrators, not documented",
)
switches.declare(
    "wechat.post_on_get",
    "ignored",
    ("ignored", "43001"),
    kind="choice",
    source="wechat.md §0.5",
    why="several GET interfaces ignore the method and read only the query; which ones is not published",
)
switches.declare(
    "wechat.content_type_elsewhere",
    wire.JSON,
    (wire.JSON, "application/json; charset=utf-8"),
    kind="choice",
    source="wechat.md §0.4",
    why="`encoding=utf-8` was captured on the token and phone interfaces only",
)
switches.declare(
    "wechat.content_type_sns",
    wire.JSON,
    (wire.JSON, wire.TEXT),
    kind="choice",
    source="wechat.md §0.4",
    why="text/plain was captured on jscode2session, oauth2/access_token and userinfo, not on the rest of /sns/",
)
switches.declare(
    "wechat.malformed_token",
    "40014",
    ("40014", "40001"),
    kind="choice",
    source="wechat.md §0.5",
    why="both codes are listed for a malformed token; we call one malformed that has other characters in it",
)
switches.declare(
    "wechat.wrong_json_type",
    "47001",
    ("47001", "40097"),
    kind="choice",
    source="wechat.md §0.5",
    why="what a field of the wrong JSON type answers is not published",
)
switches.declare(
    "wechat.wrong_secret",
    "40125",
    ("40125", "40001"),
    kind="choice",
    source="wechat.md §0.5, §1.1",
    why="the documentation lists 40001 for a wrong AppSecret as well; captures show 40125",
)
switches.declare(
    "wechat.check_order",
    "appid-secret-grant",
    ("appid-secret-grant", "grant-appid-secret"),
    kind="choice",
    source="wechat.md §2.1",
    why="which of several wrong parameters is named first is not published",
)
for window in ("day", "minute"):
    switches.declare(
        f"wechat.api_{window}_quota",
        "0",
        (),
        kind="choice",
        source="wechat.md §0.5",
        why=f"how often an app may call one interface with its token in a {window} differs by account; 0: no limit",
    )
outcomes.declare(
    ANY_API,
    "system_error",
    "daily_quota",
    "rate_limited",
    "unauthorized",
    "api_banned",
    "user_limited",
    "account_frozen",
    "token_superseded",
    "token_expired",
    "http_500",
)

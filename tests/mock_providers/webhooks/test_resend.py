from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

from mock_providers import keys
from mock_providers.webhooks import resend

NOON = datetime(2025, 12, 1, 12, tzinfo=UTC)
EVENT = SimpleNamespace(plain={"n": 1, "m": 2})
SECRETS = {"platform_private_key": keys.rsa_pem()[0], "mchid": "1", "mip": {"private_key": "AAAA", "app_id": "x"}}


def test_an_ordinary_delivery_is_not_altered() -> None:
    assert resend.altered(EVENT, SECRETS, None, NOON) == (EVENT, SECRETS, NOON)


def test_edited_fields_are_put_into_a_copy() -> None:
    event, _, _ = resend.altered(EVENT, SECRETS, {"edit": {"n": 9}}, NOON)
    assert (event.plain, EVENT.plain) == ({"n": 9, "m": 2}, {"n": 1, "m": 2})


def test_a_stale_signature_is_ten_minutes_old() -> None:
    assert resend.altered(EVENT, SECRETS, {"signature": "stale"}, NOON)[2] == NOON - timedelta(minutes=10)


def test_a_wrong_key_replaces_private_keys_and_nothing_else() -> None:
    _, wrong, _ = resend.altered(EVENT, SECRETS, {"signature": "wrong_key"}, NOON)
    assert wrong["platform_private_key"].startswith("-----BEGIN PRIVATE KEY")
    assert wrong["mip"]["private_key"] != "AAAA"
    assert (wrong["mchid"], wrong["mip"]["app_id"]) == ("1", "x")

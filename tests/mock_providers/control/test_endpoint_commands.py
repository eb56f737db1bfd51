"""`yibao endpoint`: what it prints, as JSON too, and how it ends; and what `yibao doctor` says of one that is off."""

from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from mock_providers import create_app
from mock_providers.control import commands, doctor
from mock_providers.control.commands_endpoints import told
from mock_providers.settings import Settings
from tests.mock_providers.plans.test_commands import Yibao, objects, yibao
from tests.mock_providers.webhooks.test_endpoints import KEY, MORE, OWN, deliver, ear, metered, tell
from tests.mock_providers.webhooks.toy import Ear

__all__ = ["ear", "yibao"]


def test_an_endpoint_is_added_listed_shown_changed_and_removed(client: FlaskClient, yibao: Yibao) -> None:
    words = ("--vendor", "wechatpay", "--name", "shop", "--event", "REFUND.*", "--event", "TRANSACTION.SUCCESS")
    made = objects(yibao("endpoint", "add", MORE, *words, "--new-secret", "--option", "signer=cert", "--json"))[0]
    assert made["events"] == ["REFUND.*", "TRANSACTION.SUCCESS"]
    assert (made["options"], len(made["credentials"]["apiv3_key"])) == ({"signer": "cert"}, 32)
    (row,) = objects(yibao("endpoint", "list", "--json"))
    assert row["credentials"]["apiv3_key"].endswith("… (32 characters)")
    listed = yibao("endpoint", "list").stdout
    assert "1  shop  on  wechatpay  REFUND.*,TRANSACTION.SUCCESS" in listed
    assert "p95 –  over the limit 0 of 0" in listed
    changed = objects(yibao("endpoint", "change", "shop", "--url", f"{MORE}/new", "--accounts-keys", "--json"))[0]
    assert (changed["url"], changed["keys"], changed["credentials"]) == (f"{MORE}/new", "the account's", {})
    assert "the account's" in yibao("endpoint", "show", "1").stdout
    assert objects(yibao("endpoint", "remove", "shop", "--json")) == [{"removed": "shop", "cancelled": 0}]
    assert yibao("endpoint", "list").stdout == ""


def test_a_key_may_stand_in_a_file(client: FlaskClient, yibao: Yibao, tmp_path: Path) -> None:
    file = tmp_path / "key.txt"
    file.write_text(f"{KEY}\n", "utf-8")
    made = objects(
        yibao("endpoint", "add", MORE, "--vendor", "wechatpay", "--credential", f"apiv3_key=@{file}", "--json")
    )
    assert made[0]["credentials"] == {"apiv3_key": KEY}
    nowhere = yibao("endpoint", "add", MORE, "--vendor", "wechatpay", "--credential", "apiv3_key=@/nowhere/key.txt")
    assert (nowhere.exit_code, "cannot be read" in nowhere.stderr) == (2, True)


def test_the_group_goes_by_the_plural_as_well(client: FlaskClient, yibao: Yibao) -> None:
    assert yibao("endpoints", "list").exit_code == 0
    assert set(commands.COMMANDS["endpoints"].commands) == {  # type: ignore[attr-defined]
        "add", "change", "list", "meter", "off", "on", "remove", "show",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("add", MORE), 2, "--vendor"),
        (("add", MORE, "--vendor", "wechatpay", "--credential", "apiv3_key"), 2, "takes KEY=VALUE"),
        (("add", MORE, "--vendor", "wechatpay", "--credential", "apiv3_key=short"), 1, "has 5 characters; wanted 32"),
        (("add", "http://169.254.169.254/", "--vendor", "wechatpay"), 1, "an address callbacks never go to"),
        (("add", MORE, "--vendor", "alipay"), 1, "vendor"),
        (("change", "shop"), 2, "say what to change"),
        (("change", "shop", "--accounts-keys", "--new-secret"), 2, "not both"),
        (("change", "nobody", "--new-secret"), 1, "there is no endpoint 'nobody' in this space; there are: shop"),
        (("show", "nobody"), 1, "NOT_FOUND"),
        (("on", "shop"), 1, "endpoint shop is on"),
        (("meter", "--last", "0"), 2, "--last"),
    ],
)
def test_wrong_use_ends_with_2_and_a_refusal_with_1(
    client: FlaskClient, yibao: Yibao, words: tuple[str, ...], code: int, says: str
) -> None:
    assert yibao("endpoint", "add", OWN, "--vendor", "wechatpay", "--name", "shop").exit_code == 0
    result = yibao("endpoint", *words)
    assert (result.exit_code, says in result.stderr) == (code, True), result.stderr
    assert KEY not in result.stderr


def test_one_that_is_off_is_said_everywhere_and_switched_on_again(
    mocks: Flask, client: FlaskClient, ear: Ear, yibao: Yibao
) -> None:
    yibao("endpoint", "add", MORE, "--vendor", "wechatpay", "--name", "shop")
    assert objects(yibao("endpoint", "off", "shop", "--reason", "being rebuilt", "--json"))[0]["state"] == "off"
    tell(mocks)
    for words in (("endpoint", "list"), ("endpoint", "show", "shop"), ("delivery", "list")):
        assert yibao(*words).stderr.startswith("! endpoint shop (wechatpay) is off since"), words
    why = yibao("delivery", "why", "A1").stdout
    assert f"{MORE} [endpoint shop]: cancelled" in why
    assert "held by    endpoint" in why
    assert objects(yibao("endpoint", "on", "shop", "--resend", "--json"))[0]["resent"] == 1
    deliver(client)
    assert [url for url, _, _ in ear.heard] == [OWN, MORE]
    assert yibao("wait", "--ref", "A1", "--delivered", "--endpoint", "shop", "--within", "0s").exit_code == 0
    again = yibao("event", "resend", "1", "--endpoint", "shop", "--json")
    assert objects(again)[0]["endpoint"] == "shop"
    assert yibao("fault", "add", "body_empty", "--endpoint", "shop").exit_code == 0


def test_the_meter_ends_with_1_where_the_limit_was_broken(mocks: Flask, client: FlaskClient, yibao: Yibao) -> None:
    metered(mocks, client, OWN, [12.0, 30.0])
    fine = yibao("endpoint", "meter")
    assert fine.exit_code == 0
    assert f"wechatpay  own address  {OWN}  p50 12 ms, p95 30 ms, max 30 ms of 2 answers; 0 over" in fine.stdout
    assert "(limit 5000 ms, wechatpay.md §5.3 (documented)); 100 % accepted" in fine.stdout
    metered(mocks, client, MORE, [None])
    late = yibao("endpoint", "meter", "--json")
    assert late.exit_code == 1
    silent: dict[str, Any] = {"vendor": "v", "endpoint": "x", "url": "u", "p50_ms": None, "attempts": 1}
    assert told(silent) == "v  endpoint x  u  1 attempts, none answered"


def test_every_command_teaches_by_an_example(yibao: Yibao) -> None:
    for verb in ("add", "change", "list", "meter", "off", "on", "remove", "show"):
        assert f"yibao endpoint {verb}" in yibao("endpoint", verb, "--help").stdout


def test_the_api_document_knows_every_call(client: FlaskClient) -> None:
    paths = client.get("/_mock/openapi.json").json["paths"]
    assert set(paths["/_mock/endpoints"]) >= {"get", "post"}
    assert set(paths["/_mock/endpoints/{which}"]) >= {"get", "patch", "delete"}
    assert {f"/_mock/endpoints/{part}" for part in ("meter", "{which}/on", "{which}/off")} <= set(paths)


def test_doctor_says_which_endpoints_are_off(tmp_path: Path) -> None:
    assert doctor.receivers(tmp_path).found == "none yet"
    client = create_app(Settings(data=tmp_path, background=False)).test_client()
    assert doctor.receivers(tmp_path) == doctor.Finding("endpoints", True, "none")
    client.post("/_mock/endpoints", json={"vendor": "wechatpay", "url": MORE, "name": "shop"})
    assert doctor.receivers(tmp_path) == doctor.Finding("endpoints", True, "1 on")
    client.post("/_mock/endpoints/shop/off")
    found = doctor.receivers(tmp_path)
    assert (found.fine, found.found) == (False, "1 off: shop of space default: by hand")
    assert "yibao endpoint on NAME --resend" in found.remedy

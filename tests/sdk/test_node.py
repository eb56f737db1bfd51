"""SDKs that are not Python: scripts under tests/sdk/node, run against the mocks on a real port.

`npm ci` in tests/sdk/node puts the SDKs where they are looked for; YIBAO_NODE_MODULES names another place. Without
node or the SDKs these tests say so and are skipped; with YIBAO_REQUIRE_NODE=1 (as in .ci/run) that is a failure.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from flask import Flask

from mock_providers import keys
from tests.served import served

pytestmark = [pytest.mark.sdk]
HERE = Path(__file__).parent / "node"
MODULES = Path(os.environ.get("YIBAO_NODE_MODULES") or HERE / "node_modules")
NODE_V3 = "pay_node_v3.mjs"
CHECKS = {
    "mini_program.mjs": (
        "a code becomes a session, once",
        "a phone code becomes a number, and open data opens",
        "both kinds of token work, and a dead one is refused until it is renewed",
        "a mini-program code is a JPEG, a refusal is JSON",
        "a subscribe message arrives for who accepted, and each refusal is told",
        "a wrong secret, a missing token and a busy system are told in the envelope",
        "pushes are answered, verified and opened in every mode",
        "forged pushes are refused",
    ),
    "official_account.mjs": (
        "its authorise link is refused by the strict order of parameters, and is the same page without it",
        "a consenting visitor is known by name",
        "a silent visit gives the openid alone",
        "a visitor who declines comes back with the state alone",
        "a code serves once, and a made-up one not at all",
        "a push to the account is opened with its own keys",
    ),
    "pay_axios_plugin.mjs": (
        "an order is made, queried and closed",
        "the public key signs for who names it",
        "certificates are listed and open with the APIv3 key",
        "a payment and its refund are told and verify",
        "forged callbacks are refused",
        "a mixed order is made, paid, told, and its refund reported",
        "every class of refusal is an error with its status and code",
        "an answer signed by a key it does not know, or with a probe, is refused",
        "the bills of a day are offered, fetched and add up",
    ),
    NODE_V3: (
        "an order is made, queried and closed",
        "the parameters it signs for the phone pay, and the callback verifies",
        "forged callbacks are refused",
        "every class of refusal is handed on with its status and text",
        "a bill is fetched under the official host, the only one it signs for",
    ),
    "pay_easywechat.mjs": (
        "an order is made, queried and closed",
        "the parameters it signs for the phone pay, and the callbacks verify",
        "forged callbacks are refused",
        "a mixed order sealed with the platform certificate is made and paid",
        "every class of refusal is an answer that failed",
    ),
}


def missing() -> str:
    """What these tests need and do not find."""
    if not shutil.which("node"):
        return "node is not installed"
    return "" if (MODULES / "wechatpay-axios-plugin").is_dir() else "run `npm ci` in tests/sdk/node"


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    if lacks := missing():
        if os.environ.get("YIBAO_REQUIRE_NODE"):
            pytest.fail(f"YIBAO_REQUIRE_NODE is set, and {lacks}")
        pytest.skip(lacks)
    patch = pytest.MonkeyPatch()
    stranger = keys._make()[0]
    patch.setattr(keys, "strangers_pem", lambda: stranger)  # the few keys of a test run may be anybody's
    with served(tmp_path_factory.mktemp("node"), background=True) as made:
        made.extensions["settle"] = lambda **asked: {"ok": True, "reason": "", "passthrough": {"setl_id": "S1"}}
        made.extensions.pop("check_authorisation")  # the bureau has tests of its own
        yield made
    patch.undo()


@pytest.mark.parametrize("script", [script for script in CHECKS if script != NODE_V3])
def test_every_check_of_a_script_holds(app: Flask, script: str) -> None:
    holds(script, app)


def test_p127_wechatpay_node_v3_creates_queries_closes_and_downloads(app: Flask) -> None:
    holds(NODE_V3, app)


def holds(script: str, app: Flask) -> None:
    found = run(script, app)
    assert {sentence: said for sentence, said in found.items() if said != "ok"} == {}
    assert tuple(found) == CHECKS[script]


def run(script: str, app: Flask) -> dict[str, str]:
    """What came of each check of a script, in a space of its own."""
    base, space = app.config["SETTINGS"].public_url, script.removesuffix(".mjs").replace("_", "-")
    requests.post(f"{base}/_mock/spaces", json={"name": space}, timeout=30).raise_for_status()
    held = requests.get(f"{base}/_mock/credentials", headers={"X-Yibao-Space": space}, timeout=30).json()
    world = {"base": base, "space": space, "credentials": held, "strange_key": keys._make()[0]}
    done = subprocess.run(
        ["node", str(HERE / script)],
        env={
            "PATH": os.environ["PATH"],
            "YIBAO_NODE_MODULES": str(MODULES.absolute()),
            "YIBAO_WORLD": json.dumps(world),
        },
        cwd=app.config["SETTINGS"].data,
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])

"""SDKs that are not Python: scripts under tests/sdk/node, run against the mocks on a real port.

`npm ci` in tests/sdk/node puts the SDKs where they are looked for; YIBAO_NODE_MODULES names another place. Without
node or the SDKs these tests say so and are skipped; with YIBAO_REQUIRE_NODE=1 (as in .ci/run) that is a failure.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import requests
from flask import Flask

from mock_providers import keys
from mock_providers.webhooks import resend
from tests.served import served

pytestmark = [pytest.mark.sdk]
HERE = Path(__file__).parent / "node"
MODULES = Path(os.environ.get("YIBAO_NODE_MODULES") or HERE / "node_modules")
CHECKS = {
    "pay_axios_plugin.mjs": (
        "an order is made, queried and closed",
        "the public key signs for who names it",
        "certificates are listed and open with the APIv3 key",
        "a payment and its refund are told and verify",
        "forged callbacks are refused",
        "a mixed order is made, paid, told, and its refund reported",
        "every class of refusal is an error with its status and code",
        "an answer signed by a key it does not know, or with a probe, is refused",
    ),
    "pay_node_v3.mjs": (
        "an order is made, queried and closed",
        "the parameters it signs for the phone pay, and the callback verifies",
        "forged callbacks are refused",
        "every class of refusal is handed on with its status and text",
    ),
    "pay_easywechat.mjs": (
        "an order is made, queried and closed",
        "the parameters it signs for the phone pay, and the callbacks verify",
        "forged callbacks are refused",
        "a mixed order sealed with the platform certificate is made and paid",
        "every class of refusal is an answer that failed",
    ),
}
ROWS = [(script, sentence) for script, sentences in CHECKS.items() for sentence in sentences]


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
    patch.setattr(resend, "_stranger", lambda: stranger)  # the few keys of a test run may be anybody's
    with served(tmp_path_factory.mktemp("node"), background=True) as made:
        made.extensions["settle"] = lambda **asked: {"ok": True, "reason": "", "passthrough": {"setl_id": "S1"}}
        made.extensions.pop("check_authorisation")  # the bureau has tests of its own
        yield made
    patch.undo()


@pytest.fixture(scope="module")
def outcome_of(app: Flask) -> Any:
    """Runs a script once, in a space of its own, and remembers what it found."""
    base = app.config["SETTINGS"].public_url

    @cache
    def run(script: str) -> dict[str, str]:
        space = script.removesuffix(".mjs").replace("_", "-")
        requests.post(f"{base}/_mock/spaces", json={"name": space}, timeout=10).raise_for_status()
        held = requests.get(f"{base}/_mock/credentials", headers={"X-Yibao-Space": space}, timeout=10).json()
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
            timeout=60,
        )
        if done.returncode:
            return dict.fromkeys(CHECKS[script], done.stderr)
        return json.loads(done.stdout.splitlines()[-1])

    return run


@pytest.mark.parametrize(("script", "sentence"), ROWS)
def test_in_node(outcome_of: Any, script: str, sentence: str) -> None:
    assert outcome_of(script)[sentence] == "ok", outcome_of(script)[sentence]


@pytest.mark.parametrize("script", CHECKS)
def test_every_check_of_a_script_is_listed_here(outcome_of: Any, script: str) -> None:
    assert tuple(outcome_of(script)) == CHECKS[script]

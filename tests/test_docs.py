"""The documents tell the truth."""

import re
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

import mock_providers
from mock_providers import national, switches, wechat, wechatpay

for found in walk_packages(mock_providers.__path__, "mock_providers."):
    if ".migrations" not in found.name and not found.name.endswith("__main__"):
        import_module(found.name)  # every switch is declared by some module

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")


def test_every_switch_stands_in_deviations_as_it_is() -> None:
    """To renew the table: python -c "import tests.test_docs as t; t.renew()"."""
    assert switches.as_markdown() in (ROOT / "docs/DEVIATIONS.md").read_text("utf-8")


def renew() -> None:
    path = ROOT / "docs/DEVIATIONS.md"
    head, mark, tail = path.read_text("utf-8").partition("<!-- switches -->\n")
    _, end, rest = tail.partition("<!-- end -->")
    path.write_text(f"{head}{mark}{switches.as_markdown()}\n{end}{rest}", "utf-8")


def test_switches_are_named_after_their_vendor_or_the_control_api() -> None:
    vendors = {vendor.NAME for vendor in (wechat, wechatpay, national)}
    assert {name.split(".")[0] for name in switches.ALL} <= {*vendors, "control"}


def test_every_variable_the_settings_read_is_in_the_readme() -> None:
    read = set()
    for half in ("yibao", "mock_providers"):
        read |= set(re.findall(r'"((?:YIBAO|MOCK)_[A-Z_]+)"', (ROOT / half / "settings.py").read_text("utf-8")))
    assert {name for name in read if name not in README} == set()


def test_the_two_commands_and_a_first_curl_stand_on_the_readmes_first_screen() -> None:
    first = "\n".join(README.splitlines()[:24])
    assert "pip install -e . && python app.py" in first
    assert 'pip install -e ".[test]" && pytest' in first
    assert "curl http://127.0.0.1:8000" in first


def test_documents_name_no_package_registry() -> None:
    for name in ("README.md", "CHANGELOG.md", "docs/DEVIATIONS.md", "requirements.lock", "pyproject.toml"):
        text = (ROOT / name).read_text("utf-8")
        assert not re.search(r"index-url|find-links|https?://[^ )]*/simple", text), name

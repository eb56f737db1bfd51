"""What a page of the mini program has WeChat do for it: send a file, open another mini program and come back."""

import binascii
import mimetypes
import re
from base64 import b64decode
from typing import Any

from flask import Blueprint, current_app
from urllib3.filepost import encode_multipart_formdata

from mock_providers.db import db
from mock_providers.errors import Problem
from mock_providers.phone import tap
from mock_providers.webhooks.transport import Transport
from mock_providers.wechat import app_pages, pictures

bp = Blueprint("phone_wechat_page", __name__)
NO_TAP = "can only be invoked by user TAP gesture."
HEADER = re.compile(r"[0-9A-Za-z!#$%&'*+.^_`|~-]+")
OWN_HEADERS = ("content-type", "content-length", "host", "transfer-encoding", "connection", "referer")
TO_APP, FROM_APP = 1037, 1038


@bp.post("/phone/wechat/upload-file")
def uploaded_file() -> dict[str, Any]:
    """wx.uploadFile: a multipart POST to a loopback or allowed address; `data` is text, whatever came back."""
    optional = ("filePath", "file_base64", "formData", "header", "appid")
    said = tap.given("url", "name", optional=optional)
    url, body, kind = tap.text(said, "url"), *_multipart(said)
    headers = [*_headers(said), ("Content-Type", kind)]
    referer = f"https://servicewechat.com/{tap.appid(said)}/devtools/page-frame.html"
    db.session.rollback()
    reply = Transport(current_app.config["SETTINGS"].allowed_hosts)(url, [*headers, ("Referer", referer)], body)
    if reply.refused:
        return {"errMsg": "uploadFile:fail url not in domain list"}
    if reply.status is None:
        late = "no answer" in reply.trouble
        return {"errMsg": f"uploadFile:fail {'timeout' if late else reply.trouble}"}
    return {"data": reply.body.decode(errors="replace"), "statusCode": reply.status, "errMsg": "uploadFile:ok"}


@bp.post("/phone/wechat/navigate")
def navigated() -> dict[str, Any]:
    """wx.navigateToMiniProgram: `onLaunch` is what the other mini program gets; `outcome` is the user's answer."""
    options = ("appId", "path", "extraData", "envVersion", "shortLink", "noRelaunchIfPathUnchanged")
    said = tap.given(optional=(*options, "appid", "tap", "appIdList", "callerVersion", "outcome"))
    call, target = "navigateToMiniProgram", tap.text(said, "appId") or tap.text(said, "shortLink")
    if not target:
        raise Problem("FIELD_INVALID", "appId or shortLink says where to", {"appId": ["missing"]})
    if said.get("tap") is False:
        return {"errMsg": f"{call}:fail {NO_TAP}"}
    listed = said.get("appIdList")
    if isinstance(listed, list) and target not in listed:
        return {"errMsg": f'{call}:fail appId "{target}" is not in navigateToMiniProgramAppIdList'}
    if tap.choice(said, "outcome", "confirm", "cancel") == "cancel":
        return {"errMsg": f"{call}:fail cancel"}
    path, _, query = tap.text(said, "path").removeprefix("/").partition("?")
    wanted = tap.choice(said, "envVersion", *app_pages.ENV_VERSIONS)
    caller_is_released = tap.choice(said, "callerVersion", *app_pages.ENV_VERSIONS) == "release"
    launch = {"path": path, "query": app_pages.query_of(query), "scene": TO_APP}
    launch["referrerInfo"] = {"appId": tap.appid(said), "extraData": _extra(said)}
    return {"errMsg": f"{call}:ok", "envVersion": "release" if caller_is_released else wanted, "onLaunch": launch}


@bp.post("/phone/wechat/navigate-back")
def navigated_back() -> dict[str, Any]:
    """wx.navigateBackMiniProgram of the other mini program: `onShow` is what ours is told."""
    said = tap.given("appId", optional=("extraData",))
    referrer = {"appId": tap.text(said, "appId"), "extraData": _extra(said)}
    return {"errMsg": "navigateBackMiniProgram:ok", "onShow": {"scene": FROM_APP, "referrerInfo": referrer}}


def _extra(said: dict[str, Any]) -> dict[str, Any]:
    extra = said.get("extraData") or {}
    if not isinstance(extra, dict):
        raise Problem("FIELD_INVALID", "extraData is an object", {"extraData": ["not an object"]})
    return extra


def _multipart(said: dict[str, Any]) -> tuple[bytes, str]:
    """(body, content type): the form data, then the file."""
    form = said.get("formData") or {}
    if not isinstance(form, dict):
        raise Problem("FIELD_INVALID", "formData is an object", {"formData": ["not an object"]})
    path = tap.text(said, "filePath") or "http://tmp/sample.jpg"
    name = path.rpartition("/")[2] or "file"
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    fields: list[tuple[str, Any]] = [(key, str(value)) for key, value in form.items()]
    return encode_multipart_formdata([*fields, (tap.text(said, "name"), (name, _file(said), kind))])


def _file(said: dict[str, Any]) -> bytes:
    given = tap.text(said, "file_base64")
    if not given:
        return pictures.snapshot("wx.uploadFile")
    try:
        return b64decode(given, validate=True)
    except binascii.Error:
        raise Problem("FIELD_INVALID", "file_base64 is not base64", {"file_base64": ["not base64"]}) from None


def _headers(said: dict[str, Any]) -> list[tuple[str, str]]:
    given = said.get("header") or {}
    good = isinstance(given, dict) and all(
        HEADER.fullmatch(name) and str(value).isascii() and str(value).isprintable() for name, value in given.items()
    )
    if not good:
        raise Problem("FIELD_INVALID", "header is an object of header names and values", {"header": ["malformed"]})
    return [(name, str(value)) for name, value in given.items() if name.lower() not in OWN_HEADERS]

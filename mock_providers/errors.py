"""Refusals of the control API: problem documents with a stable code. Vendors answer in their own words instead."""

from http import HTTPStatus
from typing import Any

from flask import Flask, Response, json, request
from werkzeug.exceptions import HTTPException

CODES = {
    "FIELD_INVALID": (400, "请求字段有误", "请对照 fields 修改后重试"),
    "BODY_NOT_JSON": (400, "请求体不是 JSON 对象", "请发送 Content-Type: application/json 的对象"),
    "BODY_TOO_BIG": (413, "请求体过大", "请减小请求体"),
    "SPACE_NAME": (400, "空间名不合法", "使用 1–32 位小写字母、数字或连字符"),
    "SPACE_EXISTS": (409, "空间已存在", "换一个名字,或直接使用它"),
    "SPACE_UNKNOWN": (404, "没有这个空间", "先用 POST /_mock/spaces 创建"),
    "NOT_FOUND": (404, "没有这个资源", "请检查地址与编号"),
    "METHOD_NOT_ALLOWED": (405, "不支持的请求方法", "请对照 /_mock/openapi.json"),
    "STATE_CONFLICT": (409, "当前状态不允许此操作", "请先查看资源的当前状态"),
    "OUTCOME_UNKNOWN": (400, "没有这个结果", "请从 detail 列出的结果中选择"),
    "FAULT_UNKNOWN": (400, "没有这个故障", "用 GET /_mock/faults/catalogue 查看全部故障"),
    "PERSON_UNKNOWN": (404, "没有这个样例人物", "用 GET /_mock/people 查看全部人物"),
    "REAL_ID": (400, "拒绝真实身份证号", "只接受 469099 区的样例号码"),
    "HOST_REFUSED": (403, "控制接口只接受本机地址", "请用 127.0.0.1 访问,或设置管理令牌"),
    "ADMIN_TOKEN": (401, "需要管理令牌", "请在 Authorization 中携带启动时设置的令牌"),
    "ENDPOINT_URL_REFUSED": (400, "回调不能发往这个地址", "只允许本机地址与 MOCK_ALLOWED_HOSTS 中列出的主机"),
    "PUSH_URL_REFUSED": (400, "消息推送地址没有通过校验", "请让该地址对 GET 原样返回 echostr,不加任何字符"),
    "WAITED_TOO_LONG": (408, "等待超时", "见 nearest 与 queue"),
    "INTERNAL": (500, "模拟器内部错误", "请附上 detail 报告此问题"),
}


class Problem(Exception):
    """A refusal with a code of CODES. `extra` members join the document."""

    def __init__(self, code: str, detail: str, fields: dict[str, Any] | None = None, **extra: Any) -> None:
        super().__init__(f"{code}: {detail}")
        self.code, self.detail, self.fields, self.extra = code, detail, fields, extra


def document(problem: Problem) -> Response:
    """RFC 9457: type title status code detail remedy fields."""
    status, title, remedy = CODES[problem.code]
    body: dict[str, Any] = {
        "type": f"/_mock/problems/{problem.code.lower().replace('_', '-')}",
        "title": title,
        "status": status,
        "code": problem.code,
        "detail": problem.detail,
        "remedy": remedy,
        **problem.extra,
    }
    if problem.fields:
        body["fields"] = problem.fields
    return Response(json.dumps(body, ensure_ascii=False), status, content_type="application/problem+json")


def init(app: Flask) -> None:
    """Turn every refusal outside the vendors' doors into a problem document."""

    @app.errorhandler(Problem)
    def refused(problem: Problem) -> Response:
        return document(problem)

    @app.errorhandler(HTTPException)
    def http(error: HTTPException) -> Response:
        code = {404: "NOT_FOUND", 405: "METHOD_NOT_ALLOWED", 413: "BODY_TOO_BIG"}.get(error.code or 500)
        if code is None:
            code = "FIELD_INVALID" if (error.code or 500) < 500 else "INTERNAL"
        detail = f"{request.method} {request.path[:200]}: {HTTPStatus(error.code or 500).phrase}"
        answer = document(Problem(code, detail))
        answer.status_code = error.code or 500
        return answer

"""The one error catalogue (domain sheet §6) and the one renderer: every refusal is an RFC 9457 problem document.

A row: HTTP status, the sentence for the screen, what to do about it, the English detail, whether trying the same
thing again can help. `Refused` is the only way a step says no.
"""

from dataclasses import dataclass
from itertools import islice
from typing import Any

from flask import Flask, Response, current_app, g, json, request
from werkzeug.exceptions import HTTPException


@dataclass(frozen=True)
class Refusal:
    status: int
    title: str
    remedy: str
    detail: str
    retryable: bool = False


def _r(status: int, title: str, remedy: str, detail: str, retryable: bool = False) -> Refusal:
    return Refusal(status, title, remedy, detail, retryable)


CATALOGUE: dict[str, Refusal] = {
    # any request
    "FIELD_INVALID": _r(400, "填写的内容有误", "请按提示修改后再提交", "the request has invalid fields"),
    "BODY_NOT_JSON": _r(
        400, "请求格式不正确", "请发送 JSON 对象", "the body is not one JSON object with each name once"
    ),
    "BODY_TOO_BIG": _r(413, "提交的内容过大", "请减小后再提交", "the body is larger than this route accepts"),
    "MEDIA_TYPE": _r(415, "请求的内容类型不受支持", "请使用 application/json", "unsupported Content-Type"),
    "NOT_FOUND": _r(404, "没有找到相关内容", "请返回上一页重新选择", "no such resource, or it is not yours"),
    "METHOD_NOT_ALLOWED": _r(405, "不支持的操作", "请对照接口文档", "this path does not take this method"),
    "STATE_CONFLICT": _r(409, "当前状态不能进行此操作", "请刷新后按页面提示继续", "the state does not allow this"),
    "IDEMPOTENCY_KEY_MISSING": _r(
        400,
        "幂等键缺失或过长",
        "请在 Idempotency-Key 中携带 1–64 个字符的唯一值",
        "this write needs an Idempotency-Key of 1 to 64 characters",
    ),
    "IDEMPOTENCY_KEY_REUSED": _r(
        422, "幂等键已用于不同的请求", "请换一个 Idempotency-Key", "the key was used with another body"
    ),
    "IDEMPOTENCY_IN_PROGRESS": _r(
        409,
        "相同的请求正在处理",
        "请稍候再查询结果",
        "the first request with this key is still running",
        True,
    ),
    "INTERNAL": _r(500, "系统繁忙", "请稍后再试", "an unexpected error; it was logged", True),
    "BUSY": _r(503, "系统繁忙", "请稍后再试", "the database is busy", True),
    "VENDOR_ERROR": _r(424, "外部服务返回异常", "请稍后再试", "a provider refused or answered nonsense", True),
    "SPACE_UNKNOWN": _r(404, "没有这个空间", "请先创建空间", "there is no such space"),
    # session
    "TOKEN_MISSING": _r(401, "请先登录", "请重新授权登录", "no bearer token"),
    "TOKEN_INVALID": _r(401, "登录状态无效", "请重新授权登录", "the token is not one of ours"),
    "SESSION_EXPIRED": _r(401, "登录已过期", "请重新授权登录", "the session ended or was idle too long"),
    "LOGIN_CODE_INVALID": _r(400, "登录凭证无效", "请重新发起登录", "the provider does not know this code"),
    "LOGIN_CODE_USED": _r(400, "登录凭证已被使用", "请重新调用 wx.login 后再试", "WeChat says this code was used"),
    "LOGIN_STATE_INVALID": _r(
        400,
        "登录请求无效或已过期",
        "请重新发起登录",
        "this log-in was not begun here, is over, or is ten minutes old",
    ),
    "LOGIN_DENIED": _r(403, "登录未获授权", "请激活医保电子凭证并同意授权后再试", "the user or the platform refused"),
    "LOGIN_BLOCKED": _r(403, "该微信用户被限制登录", "请联系微信客服", "WeChat blocked this user"),
    "LOGIN_TOO_OFTEN": _r(429, "登录过于频繁", "请一分钟后再试", "WeChat limits logins per minute", True),
    "PHONE_CODE_INVALID": _r(400, "手机号凭证无效", "请重新点击获取手机号", "WeChat does not know this phone code"),
    "REAL_NAME_REQUIRED": _r(
        403, "请先完成实名绑定", "请在「我的」中完成实名", "this account is not bound to a person"
    ),
    "REAL_NAME_TAKEN": _r(
        409, "该身份已绑定其他账号", "请先在原账号解除绑定", "this person is bound to another account"
    ),
    "REAL_NAME_BOUND": _r(409, "当前账号已完成实名", "如需更换请先解除", "this account is bound to another person"),
    "PERSON_NOT_FOUND": _r(
        422,
        "未查询到该人员的医保信息",
        "请核对姓名和证件号码",
        "the national platform does not know this person",
    ),
    "PERSON_DECEASED": _r(
        403, "该人员状态异常,不能办理", "请到医保经办窗口核实", "the person is registered as deceased"
    ),
    "REAL_ID_REFUSED": _r(
        400,
        "本系统只接受样例证件号码",
        "请使用样例人物的证件号码",
        "a plausible real ID number is refused and not stored",
    ),
    "ID_CHECKSUM": _r(400, "证件号码有误", "请核对证件号码", "the check character of the ID number is wrong"),
    "ID_DATE": _r(400, "证件号码中的日期有误", "请核对证件号码", "the birth date in the ID number is impossible"),
    "ID_FORMAT": _r(
        400, "证件号码格式不正确", "请核对证件类型与号码", "the number has not the form of its document type"
    ),
    # credential and code
    "CREDENTIAL_INACTIVE": _r(403, "医保电子凭证未激活", "请先激活医保电子凭证", "the e-credential is not active"),
    "CREDENTIAL_FROZEN": _r(403, "医保电子凭证已冻结", "请到医保经办窗口核实", "the e-credential is frozen"),
    "CODE_EXPIRED": _r(
        410, "医保码已过期", "请刷新医保码", "the shown code is older than it may be, or was never issued"
    ),
    # face
    "FACE_FAIL": _r(422, "人脸核验未通过", "请在光线充足处重试", "the face does not match", True),
    "FACE_NOT_LIVE": _r(422, "未通过活体检测", "请本人按提示完成动作", "liveness failed", True),
    "FACE_QUALITY": _r(422, "图像质量不佳", "请在光线充足处重试", "the picture was too poor", True),
    "FACE_SUBJECT_MISMATCH": _r(
        422, "核验人与证件信息不一致", "请由本人完成核验", "the subject of the check is another person"
    ),
    "FACE_DEVICE": _r(
        422,
        "当前设备不支持人脸核验",
        "请更换设备或开启相机权限",
        "the device or its permissions do not allow it",
    ),
    "FACE_CANCELLED": _r(422, "已取消人脸核验", "请重新发起核验", "the user cancelled", True),
    "FACE_TIMEOUT": _r(422, "人脸核验超时", "请重新发起核验", "no result within the ticket's life", True),
    "FACE_NOT_FINISHED": _r(409, "人脸核验尚未完成", "请在手机上完成核验", "WeChat says it is not finished", True),
    "FACE_LOCKED": _r(403, "失败次数过多,已锁定", "请在提示的时间后再试", "too many failed checks"),
    "FACE_VENDOR_DOWN": _r(
        503, "人脸核验服务暂不可用", "请稍后再试", "the face service did not answer, three times", True
    ),
    "FACE_TICKET_USED": _r(
        409, "该核验结果已被使用", "请重新发起核验", "a passed ticket serves once, for its own purpose"
    ),
    # family account
    "NOTICE_NOT_READ": _r(409, "请先阅读办理须知", "请阅读到底并勾选同意", "the notice was not read to the end"),
    "NOTICE_VERSION_OLD": _r(409, "办理须知已更新", "请阅读新版须知", "another version of the notice is in force"),
    "FA_NAME_EMPTY": _r(400, "姓名不能为空", "请填写姓名", "the name is empty"),
    "FA_RELATION_NOT_ALLOWED": _r(
        403, "该亲属关系不在可绑定范围", "可绑定的关系见办理须知", "the policy does not allow this relation"
    ),
    "FA_SELF": _r(403, "不能绑定本人", "请填写家属信息", "a person cannot bind themselves"),
    "FA_DUPLICATE": _r(
        409, "该家属已绑定或正在办理", "请在亲情账户中查看", "there is a binding of this person already"
    ),
    "FA_CHILD_LIMIT": _r(
        403, "绑定的子女已达上限", "请先解除一名子女的绑定", "the policy's number of children is reached"
    ),
    "FA_MEMBER_LIMIT": _r(
        403, "绑定的家属已达上限", "请先解除一名家属的绑定", "the policy's number of members is reached"
    ),
    "FA_BINDER_LIMIT": _r(
        403, "该家属已被其他人绑定", "请先由家属解除其他绑定", "the person is bound by as many as allowed"
    ),
    "FA_NAME_ID_MISMATCH": _r(422, "姓名与证件号码不一致", "请检查姓名和证件号码", "the registered name differs"),
    "FA_NOT_REGISTERED": _r(422, "该人员未在本省登记参保", "请先办理参保登记", "the person was never registered"),
    "FA_NOT_IN_PROVINCE": _r(
        422, "该人员不在本省参保", "请在参保地办理", "the person is insured in another province"
    ),
    "FA_DATA_NOT_SYNCED": _r(
        409,
        "参保信息正在同步",
        "请等待同步后系统自动重试",
        "the provincial copy has not got this person yet",
        True,
    ),
    "FA_MOTHER_MISMATCH": _r(
        422, "出生医学证明与母亲信息不符", "请核对证件号和母亲信息", "the certificate names another mother"
    ),
    "MATERIAL_MISSING": _r(409, "材料不齐全", "请按材料清单补充上传", "a required picture is missing"),
    "MATERIAL_TYPE": _r(
        400,
        "材料类型或图片格式不适用",
        "请选择列出的材料类型,并上传 JPEG 或 PNG 图片",
        "this material does not fit the person, or is not JPEG/PNG",
    ),
    "MATERIAL_TOO_BIG": _r(413, "图片超过大小限制", "请压缩到 5 MB 以内", "the picture is larger than 5 MiB"),
    "MATERIAL_TOO_SMALL": _r(
        400, "图片分辨率过低", "短边不少于 600 像素", "the short side has fewer than 600 pixels"
    ),
    "MATERIAL_DUPLICATE": _r(409, "同一图片不能重复上传", "请上传不同的图片", "the same file was uploaded before"),
    "EDIT_LOCKED": _r(409, "当前不能修改", "请等待办理完成", "a change is under way or the binding is not active"),
    "EDIT_IDENTITY": _r(
        409,
        "修改身份信息需要重新核验",
        "请重新提交材料、承诺书与人脸核验",
        "identity fields need a new letter, check and face",
    ),
    "UNBIND_PENDING_ORDER": _r(
        409, "有未完成的订单,不能解除绑定", "请先完成或取消订单", "an order of this person is open"
    ),
    "REVIEW_DENIED": _r(403, "人工审核未通过", "请按审核意见修改后重新提交", "the clerk said no"),
    "REAUTH_REQUIRED": _r(
        403,
        "家属已满16周岁,需要重新授权",
        "请由家属本人完成人脸核验",
        "the relative turned 16 and must authorise",
    ),
    "BINDING_EXPIRED": _r(410, "办理已超时", "请重新发起办理", "the draft or its face check was left too long"),
    # commitment letter
    "LETTER_MISSING": _r(409, "尚未签署承诺书", "请先签署承诺书", "there is no sealed letter"),
    "LETTER_NOT_VIEWED": _r(
        409, "请先阅读承诺书", "请阅读至少5秒后再签名", "the letter was not open for five seconds"
    ),
    "LETTER_SIGNATURE_EMPTY": _r(400, "签名为空", "请手写签名", "the signature is blank or a single dot"),
    "LETTER_SIGNATURE_BAD": _r(
        400, "签名图片不合格", "请使用 600×200 的 PNG,不超过 200 KB", "not a PNG of 600×200 within 200 KiB"
    ),
    "LETTER_STALE": _r(
        409,
        "信息已变更,承诺书需重新生成",
        "请重新生成并签署",
        "the data changed after the letter was rendered",
    ),
    "LETTER_VERSION_OLD": _r(409, "承诺书模板已更新", "请重新生成并签署", "a newer template is in force"),
    # pharmacy
    "PH_NOT_DESIGNATED": _r(403, "该机构不是定点医药机构", "请选择定点机构", "the institution is not designated"),
    "PH_CONTRACT_SUSPENDED": _r(
        403, "该机构医保服务已暂停", "请选择其他定点药店", "the institution's contract is suspended"
    ),
    "PAY_NOT_BOUND": _r(
        403, "该家属未绑定,不能代付", "请先绑定亲情账户", "no active binding between payer and patient"
    ),
    "RX_REQUIRED": _r(409, "含处方药,需要处方", "请提供电子处方", "the cart holds a prescription drug"),
    "RX_NOT_FOUND": _r(422, "未查询到处方", "请核对处方编号", "no such prescription"),
    "RX_EXPIRED": _r(422, "处方已过期", "请重新就诊开方", "the prescription is past its validity"),
    "RX_USED": _r(409, "处方已使用", "请重新就诊开方", "the prescription was filled"),
    "RX_REVOKED": _r(422, "处方已撤销", "请联系开方机构", "the prescription was revoked"),
    "RX_PATIENT_MISMATCH": _r(
        403, "处方与就诊人不一致", "请选择处方上的就诊人", "the prescription is for somebody else"
    ),
    "RX_ITEM_MISMATCH": _r(
        409, "药品与处方不一致", "请按处方购药", "items or quantities are not on the prescription"
    ),
    "RX_PAPER_NOT_ALLOWED": _r(
        403,
        "双通道药品须使用电子处方",
        "请通过电子处方中心流转处方",
        "a dual-channel drug needs an electronic prescription",
    ),
    "TRACE_MISSING": _r(409, "缺少药品追溯码", "请扫描药盒上的追溯码", "a trace code per pack is required"),
    "TRACE_USED": _r(409, "追溯码已被使用", "请联系药店核实该药品", "this pack was sold before"),
    "ITEM_UNKNOWN": _r(400, "药店没有该商品", "请从商品列表中选择", "the pharmacy does not list this item"),
    "ITEM_FORBIDDEN": _r(
        403, "该商品不能使用医保支付", "请单独以自费购买", "the item may not be in an insurance order"
    ),
    "QTY_LIMIT": _r(400, "数量超过限制", "请减少购买数量", "the quantity is above the limit"),
    "SPLIT_MISMATCH": _r(424, "结算金额不一致", "请重新结算", "the parts do not add up to the total"),
    "QUOTE_EXPIRED": _r(410, "报价已过期", "请重新结算", "the quote is older than ten minutes"),
    "BALANCE_CHANGED": _r(409, "可用余额已变化", "请确认新的金额后再支付", "the split is no longer the quoted one"),
    "CASH_NOT_ACCEPTED": _r(
        409, "需要支付现金部分", "请同意支付现金部分", "there is a cash part and it was not accepted"
    ),
    "AUTHORISATION_INVALID": _r(
        403, "医保支付授权无效", "请重新授权", "the authorisation code is unknown, used or expired"
    ),
    "AUTHORISATION_PERSON": _r(
        403, "授权人与就诊人不一致", "请由就诊人对应的授权支付", "the authorisation is for somebody else"
    ),
    "ACCT_LOCKED": _r(409, "个人账户正被占用", "请稍后再试", "the account is locked by another settlement", True),
    "FUND_CAP": _r(409, "统筹额度已变化", "请重新结算", "the yearly cap was reached meanwhile"),
    "FUND_REFUSED": _r(424, "医保结算未通过", "请稍后重试或更换支付方式", "the bureau refused the settlement"),
    "MA_PAUSED": _r(409, "家庭共济已暂停", "请使用其他方式支付", "the mutual-aid group is paused"),
    "CASH_FAIL": _r(
        402, "现金部分支付失败", "款项将自动退回,请重新下单", "the cash part failed; the rest is reversed"
    ),
    "PAY_EXPIRED": _r(410, "支付超时", "请重新下单", "the order was not paid in time"),
    "STATE_UNKNOWN": _r(
        503, "结算结果未知", "系统正在查询,请勿重复支付", "a leg did not answer; it is being asked", True
    ),
    "CALLBACK_FORGED": _r(401, "通知验签失败", "通知未被接受", "the signature of the notice is wrong"),
    "CALLBACK_AMOUNT": _r(
        409, "通知金额与订单不符", "通知未被接受,请人工核对", "the amount in the notice differs from ours"
    ),
    "CALLBACK_UNKNOWN": _r(404, "通知的订单不存在", "通知未被接受", "the notice is about an order we do not have"),
    # refund
    "REFUND_NOT_ALLOWED": _r(
        403, "该订单不能退款", "请联系药店", "drugs go back only for quality, or the time is over"
    ),
    "REFUND_WINDOW_ONLY": _r(
        403, "该机构只能在窗口退款", "请到机构窗口办理", "this institution refunds at its window only"
    ),
    "REFUND_AMOUNT": _r(400, "退款金额不正确", "请退还整单", "the amount is not what is left of the order"),
    "REFUND_SUM": _r(424, "退款金额合计不一致", "请人工核对", "the refund's parts do not add up"),
    "REFUND_DUPLICATE": _r(409, "退款正在处理", "请等待退款结果", "one refund at a time"),
    "FUND_DOWN": _r(503, "医保退款暂未完成", "系统将自动重试", "the bureau did not answer; it is tried again", True),
    "REFUND_TO_SUSPENSE": _r(
        409, "账户异常,退款转入待处理", "请到医保经办窗口办理", "the account is closed; the money waits"
    ),
}


class Refused(Exception):
    """A step says no. `code` is a key of CATALOGUE; `fields` maps a field's path to its messages."""

    def __init__(self, code: str, detail: str = "", fields: dict[str, Any] | None = None, **extra: Any) -> None:
        super().__init__(f"{code} {detail}".strip())
        self.code, self.detail, self.fields, self.extra = code, detail, fields, extra


def document(refused: Refused) -> Response:
    """The problem document of a refusal: type title status code detail remedy fields."""
    row = CATALOGUE[refused.code]
    body: dict[str, Any] = {
        "type": f"/problems/{refused.code.lower().replace('_', '-')}",
        "title": row.title,
        "status": row.status,
        "code": refused.code,
        "detail": refused.detail or row.detail,
        "remedy": row.remedy,
        "retryable": row.retryable,
        "request_id": g.get("request_id", ""),
        **refused.extra,
    }
    if refused.fields:
        body["fields"] = refused.fields
    response = Response(json.dumps(body, ensure_ascii=False), row.status, content_type="application/problem+json")
    if row.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


FIELDS_AT_MOST = 100
HTTP_CODES = {404: "NOT_FOUND", 405: "METHOD_NOT_ALLOWED", 413: "BODY_TOO_BIG", 415: "MEDIA_TYPE"}


def init(app: Flask) -> None:
    """Render every refusal, ours and Flask's, as a problem document."""

    @app.errorhandler(Refused)
    def refused(error: Refused) -> Response:
        return document(error)

    @app.errorhandler(HTTPException)
    def http(error: HTTPException) -> Response:
        status = error.code or 500
        messages = getattr(error, "data", {}) or {}
        fields = dict(islice(flat(messages["messages"]).items(), FIELDS_AT_MOST)) if "messages" in messages else None
        if status == 400 and not fields:
            answer = document(Refused("BODY_NOT_JSON"))
        elif status in HTTP_CODES:
            answer = document(Refused(HTTP_CODES[status]))
        else:
            answer = document(Refused("FIELD_INVALID" if status < 500 else "INTERNAL", fields=fields))
        if status == 405 and getattr(error, "valid_methods", None):
            answer.headers["Allow"] = ", ".join(sorted(error.valid_methods))  # type: ignore[attr-defined]
        return answer

    @app.errorhandler(RecursionError)
    def too_deep(error: RecursionError) -> Response:
        """Only a body nested a thousand times deep does that; the JSON reader gives up on it."""
        return document(Refused("BODY_NOT_JSON"))

    @app.errorhandler(TimeoutError)
    def busy(error: TimeoutError) -> Response:
        return document(Refused("BUSY"))

    @app.errorhandler(Exception)
    def unexpected(error: Exception) -> Response:
        current_app.logger.exception("%s %s failed", request.method, request.path)
        if current_app.testing:
            raise error
        return document(Refused("INTERNAL"))


def flat(messages: Any, path: str = "") -> dict[str, list[str]]:
    """marshmallow's nested messages as one level: `items.0.quantity` → messages."""
    if isinstance(messages, dict):
        found: dict[str, list[str]] = {}
        for key, value in messages.items():
            inner = (
                path
                if path == "" and key in ("json", "query", "form", "files", "headers")
                else f"{path}.{key}".strip(".")
            )
            found |= flat(value, inner)
        return found
    return {path[:200] or "_": [str(message) for message in (messages if isinstance(messages, list) else [messages])]}

"""WeChat Pay APIv3: certificates, JSAPI orders, refunds, medical-insurance orders, notifications."""

from mock_providers.wechatpay import account, certificates, choices, medical, medical_refund, notify, pay, refunds
from mock_providers.wechatpay.door import NAME, bp, space_of

__all__ = [
    "NAME",
    "account",
    "bp",
    "certificates",
    "choices",
    "medical",
    "medical_refund",
    "notify",
    "pay",
    "refunds",
    "space_of",
]

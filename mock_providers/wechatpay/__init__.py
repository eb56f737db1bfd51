"""WeChat Pay APIv3: certificates, JSAPI orders, refunds, medical-insurance orders, notifications."""

from mock_providers.wechatpay import (
    abnormal,
    account,
    bills,
    certificates,
    choices,
    echo,
    medical,
    medical_refund,
    notify,
    partner,
    pay,
    refunds,
)
from mock_providers.wechatpay.door import NAME, bp, space_of
from mock_providers.wechatpay.paid import connect

__all__ = [
    "NAME",
    "abnormal",
    "account",
    "bills",
    "bp",
    "certificates",
    "choices",
    "connect",
    "echo",
    "medical",
    "medical_refund",
    "notify",
    "partner",
    "pay",
    "refunds",
    "space_of",
]

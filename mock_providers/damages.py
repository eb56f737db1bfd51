"""Which vendor can be damaged how: its callbacks, and its answers."""

from mock_providers.national import answer_damage as national_answers
from mock_providers.national import damage as national
from mock_providers.webhooks.answer_faults import Answering
from mock_providers.wechat import damage as wechat
from mock_providers.wechatpay import answer_damage as wechatpay_answers
from mock_providers.wechatpay import damage as wechatpay

CALLBACKS = {"wechat": wechat.VENDOR, "wechatpay": wechatpay.VENDOR, "national": national.VENDOR}
ANSWERS = {
    "wechat": Answering(),
    "wechatpay": wechatpay_answers.ANSWERING,
    "national": national_answers.ANSWERING,
}

"""The fields of every request, as the gateway's schema layer knows them (protocol sheet §3.1, §4.1, §6.2, §6.9)."""

from mock_providers.wechatpay.rules import MIX_PAY_TYPES
from mock_providers.wechatpay.schema import MOST_OF_UINT, Field, Flag, Group, Many, Text, Whole, Word

OUT_TRADE_NO = r"^[0-9a-zA-Z_\-\|\*]+$"
URL = r"^https?://([^\s/?#\[\]\@]+\@)?([^\s/?#\@:]+)(?::\d{2,5})?([^\s?#\[\]]*)$"

MCHID = Text(title="商户号", most=32, required=True)
GOODS = Group(
    title="单品",
    fields={
        "merchant_goods_id": Text(title="商户侧商品编码", most=32, required=True),
        "wechatpay_goods_id": Text(title="微信侧商品编码", most=32),
        "goods_name": Text(title="商品名称", most=256),
        "quantity": Whole(title="商品数量", required=True, least=1),
        "unit_price": Whole(title="商品单价", required=True),
    },
)
STORE = Group(
    title="商户门店信息",
    fields={
        "id": Text(title="门店编号", most=32, required=True),
        "name": Text(title="门店名称", most=256),
        "area_code": Text(title="地区编码", most=32),
        "address": Text(title="详细地址", most=512),
    },
)
ORDER: dict[str, Field] = {
    "appid": Text(title="公众账号ID", most=32, required=True),
    "mchid": MCHID,
    "description": Text(title="商品描述", most=127, required=True),
    "out_trade_no": Text(title="商户订单号", least=6, most=32, pattern=OUT_TRADE_NO, required=True),
    "time_expire": Text(title="支付结束时间", most=64),
    "attach": Text(title="商户数据包", most=128, unit="字节数"),
    "notify_url": Text(title="通知地址", most=255, pattern=URL, required=True),
    "goods_tag": Text(title="订单优惠标记", most=32),
    "support_fapiao": Flag(title="电子发票入口开放标识"),
    "amount": Group(
        title="订单金额",
        required=True,
        fields={
            "total": Whole(title="总金额", least=1, required=True),
            "currency": Word(title="货币类型", words=("CNY",)),
        },
    ),
    "payer": Group(
        title="支付者信息", required=True, fields={"openid": Text(title="用户标识", most=128, required=True)}
    ),
    "detail": Group(
        title="优惠功能",
        fields={
            "cost_price": Whole(title="订单原价"),
            "invoice_id": Text(title="商品小票ID", most=32),
            "goods_detail": Many(title="单品列表", of=GOODS),
        },
    ),
    "scene_info": Group(
        title="场景信息",
        fields={
            "payer_client_ip": Text(title="用户终端IP", most=45, required=True),
            "device_id": Text(title="商户端设备号", most=32),
            "store_info": STORE,
        },
    ),
    "settle_info": Group(title="结算信息", fields={"profit_sharing": Flag(title="分账标识")}),
    "limit_pay": Many(title="指定支付方式", of=Text(title="支付方式", most=32)),
}
SP_MCHID = Text(title="服务商户号", most=32, required=True)
SUB_MCHID = Text(title="子商户号", most=32, required=True)
PARTNER_ORDER: dict[str, Field] = {
    "sp_appid": Text(title="服务商公众账号ID", most=32, required=True),
    "sp_mchid": SP_MCHID,
    "sub_appid": Text(title="子商户公众账号ID", most=32),
    "sub_mchid": SUB_MCHID,
    **{name: shape for name, shape in ORDER.items() if name not in ("appid", "mchid", "payer")},
    "payer": Group(
        title="支付者信息",
        required=True,
        fields={
            "sp_openid": Text(title="用户服务标识", most=128),
            "sub_openid": Text(title="用户子标识", most=128),
        },
    ),
}
MERCHANT = {"mchid": MCHID}
PARTNER: dict[str, Field] = {"sp_mchid": SP_MCHID, "sub_mchid": SUB_MCHID}
ORDER_NUMBER = {"out_trade_no": Text(title="商户订单号", least=6, most=32, pattern=OUT_TRADE_NO, required=True)}
TRANSACTION_NUMBER = {"transaction_id": Text(title="微信支付订单号", most=32, required=True)}

OUT_REFUND_NO = r"^[0-9a-zA-Z_\-\|\*@]+$"

SOURCE = Group(
    title="退款出资账户及金额",
    fields={
        "account": Word(title="出资账户类型", words=("AVAILABLE", "UNAVAILABLE"), required=True),
        "amount": Whole(title="出资金额", required=True, least=1),
    },
)
REFUNDED_GOODS = Group(
    title="退款商品",
    fields={
        "merchant_goods_id": Text(title="商户侧商品编码", most=32, required=True),
        "wechatpay_goods_id": Text(title="微信侧商品编码", most=32),
        "goods_name": Text(title="商品名称", most=256),
        "unit_price": Whole(title="商品单价", required=True),
        "refund_amount": Whole(title="商品退款金额", required=True),
        "refund_quantity": Whole(title="商品退货数量", required=True, least=1),
    },
)
REFUND: dict[str, Field] = {
    "sub_mchid": Text(title="子商户号", most=32),
    "transaction_id": Text(title="微信支付订单号", most=32),
    "out_trade_no": Text(title="商户订单号", most=32, pattern=OUT_TRADE_NO),
    "out_refund_no": Text(title="商户退款单号", most=64, pattern=OUT_REFUND_NO, required=True),
    "reason": Text(title="退款原因", most=80, unit="字节数"),
    "notify_url": Text(title="退款结果回调url", most=256, pattern=URL),
    "funds_account": Word(title="退款资金来源", words=("AVAILABLE", "UNSETTLED")),
    "amount": Group(
        title="金额信息",
        required=True,
        fields={
            "refund": Whole(title="退款金额", required=True, least=1),
            "total": Whole(title="原订单金额", required=True, least=1),
            "currency": Word(title="退款币种", words=("CNY",), required=True),
            "from": Many(title="退款出资账户及金额", of=SOURCE),
        },
    ),
    "goods_detail": Many(title="退款商品", of=REFUNDED_GOODS),
}
ABNORMAL_BANKS = (
    "CMB", "COMM", "ABC", "CCB", "ICBC", "BOC", "PAB", "SPDB", "CITIC", "CEB", "CMBC", "CIB", "GDB", "PSBC", "NBCB",
)  # fmt: skip
ABNORMAL_REFUND: dict[str, Field] = {
    "sub_mchid": Text(title="子商户号", most=32),
    "out_refund_no": Text(title="商户退款单号", most=64, pattern=OUT_REFUND_NO, required=True),
    "type": Word(title="异常退款处理方式", words=("USER_BANK_CARD", "MERCHANT_BANK_CARD"), required=True),
    "bank_type": Word(title="开户银行", words=tuple(f"{bank}_DEBIT" for bank in ABNORMAL_BANKS)),
    "bank_account": Text(title="收款银行卡号", most=1024),
    "real_name": Text(title="收款用户姓名", most=1024),
}
REFUND_ID = {"refund_id": Text(title="微信支付退款单号", most=32, required=True)}
REFUND_NUMBER = {"out_refund_no": Text(title="商户退款单号", most=64, pattern=OUT_REFUND_NO, required=True)}

BILL_DATE = Text(title="账单日期", most=10, pattern=r"^\d{4}-\d{2}-\d{2}$", required=True)
PACKED = Word(title="压缩类型", words=("GZIP",))
TRADE_BILL: dict[str, Field] = {
    "bill_date": BILL_DATE,
    "sub_mchid": Text(title="子商户号", most=32),
    "bill_type": Word(
        title="账单类型",
        words=("ALL", "SUCCESS", "REFUND", "RECHARGE_REFUND", "ALL_SPECIAL", "SUC_SPECIAL", "REF_SPECIAL"),
    ),
    "tar_type": PACKED,
}
FLOW_BILL: dict[str, Field] = {
    "bill_date": BILL_DATE,
    "account_type": Word(title="资金账户类型", words=("BASIC", "OPERATION", "FEES")),
    "tar_type": PACKED,
}
DOWNLOAD: dict[str, Field] = {"token": Text(title="下载令牌", most=2048, required=True)}

ORDER_TYPES = (
    "REG_PAY", "DIAG_PAY", "COVID_EXAM_PAY", "IN_HOSP_PAY", "PHARMACY_PAY", "INSURANCE_PAY", "INT_REG_PAY",
    "INT_RE_DIAG_PAY", "INT_RX_PAY", "COVID_ANTIGEN_PAY", "MED_PAY",
)  # fmt: skip
CARD_TYPES = (
    "ID_CARD", "HOUSEHOLD_REGISTRATION", "FOREIGNER_PASSPORT", "MAINLAND_TRAVEL_PERMIT_FOR_TW",
    "MAINLAND_TRAVEL_PERMIT_FOR_MO", "MAINLAND_TRAVEL_PERMIT_FOR_HK", "FOREIGN_PERMANENT_RESIDENT",
)  # fmt: skip
ADDED = ("DEFAULT_ADD_TYPE", "FREIGHT", "OTHER_MEDICAL_EXPENSES")
REDUCED = (
    "DEFAULT_REDUCE_TYPE", "HOSPITAL_REDUCE", "PHARMACY_DISCOUNT", "DISCOUNT", "PRE_PAYMENT", "DEPOSIT_DEDUCTION",
)  # fmt: skip


def _fee(title: str, required: bool = False) -> Whole:
    return Whole(title=title, most=MOST_OF_UINT, required=required)


def _changes(title: str, fee: str, kind: str, words: tuple[str, ...]) -> Many:
    fields = {fee: _fee(title, True), kind: Word(title=f"{title}类型", words=words, required=True)}
    return Many(title=title, of=Group(title=title, fields=fields))


def _someone(title: str, required: bool) -> Group:
    fields = {
        "name": Text(title="姓名", most=1024, required=True),
        "id_digest": Text(title="证件摘要", most=1024, required=True),
        "card_type": Word(title="证件类型", words=CARD_TYPES, required=True),
    }
    return Group(title=title, required=required, fields=fields)


MIXED_ORDER: dict[str, Field] = {
    "mix_pay_type": Word(title="混合支付类型", words=MIX_PAY_TYPES, required=True),
    "order_type": Word(title="订单类型", words=ORDER_TYPES, required=True),
    "appid": Text(title="公众账号ID", most=32, required=True),
    "openid": Text(title="用户标识", most=128, required=True),
    "payer": _someone("支付人身份信息", True),
    "pay_for_relatives": Flag(title="是否代亲属支付"),
    "relative": _someone("亲属身份信息", False),
    "out_trade_no": Text(title="商户订单号", most=64, required=True),
    "serial_no": Text(title="医疗机构订单号", most=40, required=True),
    "pay_order_id": Text(title="医保局返回的支付单ID", most=64),
    "pay_auth_no": Text(title="医保局返回的支付授权码", most=40),
    "geo_location": Text(title="用户定位信息", most=40, pattern=r"^-?\d{1,3}(\.\d+)?,-?\d{1,2}(\.\d+)?$"),
    "city_id": Text(title="城市ID", most=8, required=True),
    "med_inst_name": Text(title="医疗机构名称", most=128, required=True),
    "med_inst_no": Text(title="医疗机构编码", most=32, required=True),
    "med_ins_order_create_time": Text(title="医保下单时间", most=64),
    "total_fee": _fee("总金额", True),
    "med_ins_gov_fee": _fee("医保统筹基金支付金额"),
    "med_ins_self_fee": _fee("医保个人账户支付金额"),
    "med_ins_other_fee": _fee("医保其他基金支付金额"),
    "med_ins_cash_fee": _fee("医保结算后需自费金额"),
    "wechat_pay_cash_fee": _fee("微信支付现金金额"),
    "cash_add_detail": _changes("现金补充明细", "cash_add_fee", "cash_add_type", ADDED),
    "cash_reduce_detail": _changes("现金减免明细", "cash_reduce_fee", "cash_reduce_type", REDUCED),
    "callback_url": Text(title="回调通知URL", most=256, pattern=URL, required=True),
    "prepay_id": Text(title="预支付交易会话标识", most=64),
    "passthrough_request_content": Text(title="透传给医保局的请求内容", most=2048),
    "extends": Text(title="扩展字段", most=4096),
    "attach": Text(title="附加数据", most=128, unit="字节数"),
    "channel_no": Text(title="渠道号", most=32),
    "med_ins_test_env": Flag(title="是否医保测试环境"),
}
MIX_NUMBER = {"mix_trade_no": Text(title="混合交易订单号", most=32, required=True)}
OUT_NUMBER = {"out_trade_no": Text(title="商户订单号", most=64, required=True)}
REFUND_REPORT: dict[str, Field] = {
    "med_refund_total_fee": _fee("医保退款总金额", True),
    "med_refund_gov_fee": _fee("医保统筹退款金额", True),
    "med_refund_self_fee": _fee("医保个账退款金额", True),
    "med_refund_other_fee": _fee("医保其他退款金额", True),
    "refund_time": Text(title="医保退款时间", most=64, required=True),
    "out_refund_no": Text(title="商户退款单号", most=64, required=True),
}
SUB_MERCHANT: dict[str, Field] = {"sub_mchid": Text(title="子商户号", most=32, required=True)}
PARTNER_MIXED_ORDER: dict[str, Field] = {
    **MIXED_ORDER,
    **SUB_MERCHANT,
    "sub_appid": Text(title="子商户公众账号ID", most=32),
    "openid": Text(title="用户标识", most=128),
    "sub_openid": Text(title="用户子标识", most=128),
}
PARTNER_REFUND_REPORT: dict[str, Field] = {**REFUND_REPORT, **SUB_MERCHANT}

"""Twice is once."""

from yibao.db import db
from yibao.inbox import first_time
from yibao.spaces import entered


def test_a_message_is_new_once(yibao):
    with entered(yibao, "default"):
        assert first_time("wechatpay", "EV-1")
        assert not first_time("wechatpay", "EV-1")
        db.session.commit()
        assert not first_time("wechatpay", "EV-1")


def test_a_rollback_forgets_it(yibao):
    with entered(yibao, "default"):
        assert first_time("wechatpay", "EV-1")
        db.session.rollback()
        assert first_time("wechatpay", "EV-1")


def test_providers_and_spaces_count_for_themselves(yibao):
    with entered(yibao, "default"):
        assert first_time("wechatpay", "EV-1")
        assert first_time("national", "EV-1")
        db.session.commit()
    with entered(yibao, "other"):
        assert first_time("wechatpay", "EV-1")

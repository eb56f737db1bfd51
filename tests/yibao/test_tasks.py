"""Work that is due by business time."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import select

from tests.yibao.conftest import TODAY
from yibao import clock, tasks
from yibao.db import db
from yibao.spaces import entered


@pytest.fixture
def done(yibao, monkeypatch):
    """Handlers of this test: `note` remembers, `fail` raises, `again` plans itself once more, `die` is killed."""
    seen = []

    def fail(ref, about):
        tasks.at(clock.now(), "note", "left behind")
        raise RuntimeError("no")

    def again(ref, about):
        seen.append(ref)
        if about["times"] > 1:
            tasks.at(clock.now(), "again", ref, times=about["times"] - 1)
            db.session.commit()

    def die(ref, about):
        raise KeyboardInterrupt

    handlers = {"die": die, "note": lambda ref, about: seen.append((ref, about)), "fail": fail, "again": again}
    monkeypatch.setattr(tasks, "HANDLERS", {**tasks.HANDLERS, **handlers})
    with entered(yibao, "default"):
        yield seen


def plan(minutes, kind, ref, **about):
    tasks.at(TODAY + timedelta(minutes=minutes), kind, ref, **about)
    db.session.commit()


def test_what_is_due_is_done_in_order_and_once(done):
    plan(2, "note", "b", x=1)
    plan(1, "note", "a")
    plan(3, "note", "later")
    assert tasks.next_due() == TODAY + timedelta(minutes=1)
    ran = tasks.run_due(TODAY + timedelta(minutes=2))
    assert [task["ref"] for task in ran] == ["a", "b"]
    assert done == [("a", {}), ("b", {"x": 1})]
    assert tasks.run_due(TODAY + timedelta(minutes=2)) == []


def test_a_new_plan_replaces_the_old_and_a_dropped_one_is_gone(done):
    plan(1, "note", "a", n=1)
    plan(2, "note", "a", n=2)
    plan(2, "note", "b")
    tasks.drop("note", "b")
    db.session.commit()
    tasks.run_due(TODAY + timedelta(hours=1))
    assert done == [("a", {"n": 2})]


def test_a_handler_may_plan_itself(done):
    plan(0, "again", "a", times=3)
    tasks.run_due(TODAY)
    assert done == ["a", "a", "a"]


def test_a_failing_task_is_rolled_back_and_tried_again(done):
    plan(0, "fail", "a")
    with pytest.raises(RuntimeError):
        tasks.run_due(TODAY)
    left = db.session.scalars(select(tasks.Task)).one()
    assert (left.kind, left.due_at) == ("fail", TODAY + tasks.RETRY)


def test_a_task_that_was_cut_off_by_the_end_of_the_process_comes_again(done, monkeypatch):
    plan(0, "die", "a", n=1)
    with pytest.raises(KeyboardInterrupt):
        tasks.run_due(TODAY)
    db.session.rollback()
    monkeypatch.setitem(tasks.HANDLERS, "die", lambda ref, about: done.append((ref, about)))
    assert tasks.run_due(TODAY) == []
    tasks.run_due(TODAY + tasks.RETRY)
    assert done == [("a", {"n": 1})]
    assert tasks.next_due() is None


def test_a_slow_provider_in_one_space_does_not_hold_up_the_tasks_of_another(done, yibao, monkeypatch):
    stuck, came = threading.Event(), threading.Event()
    monkeypatch.setitem(tasks.HANDLERS, "slow", lambda ref, about: stuck.wait(10))
    monkeypatch.setitem(tasks.HANDLERS, "quick", lambda ref, about: came.set())
    monkeypatch.setattr(tasks, "TICK_SECONDS", 0.01)
    for space, kind in (("a", "slow"), ("b", "quick")):
        with entered(yibao, space):
            plan(0, kind, "x")
    ticker = tasks.Ticker(yibao)
    ticker.start()
    assert came.wait(5)
    assert "a" in ticker.at_work
    stuck.set()
    ticker.stop()
    for space in ("a", "b"):
        with ticker.one_at_a_time[space]:
            pass


def test_the_ticker_logs_a_failure_and_goes_on(done, yibao):
    plan(0, "fail", "a")
    db.session.rollback()
    assert yibao.extensions["ticker"].run("default", TODAY) == []


def test_a_space_runs_its_own_tasks(done, yibao):
    plan(0, "note", "a")
    db.session.rollback()
    with entered(yibao, "other"):
        assert tasks.next_due() is None
        assert tasks.run_due(TODAY) == []
    assert done == []

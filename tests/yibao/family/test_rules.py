"""Who may be bound and when: pure rules."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yibao import policy
from yibao.clock import CHINA
from yibao.errors import CATALOGUE, Refused
from yibao.steps.family import rules

HN = policy.load("hn")[-1]
AGE = HN.age_rule
STATES = sorted({state for state, _ in rules.NEXT} | set(rules.NEXT.values()))
EVENTS = sorted({event for _, event in rules.NEXT})
DAYS = st.dates(date(1895, 1, 1), date(2060, 12, 31))


def code_of(function: object, *args: object) -> str:
    with pytest.raises(Refused) as caught:
        function(*args)  # type: ignore[operator]
    return caught.value.code


@pytest.mark.parametrize(
    ("born_on", "inclusive", "reached", "adult_on"),
    [
        ("2009-12-01", True, "on_birthday", "2025-12-01"),
        ("2009-12-01", True, "day_after_birthday", "2025-12-02"),
        ("2009-12-01", False, "on_birthday", "2026-12-01"),
        ("2009-12-01", False, "day_after_birthday", "2026-12-02"),
        ("2008-02-29", True, "on_birthday", "2024-02-29"),
        ("2008-02-29", False, "on_birthday", "2025-03-01"),
        ("2009-12-31", True, "day_after_birthday", "2026-01-01"),
    ],
)
def test_the_day_somebody_comes_of_age(born_on: str, inclusive: bool, reached: str, adult_on: str) -> None:
    rule = replace(AGE, inclusive=inclusive, reached=reached)  # type: ignore[arg-type]
    day = date.fromisoformat(adult_on)
    assert rules.adult_on(date.fromisoformat(born_on), rule) == day
    assert rules.is_adult(date.fromisoformat(born_on), day, rule)
    assert not rules.is_adult(date.fromisoformat(born_on), day - timedelta(days=1), rule)


@given(DAYS, DAYS)
def test_an_adult_stays_an_adult(born_on: date, day: date) -> None:
    if rules.is_adult(born_on, day, AGE):
        assert rules.is_adult(born_on, day + timedelta(days=1), AGE)
        assert (day - born_on).days >= 16 * 365


@given(DAYS, DAYS)
def test_a_face_is_asked_of_adults_and_of_nobody_else(born_on: date, day: date) -> None:
    wanted = rules.face_subject("id_card", born_on, day, HN) == "relative"
    assert wanted == rules.is_adult(born_on, day, AGE)
    assert rules.face_subject("birth_certificate", born_on, day, HN) == "mother"


@given(st.lists(st.sampled_from(EVENTS), max_size=40))
def test_no_order_of_events_leaves_the_table_and_what_ended_stays_ended(events: Sequence[str]) -> None:
    state = "DRAFT"
    for event in events:
        before = state
        try:
            state = rules.move(state, event)
        except Refused as refused:
            assert refused.code in CATALOGUE
        assert state in STATES
        assert before not in rules.ENDED or state == before


@given(st.lists(st.sampled_from(EVENTS), max_size=40))
def test_nobody_is_bound_without_notice_data_papers_letter_and_submission(events: Sequence[str]) -> None:
    state, done = "DRAFT", []
    for event in events:
        try:
            state = rules.move(state, event)
        except Refused:
            continue
        done.append(event)
    if state in rules.BOUND:
        assert {"read", "enter", "complete", "sign", "submit", "check", "activate"} <= set(done)


def test_every_state_can_be_reached_and_every_open_state_can_be_left() -> None:
    reached = {"DRAFT"}
    for _ in STATES:
        reached |= {to for (state, _), to in rules.NEXT.items() if state in reached}
    assert reached == set(STATES)
    assert set(STATES) - set(rules.ENDED) == {state for state, _ in rules.NEXT}


@pytest.mark.parametrize(
    ("state", "event", "reason", "code"),
    [
        ("EXPIRED", "enter", "", "BINDING_EXPIRED"),
        ("REJECTED", "submit", "FA_NOT_REGISTERED", "FA_NOT_REGISTERED"),
        ("REJECTED", "submit", "", "STATE_CONFLICT"),
        ("DRAFT", "enter", "", "NOTICE_NOT_READ"),
        ("INFO_OK", "render", "", "MATERIAL_MISSING"),
        ("MATERIAL_OK", "submit", "", "LETTER_MISSING"),
        ("ACTIVE", "submit", "", "STATE_CONFLICT"),
        ("DRAFT", "unbind", "", "STATE_CONFLICT"),
    ],
)
def test_a_skipped_step_is_named(state: str, event: str, reason: str, code: str) -> None:
    assert code_of(rules.move, state, event, reason) == code


@given(st.lists(st.sampled_from(list(rules.RELATIONS)), max_size=9), st.integers(0, 4))
def test_the_limits_let_in_exactly_as_many_as_the_policy_says(relations: list[str], others: int) -> None:
    for relation in rules.RELATIONS:
        count = rules.Count(relations, others)
        full = relation == "child" and relations.count("child") >= 3
        if not full and others < 2:
            rules.check_limits(relation, count, HN)
        else:
            assert code_of(rules.check_limits, relation, count, HN) == (
                "FA_CHILD_LIMIT" if full else "FA_BINDER_LIMIT"
            )


def test_members_are_limited_only_where_the_policy_says_a_number() -> None:
    six = policy.load("generic-6")[0]
    rules.check_limits("sibling", rules.Count(["sibling"] * 5, 0), six)
    assert code_of(rules.check_limits, "sibling", rules.Count(["sibling"] * 6, 0), six) == "FA_MEMBER_LIMIT"


@given(st.text(max_size=20))
def test_a_relation_is_allowed_only_if_it_is_on_the_list(relation: str) -> None:
    if relation not in HN.family_account.allowed_relations:
        assert code_of(rules.check_relation, relation, HN) == "FA_RELATION_NOT_ALLOWED"


@pytest.mark.parametrize("id_type", ["id_card", "hk_permit", "tw_permit", "passport", "birth_certificate"])
@pytest.mark.parametrize("adult", [True, False])
def test_one_of_each_group_is_enough_and_none_too_few(id_type: str, adult: bool) -> None:
    if id_type == "birth_certificate" and adult:
        assert code_of(rules.material_rule, HN, id_type, adult) == "MATERIAL_TYPE"
        return
    rule = rules.material_rule(HN, id_type, adult)
    assert rules.missing(rule, []) == list(rule.needs)
    assert rules.missing(rule, [group[-1] for group in rule.needs]) == []
    assert set(rules.offered(rule)) <= set(rules.MATERIALS)
    assert not (adult and "birth_certificate" in rules.offered(rule))


CHILD = rules.Claimed("林样四", "id_card", date(2017, 9, 10))


def found(**changes: object) -> rules.Registered:
    held = rules.Registered("林样四", "46000000000000000004", date(2017, 9, 10), ("460100",))
    return replace(held, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("registered", "code"),
    [
        (None, "FA_NOT_REGISTERED"),
        (found(areas=()), "FA_NOT_REGISTERED"),
        (found(name="林样肆"), "FA_NAME_ID_MISMATCH"),
        (found(born_on=date(2017, 9, 11)), "FA_NAME_ID_MISMATCH"),
        (found(areas=("440100",)), "FA_NOT_IN_PROVINCE"),
    ],
)
def test_the_registry_says_no(registered: rules.Registered | None, code: str) -> None:
    assert code_of(rules.judge, registered, CHILD, HN) == code


def test_one_scheme_in_the_province_is_enough_and_other_regions_may_not_ask() -> None:
    rules.judge(found(areas=("440100", "469005")), CHILD, HN)
    anywhere = replace(HN, family_account=replace(HN.family_account, province_only=False))
    rules.judge(found(areas=("440100",)), CHILD, anywhere)


def test_a_newborn_needs_no_entry_but_not_another_name() -> None:
    newborn = rules.Claimed("林样六", "birth_certificate", date(2025, 11, 10))
    rules.judge(None, newborn, HN)
    rules.judge(found(name="林样六", born_on=date(2025, 11, 10), areas=()), newborn, HN)
    assert code_of(rules.judge, found(born_on=None), newborn, HN) == "FA_NAME_ID_MISMATCH"


def test_the_mother_is_somebody_with_that_name() -> None:
    rules.judge_mother(found(), "林样四", None)
    assert code_of(rules.judge_mother, None, "林样四", None) == "FA_MOTHER_MISMATCH"
    assert code_of(rules.judge_mother, found(), "林样肆", None) == "FA_MOTHER_MISMATCH"


def test_the_mother_is_the_one_the_certificate_names() -> None:
    mother = rules.Registered("王样七", "1", None, (), id_number="469099198911239146")
    child = rules.Registered("林样六", "2", None, (), mother_id_number="469099198911239146")
    other = rules.Registered("林样六", "2", None, (), mother_id_number="469099199007029049")
    rules.judge_mother(mother, "王样七", child)
    assert code_of(rules.judge_mother, mother, "王样七", other) == "FA_MOTHER_MISMATCH"


@pytest.mark.parametrize(
    ("effect", "moment"),
    [
        ("immediate", "2025-12-31T23:59:00"),
        ("next_day", "2026-01-01T00:00:00"),
        ("next_month", "2026-01-01T00:00:00"),
    ],
)
def test_what_is_decided_now_takes_effect(effect: policy.Effective, moment: str) -> None:
    now = datetime(2025, 12, 31, 23, 59, tzinfo=CHINA)
    assert rules.usable_from(now, effect) == datetime.fromisoformat(moment).replace(tzinfo=CHINA)


@pytest.mark.parametrize(
    ("state", "subject", "wanted", "code"),
    [
        ("FACE_PENDING", "self", "mother", "FACE_SUBJECT_MISMATCH"),
        ("MATERIAL_OK", "self", "", "LETTER_MISSING"),
        ("LETTER_SIGNED", "relative", "", "STATE_CONFLICT"),
        ("ACTIVE", "relative", "", "STATE_CONFLICT"),
        ("ACTIVE", "self", "", "STATE_CONFLICT"),
        ("CHECKING", "relative", "", "STATE_CONFLICT"),
        ("EXPIRED", "relative", "", "BINDING_EXPIRED"),
    ],
)
def test_only_the_face_that_is_due_is_looked_at(state: str, subject: str, wanted: str, code: str) -> None:
    assert code_of(rules.may_open_face, state, subject, wanted, "") == code


def test_the_face_that_is_due_is_let_through() -> None:
    rules.may_open_face("LETTER_SIGNED", "self", "", "")
    rules.may_open_face("REAUTH_REQUIRED", "relative", "relative", "")


def test_an_unauthorised_adult_is_blocked_when_the_days_are_over() -> None:
    until = datetime(2026, 1, 1, tzinfo=CHINA)
    assert not rules.is_blocked("REAUTH_REQUIRED", until, until - timedelta(seconds=1))
    assert rules.is_blocked("REAUTH_REQUIRED", until, until)
    assert rules.is_blocked("REAUTH_REQUIRED", None, until)
    assert not rules.is_blocked("ACTIVE", until, until)


def test_under_the_policy_of_2022_only_spouse_parents_and_children_are_bound() -> None:
    old = policy.at(policy.load("hn"), date(2024, 9, 30))
    allowed = set(rules.RELATIONS) - {"sibling", "grandparent", "grandchild"}
    for relation in rules.RELATIONS:
        if relation in allowed:
            rules.check_relation(relation, old)
        else:
            assert code_of(rules.check_relation, relation, old) == "FA_RELATION_NOT_ALLOWED"

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum, StrEnum
from pathlib import Path
from typing import Final

import pytest
from figures import figures
from pydantic import BaseModel

from planfill.domain.errors import PlanInvalid
from planfill.domain.plan import Action, Plan, Urgency
from planfill.domain.reading import path_of, read_plan, read_plan_text
from planfill.testing.builders import a_plan, an_item

PLANS: Final = sorted(
    (Path(__file__).resolve().parents[3] / "docs" / "examples" / "plans").glob("*.plan.json")
)
MISSING: Final = object()
TOO_LONG = "1234567890123456"


def document(**fields: object) -> dict[str, object]:
    plan: dict[str, object] = {
        "plan_id": "p", "correlation_id": "c", "timestamp": "2021-03-31T20:55:00+00:00", "items": [line()]
    }  # fmt: skip
    return {name: value for name, value in (plan | fields).items() if value is not MISSING}


def line(**fields: object) -> dict[str, object]:
    item: dict[str, object] = {"symbol": "SPY", "action": "BUY", "trade_amount": "1000.00"}
    return {name: value for name, value in (item | fields).items() if value is not MISSING}


def problems_of(plan: object) -> dict[str, str]:
    with pytest.raises(PlanInvalid) as caught:
        read_plan(plan)
    return {problem.path: problem.message for problem in caught.value.problems}


def problems_of_text(text: str | bytes) -> dict[str, str]:
    with pytest.raises(PlanInvalid) as caught:
        read_plan_text(text)
    return {problem.path: problem.message for problem in caught.value.problems}


# --- what a plan may be ---------------------------------------------------------------------------


def test_there_are_twelve_real_plans() -> None:
    assert len(PLANS) == 12


@pytest.mark.parametrize("path", PLANS, ids=lambda path: path.name)
def test_a_real_plan_is_read_as_it_is_and_nothing_is_odd_about_it(path: Path) -> None:
    plan, raw = read_plan_text(path.read_bytes()), json.loads(path.read_text())
    assert plan.warnings == ()
    assert [item.symbol for item in plan.items] == [item["symbol"] for item in raw["items"]]
    assert [item.trade_amount for item in plan.items] == [
        Decimal(item["trade_amount"]) for item in raw["items"]
    ]
    assert [item.is_full_exit for item in plan.items] == [
        item["action"] == "SELL" and Decimal(item["target_weight"]) == 0 for item in raw["items"]
    ]


def test_text_may_be_bytes_in_utf_8() -> None:
    text = json.dumps(document(metadata={"who": "Jürgen"}), ensure_ascii=False)
    assert read_plan_text(text.encode()) == read_plan_text(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("null", "a plan is one JSON object, this is null"),
        ("[]", "a plan is one JSON object, this is list"),
        ("5", "a plan is one JSON object, this is int"),
        ('"plan"', "a plan is one JSON object, this is str"),
        ("", "not JSON: Expecting value at line 1 column 1"),
        ("{\n  'a': 1}", "not JSON: Expecting property name enclosed in double quotes at line 2 column 3"),
        ("[" * 100_000, "not a plan: nested too deeply"),
        (b"{\xff}", "not UTF-8: byte 1 cannot be read"),
        ("{}".encode("utf-16"), "not UTF-8: byte 0 cannot be read"),
        (b"\xef\xbb\xbf{}", "not JSON: Unexpected UTF-8 BOM (decode using utf-8-sig) at line 1 column 1"),
    ],
    ids=["null", "list", "number", "text", "nothing", "not JSON", "deep", "not UTF-8", "UTF-16", "BOM"],
)
def test_what_is_not_one_json_object_in_utf_8_is_no_plan(text: str | bytes, said: str) -> None:
    assert problems_of_text(text) == {"": said}


@pytest.mark.parametrize(
    ("thing", "kind"), [(None, "null"), ([], "list"), (b"{}", "bytes"), (object(), "object")]
)
def test_what_is_no_mapping_is_no_plan(thing: object, kind: str) -> None:
    assert problems_of(thing) == {"": f"a plan is one JSON object, this is {kind}"}


def test_of_an_empty_object_all_that_is_missing_is_listed() -> None:
    needed = ["correlation_id", "items", "plan_id", "timestamp"]
    assert problems_of({}) == dict.fromkeys(needed, "Field required")


def test_a_plan_that_was_read_is_a_plan() -> None:
    plan = a_plan(an_item())
    assert read_plan(plan) is plan


def test_a_plan_without_lines_is_a_plan() -> None:
    assert read_plan(document(items=[])).items == ()
    assert read_plan(document(items=())).items == ()


class EngineAction(StrEnum):
    BUY = "buy"


class EngineItem(BaseModel):
    symbol: str = "spy"
    action: EngineAction = EngineAction.BUY
    trade_amount: float = 1000.5
    target_weight: Decimal | None = None


class EnginePlan(BaseModel):
    plan_id: str = "p"
    correlation_id: str = "c"
    timestamp: datetime = datetime(2021, 3, 31, tzinfo=UTC)
    items: list[EngineItem] = [EngineItem()]
    urgency_note: str = "none"


def test_an_engine_may_hand_over_a_pydantic_model_of_its_own() -> None:
    plan = read_plan(EnginePlan())
    assert (plan.items[0].symbol, plan.items[0].planned_usd) == ("SPY", Decimal("1000.5"))
    assert plan.warnings == ("urgency_note: unknown field, kept and not used",)


def test_an_engines_model_is_judged_like_any_other_plan() -> None:
    found = problems_of(EnginePlan(plan_id="", items=[EngineItem(), EngineItem(trade_amount=-1)]))
    assert set(found) == {"items[1].symbol", "items[1].trade_amount", "plan_id"}


def test_lines_may_be_values_in_a_python_plan() -> None:
    assert a_plan(an_item("A"), an_item("B")).items[1].symbol == "B"
    found = problems_of(document(items=[an_item("A"), an_item("A"), an_item("B", trade_amount=None)]))
    assert found == {
        "items[1].symbol": "A is in the plan twice, first at items[0]",
        "items[2].trade_amount": "a trade_amount is needed, or a quantity with a reference_price",
    }


# --- the fields of a plan -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "value", "read"),
    [
        ("plan_id", "x" * 200, "x" * 200),
        ("causation_id", "signal-1", "signal-1"),
        ("causation_id", None, None),
        ("timestamp", "2021-03-31T20:55:00Z", datetime(2021, 3, 31, 20, 55, tzinfo=UTC)),
        (
            "timestamp",
            "2021-03-31T20:55:00.000001-05:00",
            datetime(2021, 3, 31, 20, 55, 0, 1, timezone(-timedelta(hours=5))),
        ),
        ("timestamp", datetime(2021, 3, 31, tzinfo=UTC), datetime(2021, 3, 31, tzinfo=UTC)),
        ("total_portfolio_value", "0", Decimal(0)),
        ("total_portfolio_value", 1000079.45, Decimal("1000079.45")),
        ("total_trade_value", "1000", Decimal(1000)),
        ("max_drift_tolerance", "0", Decimal(0)),
        ("max_drift_tolerance", 1, Decimal(1)),
        ("execution_urgency", "low", Urgency.LOW),
        ("execution_urgency", " Urgent ", Urgency.URGENT),
        ("estimated_duration_minutes", 1, 1),
        ("account", "main", "main"),
        ("schema_version", "1.2", "1.2"),
        ("schema_version", 3, 3),
        ("strategy_id", "momentum", "momentum"),
        ("metadata", {"a": [1, None, "x"]}, {"a": [1, None, "x"]}),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_field_of_a_plan_is_read(field: str, value: object, read: object) -> None:
    plan = read_plan(document(**{field: value}))
    assert getattr(plan, field) == read
    assert plan.warnings == ()


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("plan_id", "", "at least 1 character"),
        ("plan_id", "x" * 201, "at most 200 characters"),
        ("plan_id", 5, "valid string"),
        ("plan_id", None, "valid string"),
        ("plan_id", MISSING, "Field required"),
        ("correlation_id", "", "at least 1 character"),
        ("correlation_id", MISSING, "Field required"),
        ("causation_id", "", "at least 1 character"),
        ("timestamp", "2021-03-31T20:55:00", "timezone"),
        ("timestamp", datetime(2021, 3, 31), "timezone"),  # noqa: DTZ001 - a naive one is refused
        ("timestamp", "2021-03-31", "timezone"),
        ("timestamp", "yesterday", "not an ISO 8601 time such as 2021-01-29T20:55:00+00:00"),
        ("timestamp", 1617224100, "valid datetime"),
        ("timestamp", None, "valid datetime"),
        ("timestamp", MISSING, "Field required"),
        ("items", None, "valid tuple"),
        ("items", {}, "valid tuple"),
        ("items", "SPY", "valid tuple"),
        ("items", MISSING, "Field required"),
        ("total_portfolio_value", "-0.01", "greater than or equal to 0"),
        ("total_portfolio_value", "much", "'much' is not a number such as 1234.56"),
        ("total_trade_value", TOO_LONG, "more than 15 digits before the point"),
        ("total_trade_value", True, "Decimal"),
        ("max_drift_tolerance", "1.01", "less than or equal to 1"),
        ("max_drift_tolerance", "-0.01", "greater than or equal to 0"),
        ("execution_urgency", "ASAP", "'ASAP' is none of LOW, NORMAL, HIGH, URGENT"),
        ("execution_urgency", 1, "instance of Urgency"),
        ("estimated_duration_minutes", 0, "greater than or equal to 1"),
        ("estimated_duration_minutes", "5", "valid integer"),
        ("estimated_duration_minutes", True, "valid integer"),
        ("account", "", "at least 1 character"),
        ("strategy_id", 5, "valid string"),
    ],
    ids=lambda value: "missing" if value is MISSING else str(value)[:40],
)
def test_a_field_of_a_plan_that_is_wrong_is_refused_at_its_path(field: str, value: object, said: str) -> None:
    found = problems_of(document(**{field: value}))
    assert list(found) == [field]
    assert said in found[field]
    assert "Value error" not in found[field]


# --- the fields of a line -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "value", "read"),
    [
        ("symbol", " brk.b ", "BRK.B"),
        ("symbol", "btc/usd", "BTC/USD"),
        ("symbol", "x" * 50, "X" * 50),
        ("action", "buy", Action.BUY),
        ("action", " Buy ", Action.BUY),
        ("trade_amount", "0", Decimal(0)),
        ("trade_amount", "1e3", Decimal(1000)),
        ("trade_amount", "999999999999999.999999999", Decimal("999999999999999.999999999")),
        ("trade_amount", 1234.56, Decimal("1234.56")),
        ("priority", 1, 1),
        ("priority", 5, 5),
        ("current_weight", "0", Decimal(0)),
        ("current_weight", 1, Decimal(1)),
        ("target_weight", "0.5", Decimal("0.5")),
        ("weight_diff", "-0.5", Decimal("-0.5")),
        ("target_value", "-5", Decimal(-5)),
        ("current_value", "5", Decimal(5)),
        ("quantity", "0.000000001", Decimal("0.000000001")),
        ("reference_price", "0.0001", Decimal("0.0001")),
        ("strategy_id", "momentum", "momentum"),
        ("strategy_id", None, None),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_field_of_a_line_is_read(field: str, value: object, read: object) -> None:
    plan = read_plan(document(items=[line(**{field: value})]))
    assert getattr(plan.items[0], field) == read
    assert plan.warnings == ()


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("symbol", "", "at least 1 character"),
        ("symbol", "  ", "at least 1 character"),
        ("symbol", "x" * 51, "at most 50 characters"),
        ("symbol", "S PY", "match pattern"),
        ("symbol", "$SPY", "match pattern"),
        ("symbol", "ÄÖ", "match pattern"),
        ("symbol", "ﬁs", "match pattern"),  # its capitals would spell another ticker: FIS
        ("symbol", 5, "valid string"),
        ("symbol", MISSING, "Field required"),
        ("action", "SHORT", "'SHORT' is none of BUY, SELL, HOLD"),
        ("action", "x" * 50, f"'{'x' * 40}' is none of BUY, SELL, HOLD"),
        ("action", "\u017fell", "'\u017fell' is none of BUY, SELL, HOLD"),  # a long s
        ("action", 5, "instance of Action"),
        ("action", None, "instance of Action"),
        ("action", MISSING, "Field required"),
        ("trade_amount", "-0.01", "a BUY with a negative amount: the sign contradicts the action"),
        ("trade_amount", TOO_LONG, "more than 15 digits before the point"),
        ("trade_amount", "0.0000000001", "more than 9 digits after the point: round it"),
        ("trade_amount", "$5", "'$5' is not a number such as 1234.56"),
        ("trade_amount", True, "Decimal"),
        ("trade_amount", [], "Decimal"),
        ("trade_amount", None, "a trade_amount is needed, or a quantity with a reference_price"),
        ("trade_amount", MISSING, "a trade_amount is needed, or a quantity with a reference_price"),
        ("priority", 0, "greater than or equal to 1"),
        ("priority", 6, "less than or equal to 5"),
        ("priority", "3", "valid integer"),
        ("priority", 3.0, "valid integer"),
        ("priority", None, "valid integer"),
        ("current_weight", "1.1", "less than or equal to 1"),
        ("target_weight", "-0.1", "greater than or equal to 0"),
        ("weight_diff", "x", "is not a number"),
        ("quantity", 0, "greater than 0"),
        ("quantity", -1, "greater than 0"),
        ("reference_price", 0, "greater than 0"),
        ("reference_price", "-1", "greater than 0"),
        ("strategy_id", 5, "valid string"),
    ],
    ids=lambda value: "missing" if value is MISSING else str(value)[:40],
)
def test_a_field_of_a_line_that_is_wrong_is_refused_at_its_path(field: str, value: object, said: str) -> None:
    found = problems_of(document(items=[line(symbol="QQQ"), line(**{field: value})]))
    assert list(found) == [f"items[1].{field}"]
    assert said in found[f"items[1].{field}"]


@pytest.mark.parametrize("thing", [5, "SPY", None, [], True], ids=repr)
def test_a_line_that_is_no_object_is_refused(thing: object) -> None:
    found = problems_of(document(items=[thing]))
    assert "valid dictionary" in found["items[0]"]


@pytest.mark.parametrize("amount", ["-1000", "1000", -1000.0, 1000.0])
def test_a_sale_is_read_signed_and_unsigned(amount: object) -> None:
    item = read_plan(document(items=[line(action="SELL", trade_amount=amount)])).items[0]
    assert item.planned_usd == 1000


@pytest.mark.parametrize("amount", [MISSING, None, "0", "5", "-5"], ids=lambda value: str(value)[:3])
def test_a_hold_needs_no_amount_and_has_no_wrong_sign(amount: object) -> None:
    assert read_plan(document(items=[line(action="hold", trade_amount=amount)])).items[0].planned_usd == 0


@pytest.mark.parametrize(
    ("fields", "valid"),
    [
        ({"quantity": 5, "reference_price": 10}, True),
        ({"quantity": 5}, False),
        ({"reference_price": 10}, False),
        ({"quantity": 5, "reference_price": None}, False),
    ],
    ids=str,
)
def test_a_quantity_needs_dollars_or_a_reference_price_beside_it(
    fields: dict[str, object], *, valid: bool
) -> None:
    plan = document(items=[line(trade_amount=MISSING, **fields)])
    if valid:
        assert read_plan(plan).items[0].planned_usd == 50
    else:
        assert list(problems_of(plan)) == ["items[0].trade_amount"]


def test_dollars_and_shares_may_stand_together() -> None:
    item = read_plan(document(items=[line(quantity="7.2273576")])).items[0]
    assert figures(item.quantity, item.planned_usd) == (Decimal("7.2273576"), 1000)


# --- what concerns the whole ----------------------------------------------------------------------


def test_a_symbol_twice_is_refused_however_it_is_written() -> None:
    lines = [line(symbol="SPY"), line(symbol="QQQ"), line(symbol=" spy "), line(symbol="Spy")]
    said = "SPY is in the plan twice, first at items[0]"
    assert problems_of(document(items=lines)) == {"items[2].symbol": said, "items[3].symbol": said}


def test_every_problem_is_told_at_once_in_the_order_of_the_lines() -> None:
    lines: list[object] = [line(symbol=f"S{n}", trade_amount="x") for n in range(50)]
    found = problems_of(document(plan_id="", items=lines))
    assert list(found) == [*(f"items[{n}].trade_amount" for n in range(50)), "plan_id"]


def test_problems_between_lines_are_told_together_with_those_within() -> None:
    found = problems_of(document(items=[line(), line(action="SHORT", trade_amount=MISSING), 5]))
    assert list(found) == [
        "items[1].action",
        "items[1].symbol",
        "items[1].trade_amount",
        "items[2]",
        "items[2].trade_amount",
    ]


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity"])
def test_the_words_for_what_is_no_number_are_refused_wherever_they_stand(word: str) -> None:
    text = json.dumps(document(items=[line(trade_amount=0)], metadata=[{"a": 0}], odd=0)).replace(
        "0}", f"{word}}}"
    )
    found = problems_of_text(text)
    for path in ("items[0].trade_amount", "metadata[0].a", "odd"):
        assert found[path] == f"{word} is not an amount"


def test_what_is_no_number_in_python_is_refused_where_it_stands() -> None:
    plan = document(metadata={"a": (1.0, float("nan"))}, total_trade_value=Decimal("sNaN"))
    assert problems_of(plan) == {
        "metadata.a[1]": "nan is not an amount",
        "total_trade_value": "sNaN is not an amount",
    }


def test_a_number_with_an_impossible_exponent_is_refused_where_it_stands() -> None:
    text = json.dumps(document()).replace('"1000.00"', "1e99999999999999999999")
    assert problems_of_text(text) == {
        "items[0].trade_amount": "'1e99999999999999999999' is not a number such as 1234.56"
    }


@pytest.mark.parametrize("digits", [15, 16, 30, 31, 5000])
def test_an_integer_of_any_length_is_read_or_refused(digits: int) -> None:
    text = json.dumps(document()).replace('"1000.00"', "9" * digits)
    if digits == 15:
        assert read_plan_text(text).items[0].trade_amount == 999999999999999
    else:
        assert problems_of_text(text) == {"items[0].trade_amount": "more than 15 digits before the point"}


def test_an_integer_is_no_amount_of_anything_else() -> None:
    plan = read_plan_text(json.dumps(document(metadata=[10**29])))
    assert plan.metadata == [10**29]
    assert isinstance(plan.metadata[0], int)


def test_an_amount_is_exact_as_it_is_written() -> None:
    text = json.dumps(document()).replace('"1000.00"', "123456789012345.123456789")
    assert read_plan_text(text).items[0].trade_amount == Decimal("123456789012345.123456789")


def test_a_key_twice_is_refused_at_every_depth() -> None:
    text = """{"plan_id": "p", "plan_id": "q", "correlation_id": "c", "timestamp": "2021-03-31T20:55:00Z",
      "items": [{"symbol": "A", "action": "BUY", "action": "SELL", "action": "BUY", "trade_amount": 1}],
      "metadata": [{"a": {"b": 1, "b": 1}}]}"""
    assert problems_of_text(text) == dict.fromkeys(
        ["items[0].action", "metadata[0].a.b", "plan_id"], "given twice in one object"
    )


def test_unknown_fields_are_kept_and_named() -> None:
    plan = read_plan(document(items=[line(note="x", alpha=[1])], zeta=1, beta=2))
    assert plan.model_extra == {"zeta": 1, "beta": 2}
    assert plan.items[0].model_extra == {"note": "x", "alpha": [1]}
    assert plan.warnings == (
        "beta: unknown field, kept and not used",
        "zeta: unknown field, kept and not used",
        "items[0].alpha: unknown field, kept and not used",
        "items[0].note: unknown field, kept and not used",
    )


@pytest.mark.parametrize("name", ["digest", "model_fields", "json", "copy", "__class__", "model_extra"])
def test_an_unknown_field_may_bear_the_name_of_anything(name: str) -> None:
    plan = read_plan(document(**{name: "theirs"}))
    assert (plan.model_extra or {})[name] == "theirs"
    assert plan.digest == read_plan(document()).digest


def test_the_warnings_of_an_earlier_reading_are_made_anew() -> None:
    plan = read_plan(document(odd=1, warnings=["made up"]))
    assert plan.warnings == ("odd: unknown field, kept and not used",)
    assert read_plan(plan.model_dump()) == plan


def test_what_was_not_given_stays_not_given() -> None:
    assert read_plan(document()).model_fields_set == {
        "plan_id",
        "correlation_id",
        "timestamp",
        "items",
        "warnings",
    }


# --- what is odd, and no reason to refuse ---------------------------------------------------------


def test_a_hold_with_an_amount_is_warned_of() -> None:
    plan = read_plan(document(items=[line(action="HOLD", trade_amount="-5.51")]))
    assert plan.warnings == ("items[0].trade_amount: -5.51 on a HOLD is ignored",)
    assert read_plan(document(items=[line(action="HOLD", trade_amount=0)])).warnings == ()


@pytest.mark.parametrize(
    ("total", "odd"),
    [("1500", False), ("1500.02", False), ("1499.98", False), ("1500.03", True), ("500", True)],
)
def test_a_total_that_is_not_the_sum_of_the_absolute_amounts_is_warned_of(total: str, *, odd: bool) -> None:
    lines = [
        line(),
        line(symbol="QQQ", action="SELL", trade_amount="-500"),
        line(symbol="TLT", action="HOLD"),
    ]
    plan = read_plan(document(items=lines, total_trade_value=total))
    said = f"total_trade_value: {total} is not the sum of the trade amounts, 1500.00"
    assert (said in plan.warnings) is odd


@pytest.mark.parametrize(
    ("weights", "odd"),
    [
        (("0.1", "0.3", "0.2"), False),
        (("0.3", "0.1", "-0.2"), False),
        (("0.1", "0.3", "0.200002"), False),
        (("0.1", "0.3", "0.200003"), True),
        (("0.1", "0.3", "-0.2"), True),
        ((None, "0.3", "9"), False),
        (("0.1", None, "9"), False),
        (("0.1", "0.3", None), False),
    ],
    ids=str,
)
def test_a_weight_diff_that_is_none_is_warned_of(weights: tuple[str | None, ...], *, odd: bool) -> None:
    current, target, diff = weights
    plan = read_plan(document(items=[line(current_weight=current, target_weight=target, weight_diff=diff)]))
    said = ("items[0].weight_diff: not the target weight less the current weight",)
    assert plan.warnings == (said if odd else ())


@pytest.mark.parametrize(
    ("action", "current", "target", "odd"),
    [
        ("BUY", "500", "1500", False),
        ("BUY", "500", "1500.02", False),
        ("BUY", "500", "1500.03", True),
        ("SELL", "1500", "500", False),
        ("SELL", "1500", "0", True),
        ("HOLD", "1500", "0", False),
        ("BUY", None, "0", False),
        ("BUY", "0", None, False),
    ],
)
def test_values_that_the_amount_does_not_lead_between_are_warned_of(
    action: str, current: str | None, target: str | None, *, odd: bool
) -> None:
    item = line(
        action=action,
        current_value=current,
        target_value=target,
        trade_amount=MISSING if action == "HOLD" else 1000,
    )
    plan = read_plan(document(items=[item]))
    said = ("items[0].trade_amount: 1000.00 does not lead from the current to the target value",)
    assert plan.warnings == (said if odd else ())


# --- what no field may hold -----------------------------------------------------------------------


def test_half_a_character_is_refused_where_it_stands_and_can_be_printed() -> None:
    found = problems_of_text(json.dumps(document(correlation_id="\ud800", metadata=["\udfff"])))
    assert found["metadata[0]"] == "half a character, which is no text"
    assert found["correlation_id"]


def test_problems_can_be_printed_whatever_the_document_holds() -> None:
    half = "\ud800"
    with pytest.raises(PlanInvalid) as caught:
        read_plan(document(items=[line(symbol=half), line(symbol=half)], **{half: float("nan")}))
    assert r"\ud800" in str(caught.value)
    assert str(caught.value).encode()


@pytest.mark.parametrize("name", ["²", "9" * 5000, "-1", "a.b", "]", "[", ""], ids=lambda name: name[:5])
def test_a_field_may_have_any_name_and_still_be_complained_of(name: str) -> None:
    assert "nan is not an amount" in problems_of(document(**{name: float("nan")})).values()


def test_lines_are_sorted_by_their_numbers_not_by_their_digits() -> None:
    found = problems_of(document(items=[line(symbol=f"S{n}", quantity=0) for n in range(11)]))
    assert list(found) == [f"items[{n}].quantity" for n in range(11)]


def test_what_is_nested_as_deeply_as_the_ledger_can_keep_is_read() -> None:
    nested: object = 1
    for _ in range(49):
        nested = [nested]
    assert read_plan(document(metadata=nested)).metadata == nested
    assert Plan.model_validate_json(read_plan(document(metadata=nested)).model_dump_json()).metadata == nested
    found = problems_of(document(metadata=[nested]))
    assert found == {"metadata" + "[0]" * 50: "nested more than 50 deep"}


def test_a_plan_that_contains_itself_is_refused() -> None:
    plan = document()
    plan["metadata"] = plan
    assert "nested more than 50 deep" in problems_of(plan).values()


@pytest.mark.parametrize("thing", [object(), {"a": object()}, {"\ud800": 1}], ids=["object", "within", "key"])
def test_what_cannot_be_written_into_the_ledger_is_refused_before_anything_is_sent(thing: object) -> None:
    assert "it cannot be written down: " in problems_of(document(metadata=thing))[""]


def test_an_integer_that_no_json_reader_takes_is_refused_where_it_stands() -> None:
    found = problems_of(document(metadata=[10**4000, 10**5000]))
    assert found == {"metadata[1]": "an integer of thousands of digits"}


def test_a_key_that_is_no_text_is_refused_at_the_top_and_named_by_its_kind_below() -> None:
    assert "Keys should be strings" in problems_of(dict[object, object](document()) | {5: 1}).values()
    assert problems_of(document(metadata={5: float("nan")})) == {"metadata.int": "nan is not an amount"}


class Colour(Enum):
    RED = "BUY"


def test_an_action_of_another_kind_is_refused_without_being_guessed() -> None:
    assert "items[0].action" in problems_of(document(items=[line(action=Colour.RED)]))
    assert "items[0].action" in problems_of(document(items=[line(action=10**5000)]))


@pytest.mark.parametrize(
    ("location", "path"),
    [
        ((), ""),
        (("items",), "items"),
        (("items", 3, "trade_amount"), "items[3].trade_amount"),
        ((0, "a"), "[0].a"),
    ],
)
def test_a_location_is_written_as_a_reader_would(location: tuple[int | str, ...], path: str) -> None:
    assert path_of(location) == path

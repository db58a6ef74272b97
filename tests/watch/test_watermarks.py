"""Up to when everything is known."""

from watcher.rules.scope import Scope
from watcher.watch.watermarks import Watermarks


def test_a_farms_watermark_is_its_oldest_miners_and_never_goes_back() -> None:
    marks = Watermarks()
    marks.reset("f", [("a", None), ("b", None)])
    assert marks.of(Scope("f")) is None
    marks.looked("f", "a", 50)
    assert marks.of(Scope("f")) is None
    assert marks.looked("f", "b", 40)
    assert marks.of(Scope("f")) == 40
    assert not marks.looked("f", "b", 30)
    assert marks.of(Scope("f")) == 40
    assert marks.of(Scope("f", "a")) == 50


def test_one_read_by_batches_is_told_and_its_miners_and_batches_may_be_known_further() -> None:
    marks = Watermarks()
    marks.reset("f", [("a", 90), ("b", None)], by_batches=True, known_to=40, batches=[("x", 70)])
    assert marks.of(Scope("f")) == 40
    assert marks.of(Scope("f", "a")) == 90
    assert marks.of(Scope("f", "b")) == 40
    assert marks.of(Scope("f", batch_id="x")) == 70
    assert marks.of(Scope("f", batch_id="over")) == 40
    assert marks.advance("f", 60)
    assert not marks.advance("f", 50)
    assert not marks.advance("f", None)
    marks.read("f", "x", 80, followed=False)
    assert marks.batch("f", "x") is None
    assert marks.of(Scope("f", batch_id="x")) == 60


def test_farms_that_nobody_sees_hold_up_no_alert_across_farms() -> None:
    marks = Watermarks()
    marks.reset("f", [("a", 90)])
    marks.reset("g", [("b", 10)])
    assert marks.of(Scope()) == 10
    assert marks.leave_out(["g"])
    assert not marks.leave_out(["g"])
    assert marks.of(Scope()) == 90
    assert marks.of(Scope("g")) == 10
    assert marks.left_out == {"g"}
    marks.drop("g")
    assert marks.of(Scope()) == 90
    assert marks.of(Scope("g")) is None

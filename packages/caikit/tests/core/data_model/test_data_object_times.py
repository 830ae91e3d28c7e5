"""Datetimes of every kind on their way out and in."""

import datetime
import zoneinfo
from datetime import timedelta, timezone

import pandas as pd
import pytest

from caikit.core.data_model import DataObjectBase, dataobject
from caikit.core.data_model.timestamp import datetime_to_proto, proto_to_datetime, use_timezone

PACKAGE = "tests.data_object_times"
MOMENT = datetime.datetime(2024, 1, 2, 3, 4, 5, 678901, tzinfo=timezone.utc)


@dataobject(PACKAGE)
class Event(DataObjectBase):
    when: datetime.datetime
    times: list[datetime.datetime]
    choice: datetime.datetime | str | None


@pytest.fixture
def zone():
    yield use_timezone
    use_timezone(None)


@pytest.mark.parametrize(
    "given",
    [timezone.utc, timezone(timedelta(hours=-5)), zoneinfo.ZoneInfo("Europe/Berlin")],
    ids=str,
)
def test_datetimes_have_the_zone_that_the_process_asks_for(zone, given):
    zone(given)
    event = Event(MOMENT, [MOMENT], MOMENT)
    for again in (Event.from_proto(event.to_proto()), Event.from_json(event.to_json())):
        assert again == event
        assert {again.when.tzinfo, again.times[0].tzinfo, again.choice.tzinfo} == {given}
        assert again.when.utcoffset() == given.utcoffset(MOMENT.replace(tzinfo=None))
    zone(None)
    assert Event.from_proto(event.to_proto()).when.tzinfo is None


def test_no_zone_means_local_time():
    naive = MOMENT.astimezone().replace(tzinfo=None)
    assert Event.from_proto(Event(MOMENT).to_proto()).when == naive
    assert Event.from_json(Event(naive).to_json()).when == naive


def test_what_is_no_zone():
    with pytest.raises(TypeError, match="expected a time zone or None"):
        use_timezone("UTC")


@pytest.mark.parametrize(
    ("given", "seconds", "text"),
    [
        (pd.Timestamp("2024-01-02T03:04:05.123456789", tz="UTC"), 1704164645, "2024-01-02T03:04:05.123456Z"),
        (pd.Timestamp("2024-01-02T03:04:05", tz="Europe/Berlin"), 1704161045, "2024-01-02T02:04:05Z"),
        (datetime.datetime(1969, 12, 31, 23, 59, 59, 500000, timezone.utc), -1, "1969-12-31T23:59:59.500Z"),
        (datetime.datetime(1, 1, 1, tzinfo=timezone.utc), -62135596800, "0001-01-01T00:00:00Z"),
    ],
)
def test_datetimes_of_others_and_of_long_ago(given, seconds, text):
    assert datetime_to_proto(given).seconds == seconds
    assert Event(given).to_json().startswith(f'{{"when": "{text}"')


def test_a_time_of_pandas_without_zone_is_local_too():
    given = pd.Timestamp("2024-07-02T03:04:05")
    assert proto_to_datetime(datetime_to_proto(given)) == given.to_pydatetime()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (pd.NaT, "expected a point in time, got NaT"),
        (
            datetime.datetime.min.replace(tzinfo=timezone(timedelta(hours=5))),
            "expected a time in the years 1 to 9999",
        ),
        (
            datetime.datetime.max.replace(tzinfo=timezone(-timedelta(hours=5))),
            "expected a time in the years 1 to 9999",
        ),
    ],
    ids=str,
)
def test_what_is_no_time_on_the_wire(given, words):
    for write in (Event(given).to_proto, Event(given).to_json):
        with pytest.raises(ValueError, match=words):
            write()

"""Counting in working time: half a working day after a promise, three working days after a question. Pure."""

from datetime import date, datetime, time, timedelta

from core.outside.calendar import WorkingHours

DAY = timedelta(days=1)
MOST_DAYS = 400
USUAL_HOURS = timedelta(hours=8)


def after_working_time(moment: datetime, wanted: timedelta, hours: WorkingHours) -> datetime:
    """The moment by which so much working time has gone by. `moment` itself where nobody ever works."""
    left = wanted
    day = moment.astimezone(hours.zone).date()
    for _ in range(MOST_DAYS if hours.days else 0):
        for start, end in hours.on(day):
            begin = max(start, moment)
            if begin < end:
                if left <= end - begin:
                    return (begin + left).astimezone(moment.tzinfo)
                left -= end - begin
        day += DAY
    return moment


def half_a_day(hours: WorkingHours) -> timedelta:
    """Half of the longest working day of the week."""
    lengths = [sum((_length(start, end) for start, end in spans), timedelta()) for spans in hours.days.values()]
    return max(lengths, default=USUAL_HOURS) / 2


def after_working_days(moment: datetime, days: int, hours: WorkingHours) -> datetime:
    """The same time of day so many working days later; from a free day one counts from the next working day's start."""
    here = moment.astimezone(hours.zone)
    if not hours.days:
        return moment + days * DAY
    if here.weekday() not in hours.days:
        here = morning_of(next_working_day(here.date(), hours), hours)
    day = here.date()
    for _ in range(days):
        day = next_working_day(day + DAY, hours)
    return here.replace(year=day.year, month=day.month, day=day.day).astimezone(moment.tzinfo)


def next_working_day(day: date, hours: WorkingHours) -> date:
    """This day, or the first one after it on which the person works."""
    while hours.days and day.weekday() not in hours.days:
        day += DAY
    return day


def last_working_day(day: date, hours: WorkingHours) -> date:
    """This day, or the last one before it on which the person works."""
    while hours.days and day.weekday() not in hours.days:
        day -= DAY
    return day


def morning_of(day: date, hours: WorkingHours) -> datetime:
    """When work begins on that day; nine o'clock on a free one."""
    spans = hours.on(day)
    return spans[0][0] if spans else datetime(day.year, day.month, day.day, 9, tzinfo=hours.zone)


def _length(start: time, end: time) -> timedelta:
    until = timedelta(hours=end.hour, minutes=end.minute) or DAY  # a span ending at midnight
    return until - timedelta(hours=start.hour, minutes=start.minute)

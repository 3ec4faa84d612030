"""Dates and times: how a column writes them, as seconds, and as what a model learns from."""

import datetime
import re

import numpy as np

__all__ = ["DAY", "FORMS", "parse_column", "parts"]

DAY = 86_400.0
EPOCH = datetime.datetime(1970, 1, 1)
TIME = r"(?P<h>\d{1,2}):(?P<m>\d\d)(?::(?P<s>\d\d(?:[.,]\d+)?))?(?: ?(?P<half>[AaPp])\.?[Mm]\.?)?"
ZONE = r"(?: ?(?P<zone>Z|UTC|GMT|[+-]\d\d:?\d\d))?"
REST = rf"(?:(?:T|,? +| - ){TIME}{ZONE})?"
NUMERIC = r"(?P<a>\d{1,2})(?P<mark>[./-]) ?(?P<b>\d{1,2})(?P=mark) ?(?P<year>\d{4}|\d\d)"
NAMED = r"(?:[A-Za-z]{2,9}\.?,? )?"  # of the week
WORD = r"(?P<word>[A-Za-zäéû]{3,9})\.?"
MONTHS = {
    name: i
    for i, names in enumerate(
        ["jan januar janvier january", "feb februar february février", "mar mär märz mars march", "apr april avril",
         "may mai", "jun june juni juin", "jul july juli juillet", "aug august août", "sep sept september septembre",
         "oct okt october oktober octobre", "nov november novembre", "dec dez december dezember décembre"], 1
    )
    for name in names.split()
}  # fmt: skip
FORMS = {
    "year-month-day": rf"(?P<year>\d{{4}})[-/.](?P<month>\d{{1,2}})[-/.](?P<day>\d{{1,2}}){REST}",
    "yearmonthday": r"(?P<year>(?:19|20)\d\d)(?P<month>\d\d)(?P<day>\d\d)",
    "year-month": r"(?P<year>\d{4})[-/](?P<month>\d{2})",
    "day.month.year": NUMERIC.replace("<a>", "<day>").replace("<b>", "<month>") + REST,
    "month/day/year": NUMERIC.replace("<a>", "<month>").replace("<b>", "<day>") + REST,
    "day month year": rf"{NAMED}(?P<day>\d{{1,2}})\.?[ -]{WORD},?[ -](?P<year>\d{{4}}|\d\d){REST}",
    "month day, year": rf"{NAMED}{WORD} (?P<day>\d{{1,2}})(?:st|nd|rd|th)?,? (?P<year>\d{{4}}){REST}",
    "month year": rf"{WORD}[ -/]?(?P<year>\d{{4}}|(?<=[ -])\d\d)",
    "month/year": r"(?P<month>0?[1-9]|1[0-2])/(?P<year>(?:19|20)\d\d)",
    "year quarter": r"(?P<year>(?:19|20)\d\d)[ -]?[Qq](?P<quarter>[1-4])",
    "quarter year": r"[Qq](?P<quarter>[1-4])[ /-]?(?P<year>(?:19|20)\d\d)",
    "time": TIME,
    "duration": r"(?P<minus>-?)(?P<h>\d{1,7}):(?P<m>\d\d)(?::(?P<s>\d\d(?:[.,]\d+)?))?(?P<long>)",
}
COMPILED = {name: re.compile(pattern) for name, pattern in FORMS.items()}


def parse_column(cells, day_first, form=None):
    """(form, seconds of each cell, whether day and month could change places), or None where there are no dates.

    cells: distinct texts, none of them missing | day_first: what to believe where no cell tells
    form: of the training table, which is then tried before all others
    """
    order = [*([form] if form in FORMS else []), *FORMS]
    found: dict = {}
    for name in order:
        if cells and name not in found and COMPILED[name].fullmatch(cells[0]):
            seconds = parsed(cells, name)
            if seconds is not None:
                found[name] = seconds
                if name == form:
                    return name, seconds, False
    both = "day.month.year" in found and "month/day/year" in found
    if both:
        chosen = "day.month.year" if day_first or "." in cells[0] else "month/day/year"
        return chosen, found[chosen], "." not in cells[0]
    return next(((name, seconds, False) for name, seconds in found.items()), None)


def parsed(cells, form):
    """float64 seconds since 1970, or since midnight for times; None where a cell is of another form."""
    match, seconds = COMPILED[form].fullmatch, np.empty(len(cells))
    for i, cell in enumerate(cells):
        found = match(cell)
        value = None if found is None else seconds_of(found.groupdict())
        if value is None:
            return None
        seconds[i] = value
    return seconds


def seconds_of(groups):
    hour, second = int(groups.get("h") or 0), float((groups.get("s") or "0").replace(",", "."))
    if groups.get("half"):
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if groups["half"] in "Pp" else 0)
    minute = int(groups.get("m") or 0)
    longest = 23 if "long" not in groups else float("inf")
    midnight = hour == 24 and minute == second == 0  # of the next day
    if (hour > longest and not midnight) or minute > 59 or second >= 61:
        return None
    within = hour * 3600 + minute * 60 + second
    if "year" not in groups:
        return -within if groups.get("minus") else within
    if groups.get("word"):
        month = MONTHS.get(groups["word"].casefold(), 0)
    else:
        month = 3 * int(groups["quarter"]) - 2 if groups.get("quarter") else int(groups["month"])
    year = int(groups["year"])
    if len(groups["year"]) == 2:
        year += 2000 if year < 69 else 1900  # as POSIX has it
    try:
        days = (datetime.datetime(year, month, int(groups.get("day") or 1)) - EPOCH).days
    except ValueError:
        return None
    return days * DAY + within - offset(groups.get("zone"))


def offset(zone):
    """Seconds that a zone is ahead of UTC."""
    if not zone or zone[0] not in "+-":
        return 0
    digits = zone[1:].replace(":", "")
    return (1 if zone[0] == "+" else -1) * (int(digits[:2]) * 3600 + int(digits[2:]) * 60)


def parts(seconds, form):
    """{part: numbers} of dates or times in seconds, NaN where missing."""
    known = ~np.isnan(seconds)
    whole = np.where(known, seconds, 0.0)
    found = {"hour": np.floor(whole % DAY / 3600), "elapsed days": whole / DAY}
    if form == "duration":
        found = {"elapsed hours": whole / 3600}
    elif form == "time":
        found = {"hour": found["hour"], "elapsed hours": whole / 3600}
    else:
        dates = np.floor(whole / DAY).astype("datetime64[D]")
        months = dates.astype("datetime64[M]").astype(np.int64)
        days = dates.astype(np.int64)
        found = {"year": 1970.0 + months // 12, "month": months % 12 + 1.0, "weekday": (days + 3) % 7 + 1.0, **found}
    return {name: np.where(known, values, np.nan) for name, values in found.items()}

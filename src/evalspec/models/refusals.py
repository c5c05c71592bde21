"""What a refused call means for what to do next: from the raw status, headers and body, nothing else.

Pure, with the clock as a parameter. Client libraries that guess from exception texts are not asked.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from evalspec.models.masking import presentable
from evalspec.models.model import Failure, FailureKind

# Names that providers give to an account without money, in `error.code` or `error.type`.
EXHAUSTED_CODES = frozenset(
    {
        "insufficient_quota",
        "insufficient_user_quota",
        "insufficient_balance",
        "insufficient_credits",
        "quota_exhausted",
        "billing_hard_limit_reached",
        "billing_not_active",
        "exceeded_current_quota_error",
    }
)
EXHAUSTED_TEXT = re.compile(
    r"exceeded your current quota|insufficient (?:quota|balance|credit)|credit balance is too low",
    re.IGNORECASE,
)
# Anthropic says so with a 400. Anchored, as a 400 may also quote the prompt.
NO_CREDIT = re.compile(r"your credit balance is too low", re.IGNORECASE)
BAD_KEY = "API_KEY_INVALID"  # Gemini says so with a 400
FILTERED_CODES = frozenset({"content_filter", "content_policy_violation", "responsibleaipolicyviolation"})
OVERLOADED = (503, 529)
ASK_AGAIN = (408, 409, 425)
REDIRECTED_TRIES = 3  # a server that is being moved may redirect for a moment; a wrong address does so always
DURATION = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?")
UNIT_SECONDS = (86400.0, 3600.0, 60.0, 1.0, 0.001)


def refusal(
    status: int, headers: Mapping[str, str], body: bytes, *, now: datetime, secrets: Iterable[str] = ()
) -> Failure:
    """The failure that a response with this status means. `now` is for waits given as a date."""
    lowered = {name.casefold(): value.strip() for name, value in headers.items()}
    error = _error_of(body)
    kind = _kind(status, lowered, error, now)
    wait = (
        _told_wait(lowered, now) if kind is not FailureKind.RATE_LIMITED else asked_wait(lowered, error, now)
    )
    detail = _location(lowered) if 300 <= status < 400 else _message(error, body)
    message = presentable(f"HTTP {status}: {detail}" if detail else f"HTTP {status}", secrets)
    attempts = REDIRECTED_TRIES if 300 <= status < 400 else None
    return Failure(kind=kind, message=message, status=status, wait_s=wait, attempts=attempts)


def withheld(status: int, body: bytes) -> bool:
    """Whether a response means that a filter stopped the question: an outcome of the model's, and no error.

    Azure says so with a 400 whose code is `content_filter`.
    """
    if status != 400:
        return False
    error = _error_of(body)
    inner = error.get("innererror")
    codes = {error.get("code"), inner.get("code") if isinstance(inner, dict) else None}
    return bool(FILTERED_CODES & {str(code).casefold() for code in codes})


def _kind(status: int, headers: Mapping[str, str], error: Mapping[str, object], now: datetime) -> FailureKind:
    if _exhausted(status, headers, error, now):
        return FailureKind.EXHAUSTED
    if status == 429 or (status in OVERLOADED and _told_wait(headers, now) is not None):
        return FailureKind.RATE_LIMITED
    if status in (401, 403) or (status == 400 and BAD_KEY in _reasons(error)):
        return FailureKind.REFUSED_KEY
    # A redirect says nothing of the request. Followed, it could take the key elsewhere, or make it a GET.
    again = status >= 500 or status in ASK_AGAIN or 300 <= status < 400
    return FailureKind.TRANSIENT if again else FailureKind.REJECTED


def _exhausted(status: int, headers: Mapping[str, str], error: Mapping[str, object], now: datetime) -> bool:
    if status == 402:
        return True
    if not 400 <= status < 500:
        return False
    if EXHAUSTED_CODES & {str(error.get("code")).casefold(), str(error.get("type")).casefold()}:
        return True
    text = str(error.get("message", ""))
    if status == 400:
        return NO_CREDIT.match(text) is not None
    quotas = " ".join(str(violation.get("quotaId")) for violation in _in_details(error, "violations"))
    if status == 429 and ("PerDay" in quotas or "PerMinute" in quotas):
        return "PerDay" in quotas  # Gemini tells a wait of seconds even where the day's quota is gone
    # Gemini says "exceeded your current quota" of a minute's quota too, and then tells how long to wait.
    return status == 429 and bool(EXHAUSTED_TEXT.search(text)) and asked_wait(headers, error, now) is None


# ── how long the server asks to wait ──────────────────────────────────────────────────────────────


def asked_wait(headers: Mapping[str, str], error: Mapping[str, object], now: datetime) -> float | None:
    """Seconds that a rate-limited client is told to wait; None where nothing above zero is said.

    `headers` by their lower-case names. In order: retry-after-ms and retry-after, Gemini's
    `retryDelay`, then the reset times of the limits that are used up, or else of any.
    """
    told = _told_wait(headers, now)
    if told is not None:
        return told
    delay = _retry_delay(error)
    return delay if delay is not None else _reset_wait(headers, now)


def _told_wait(headers: Mapping[str, str], now: datetime) -> float | None:
    milliseconds = _positive(headers.get("retry-after-ms", ""), 0.001)
    if milliseconds is not None:
        return milliseconds
    said = headers.get("retry-after", "")
    seconds = _positive(said)
    return seconds if seconds is not None else _until_date(said, now)


def _until_date(text: str, now: datetime) -> float | None:
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return _above_zero((moment - now).total_seconds())


def _reset_wait(headers: Mapping[str, str], now: datetime) -> float | None:
    waits: dict[str, float] = {}
    for name, value in headers.items():
        limit = _limit_of(name)
        wait = moment_or_duration(value, now) if limit is not None else None
        if limit is not None and wait is not None:
            waits[limit] = wait
    used_up = [wait for limit, wait in waits.items() if headers.get(limit) in ("0", "0.0")]
    return max(used_up) if used_up else min(waits.values(), default=None)


def _limit_of(name: str) -> str | None:
    """The header that says what remains of the limit whose reset time this header gives."""
    if name.startswith("x-ratelimit-reset"):
        return name.replace("-reset", "-remaining", 1)
    if name.startswith("anthropic-ratelimit-") and name.endswith("-reset"):
        return name.removesuffix("-reset") + "-remaining"
    return None


def moment_or_duration(text: str, now: datetime) -> float | None:
    """The seconds that a duration (`6m0s`), a moment or a number means; None where that is not above zero."""
    number = _positive(text)
    if number is not None:  # seconds, or a Unix time in seconds or milliseconds
        moment = number / 1000 if number > 1e11 else number
        return _above_zero(moment - now.timestamp()) if moment > 1e8 else number
    match = DURATION.fullmatch(text)
    if match is not None:
        figures = [float(group or 0) for group in match.groups()]
        return _above_zero(sum(f * unit for f, unit in zip(figures, UNIT_SECONDS, strict=True)))
    try:
        moment_given = datetime.fromisoformat(text)
    except ValueError:
        return None
    aware = moment_given if moment_given.tzinfo is not None else moment_given.replace(tzinfo=UTC)
    return _above_zero((aware - now).total_seconds())


def _retry_delay(error: Mapping[str, object]) -> float | None:
    for detail in _details(error):
        if isinstance(delay := detail.get("retryDelay"), str):
            return _positive(delay.removesuffix("s"))
    return None


def _details(error: Mapping[str, object]) -> list[Mapping[str, object]]:
    """The details of an error of Google's."""
    details = error.get("details")
    return [d for d in details if isinstance(d, dict)] if isinstance(details, list) else []


def _in_details(error: Mapping[str, object], name: str) -> list[Mapping[str, object]]:
    """What the details list under a name."""
    listed = [entry for detail in _details(error) for entry in _listed(detail.get(name))]
    return [entry for entry in listed if isinstance(entry, dict)]


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _reasons(error: Mapping[str, object]) -> set[str]:
    return {str(detail.get("reason")) for detail in _details(error)}


def _positive(text: str, unit: float = 1.0) -> float | None:
    try:
        return _above_zero(float(text) * unit)
    except ValueError:
        return None


def _above_zero(seconds: float) -> float | None:
    return seconds if math.isfinite(seconds) and seconds > 0 else None


# ── what the body says ────────────────────────────────────────────────────────────────────────────


def _error_of(body: bytes) -> Mapping[str, object]:
    """The error object of a body, in the shapes that servers give it; empty where there is none."""
    try:
        said: object = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    said = said[0] if isinstance(said, list) and said else said
    if not isinstance(said, dict):
        return {}
    error = said.get("error", said)
    return error if isinstance(error, dict) else {**said, "message": error}


def _message(error: Mapping[str, object], body: bytes) -> str:
    for name in ("message", "detail", "msg"):
        if error.get(name):
            return str(error[name])
    return body[:4000].decode("utf-8", "replace").strip()


def _location(headers: Mapping[str, str]) -> str:
    target = headers.get("location", "").partition("?")[0]
    return f"redirects to {target}, which is not followed" if target else "a redirect, which is not followed"

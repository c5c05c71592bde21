"""What is left of an account's limits, out of the headers of good answers."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from multidict import CIMultiDict

from evalspec.models.allowances import Allowance, Counted, allowances

NOW = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)


def test_openais_tell_requests_and_tokens_and_durations() -> None:
    headers = CIMultiDict(
        {
            "X-RateLimit-Limit-Requests": "60",
            "x-ratelimit-remaining-requests": "59",
            "x-ratelimit-reset-requests": "1s",
            "x-ratelimit-limit-tokens": "150000",
            "x-ratelimit-remaining-tokens": "149984",
            "x-ratelimit-reset-tokens": "6m0s",
        }
    )
    assert allowances(headers, NOW) == (
        Allowance(Counted.REQUESTS, 60, 59, 1.0),
        Allowance(Counted.TOKENS, 150_000, 149_984, 360.0),
    )


def test_anthropics_tell_moments_by_the_servers_own_clock() -> None:
    headers = CIMultiDict({"Date": "Thu, 01 Jan 2026 09:30:00 GMT"})  # hours away from ours
    for word, limit, left in (
        ("requests", 50, 49),
        ("input-tokens", 40_000, 39_000),
        ("output-tokens", 8_000, 8),
    ):
        headers[f"anthropic-ratelimit-{word}-limit"] = str(limit)
        headers[f"anthropic-ratelimit-{word}-remaining"] = str(left)
        headers[f"anthropic-ratelimit-{word}-reset"] = "2026-01-01T09:30:12Z"
    assert allowances(headers, NOW) == (
        Allowance(Counted.REQUESTS, 50, 49, 12.0),
        Allowance(Counted.INPUT_TOKENS, 40_000, 39_000, 12.0),
        Allowance(Counted.OUTPUT_TOKENS, 8_000, 8, 12.0),
    )


@pytest.mark.parametrize(
    ("limit", "left", "reset"),
    [
        pytest.param("60", "60", "0s", id="nothing is used"),
        pytest.param("60", "59", "", id="no time"),
        pytest.param("60", "59", "soon", id="no duration"),
        pytest.param("60", "59", "-3s", id="over"),
        pytest.param("0", "0", "1s", id="no limit"),
        pytest.param("", "59", "1s", id="limit unknown"),
        pytest.param("60", "61", "1s", id="more than all"),
        pytest.param("60", "many", "1s", id="no number"),
        pytest.param("60", "nan", "1s", id="not a number"),
        pytest.param("60", "-1", "1s", id="less than nothing"),
        pytest.param("inf", "1", "1s", id="no end"),
    ],
)
def test_what_makes_no_sense_limits_nothing(limit: str, left: str, reset: str) -> None:
    headers = CIMultiDict(
        {
            "x-ratelimit-limit-requests": limit,
            "x-ratelimit-remaining-requests": left,
            "x-ratelimit-reset-requests": reset,
        }
    )
    assert allowances(headers, NOW) == ()


def test_other_headers_say_nothing() -> None:
    assert allowances(CIMultiDict({"Content-Type": "application/json", "Date": "never"}), NOW) == ()

"""What a refused call means, from status, headers and body alone."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from evalspec.models.model import Failure, FailureKind
from evalspec.models.refusals import refusal

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


def refused(status: int, body: object = None, **headers: str) -> Failure:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    return refusal(status, sent, data, now=NOW)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry_After": "20"}, 20.0),
        ({"retry_after": "1.5"}, 1.5),
        ({"Retry_After": "0"}, None),
        ({"Retry_After": "-5"}, None),
        ({"Retry_After": "soon"}, None),
        ({"Retry_After": "inf"}, None),
        ({"Retry_After": "nan"}, None),
        ({"Retry_After": ""}, None),
        ({"Retry_After": "Sun, 01 Mar 2026 12:00:30 GMT"}, 30.0),
        ({"Retry_After": "Sun, 01 Mar 2026 11:00:00 GMT"}, None),
        ({"retry_after_ms": "250", "Retry_After": "1"}, 0.25),
        ({"retry_after_ms": "0", "Retry_After": "1"}, 1.0),
        ({"x_ratelimit_reset_requests": "6m0s"}, 360.0),
        ({"x_ratelimit_reset_requests": "1h2m3.5s"}, 3723.5),
        ({"x_ratelimit_reset_requests": "20ms"}, 0.02),
        ({"x_ratelimit_reset_requests": "0s"}, None),
        ({"x_ratelimit_reset": "17"}, 17.0),
        ({"x_ratelimit_reset": str(int(NOW.timestamp()) + 40)}, 40.0),
        ({"x_ratelimit_reset": str(int(NOW.timestamp() + 40) * 1000)}, 40.0),
        ({"x_ratelimit_reset": str(int(NOW.timestamp()) - 40)}, None),
        ({"anthropic_ratelimit_requests_reset": "2026-03-01T12:00:09Z"}, 9.0),
        ({"x_ratelimit_reset_requests": "8m", "x_ratelimit_reset_tokens": "2s"}, 2.0),
        (
            {
                "x_ratelimit_reset_requests": "8m",
                "x_ratelimit_reset_tokens": "2s",
                "x_ratelimit_remaining_requests": "0",
            },
            480.0,
        ),
    ],
)
def test_the_wait_that_a_server_asks_for(headers: dict[str, str], seconds: float | None) -> None:
    failure = refused(429, **headers)
    assert failure.kind is FailureKind.RATE_LIMITED
    assert failure.wait_s == pytest.approx(seconds) if seconds is not None else failure.wait_s is None


def test_reset_times_alone_do_not_make_an_overload_a_rate_limit() -> None:
    failure = refused(503, x_ratelimit_reset_requests="8m")
    assert (failure.kind, failure.wait_s) == (FailureKind.TRANSIENT, None)
    assert refused(529, retry_after="3").kind is FailureKind.RATE_LIMITED


def test_gemini_tells_its_wait_in_the_body_and_that_is_no_used_up_quota() -> None:
    detail = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34.07s"}
    error = {"code": 429, "message": "You exceeded your current quota", "details": [{"x": 1}, detail]}
    failure = refused(429, {"error": error})
    assert (failure.kind, failure.wait_s) == (FailureKind.RATE_LIMITED, 34.07)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (429, {"error": {"code": "insufficient_quota", "message": "…"}}),
        (429, {"error": {"type": "insufficient_quota"}}),
        (429, {"error": {"message": "You exceeded your current quota, please check your plan"}}),
        (402, {"error": {"message": "Insufficient Balance"}}),
        (402, None),
        (400, {"error": {"message": "Your credit balance is too low to access the API"}}),
        (403, {"error": {"code": "insufficient_user_quota"}}),
    ],
)
def test_an_account_without_money(status: int, body: object) -> None:
    assert refused(status, body).kind is FailureKind.EXHAUSTED


def test_a_rejection_that_quotes_the_prompt_is_no_empty_account() -> None:
    told = "invalid prompt: 'my card says insufficient_quota, your credit balance is too low'"
    assert refused(400, {"error": {"message": told}}).kind is FailureKind.REJECTED


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"error": {"message": "no such model"}}, "HTTP 404: no such model"),
        ({"error": "no such model"}, "HTTP 404: no such model"),
        ({"detail": "Not Found"}, "HTTP 404: Not Found"),
        ({"message": "gone"}, "HTTP 404: gone"),
        ([{"error": {"message": "in a list"}}], "HTTP 404: in a list"),
        (b"plain words", "HTTP 404: plain words"),
        (b"\xff\xfe", "HTTP 404: ��"),
        (b"[" * 100_000, "HTTP 404: " + "[" * 289 + "…"),
        (None, "HTTP 404"),
    ],
)
def test_the_message_is_what_the_server_says(body: object, message: str) -> None:
    assert refused(404, body).message == message

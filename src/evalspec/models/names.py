"""What a model's name tells: whether it stands for another model tomorrow, or for none any more.

The retired ones are those of the providers' own pages of deprecations, where a request to them fails. Only
what is asked at the provider itself is judged: a gateway may serve what it likes under any name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalspec.text.patterns import Pattern

if TYPE_CHECKING:
    from collections.abc import Mapping

    from evalspec.language.candidates import Hosted

_FLOATING = Pattern(r"(?:^|[-:@._])latest$")
RETIRED: Mapping[str, Mapping[str, str]] = {  # by provider: the name, and since when
    "openai": {
        "text-davinci-003": "2024-01-04",
        "gpt-3.5-turbo-0301": "2024-09-13",
        "gpt-3.5-turbo-0613": "2024-09-13",
        "gpt-3.5-turbo-16k-0613": "2024-09-13",
        "gpt-4-vision-preview": "2024-12-06",
        "gpt-4-1106-vision-preview": "2024-12-06",
        "gpt-4-32k": "2025-06-06",
        "gpt-4-32k-0613": "2025-06-06",
        "gpt-4.5-preview": "2025-07-14",
        "gpt-4.5-preview-2025-02-27": "2025-07-14",
        "o1-preview": "2025-07-28",
        "o1-preview-2024-09-12": "2025-07-28",
        "o1-mini": "2025-10-27",
        "o1-mini-2024-09-12": "2025-10-27",
        "gpt-5-chat-latest": "2026-07-23",
        "gpt-5.1-chat-latest": "2026-07-23",
        "gpt-5.2-chat-latest": "2026-08-10",
        "gpt-5.3-chat-latest": "2026-08-10",
    },
    "anthropic": {
        "claude-1.3": "2024-11-06",
        "claude-instant-1.2": "2024-11-06",
        "claude-2.0": "2025-07-21",
        "claude-2.1": "2025-07-21",
        "claude-3-sonnet-20240229": "2025-07-21",
        "claude-3-5-sonnet-20240620": "2025-10-28",
        "claude-3-5-sonnet-20241022": "2025-10-28",
        "claude-3-opus-20240229": "2026-01-05",
    },
    "gemini": {
        "gemini-1.0-pro": "2025-02-15",
        "gemini-1.5-pro": "2025-09-24",
        "gemini-1.5-flash": "2025-09-24",
        "gemini-1.5-flash-8b": "2025-09-24",
    },
}


def retired_since(use: Hosted) -> str | None:
    """Since when (ISO 8601) the model is not served any more; None where it is, or nobody knows."""
    provider, _, name = use.route.partition("/")
    if use.base_url is not None or use.provider not in (None, provider):
        return None
    return RETIRED.get(provider, {}).get(name)


def floats(use: Hosted) -> bool:
    """Whether the name is one that its provider moves to another model, as it likes."""
    return _FLOATING.search(use.route) is not None

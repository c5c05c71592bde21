"""Anthropic's, Gemini's and Azure's protocols for the test server: strict about what they are sent.

`chat_server(speak=anthropic)`: whatever the vendor would refuse is answered with its 400 or 401, so that a
test which is answered has sent a sound request.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from servers import Arrival, Body, Events, Refuse, Reply, pieces, speak

KEY = "key-very-secret-0123456789"


class Unsound(Exception):
    """A request that the vendor would refuse: with which status and message."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


def demand(holds: object, message: str, status: int = 400) -> None:
    if not holds:
        raise Unsound(message, status)


def known_fields(body: Mapping[str, Any], known: str, where: str) -> None:
    foreign = sorted(set(body) - set(known.split()))
    demand(not foreign, f"{where}: unknown fields {foreign}")


def as_reply(reply: Reply | str) -> Reply:
    return Reply(text=reply) if isinstance(reply, str) else reply


# ── Anthropic ─────────────────────────────────────────────────────────────────────────────────────


def anthropic(arrival: Arrival, reply: Reply | str) -> Body | Events | Refuse:
    """POST /v1/messages, in one piece or streamed."""
    try:
        _check_anthropic(arrival)
    except Unsound as error:
        kind = "authentication_error" if error.status == 401 else "invalid_request_error"
        body = {"type": "error", "error": {"type": kind, "message": str(error)}}
        return Refuse(status=error.status, body=json.dumps(body))
    message = _message(arrival.body, as_reply(reply))
    return Events([*_anthropic_events(message)]) if arrival.body.get("stream") else message


def _check_anthropic(arrival: Arrival) -> None:
    body = arrival.body
    demand(arrival.path == "/v1/messages", f"no such path: {arrival.path}", 404)
    demand(arrival.headers.get("x-api-key") == KEY, "invalid x-api-key", 401)
    demand(arrival.headers.get("anthropic-version") == "2023-06-01", "anthropic-version: header is required")
    known_fields(
        body,
        "model max_tokens messages system temperature top_p top_k stop_sequences stream thinking tools"
        " tool_choice output_config metadata service_tier",
        "body",
    )
    demand(isinstance(body.get("max_tokens"), int), "max_tokens: Field required")
    demand(body.get("model", "").startswith("claude-"), f"model: {body.get('model')}")
    demand(isinstance(body.get("system", ""), str), "system: a text")
    demand(body["messages"] and body["messages"][0]["role"] == "user", "messages: first must be user")
    for message in body["messages"]:
        demand(message["role"] in ("user", "assistant"), f"messages: role {message['role']}")
        content = message["content"]
        for block in content if isinstance(content, list) else [{"type": "text", "text": content}]:
            _check_block(block)
    for tool in body.get("tools", ()):
        known_fields(tool, "name description input_schema strict", "tools")
        demand(tool["input_schema"]["type"] == "object", "tools: input_schema.type")
    schema = body.get("output_config", {}).get("format", {}).get("schema")
    demand(
        schema is None or schema.get("additionalProperties") is False, "additionalProperties must be false"
    )
    thinking = body.get("thinking", {"type": "disabled"})
    demand(thinking.get("budget_tokens", 0) < body["max_tokens"], "max_tokens must be greater")
    stops = body.get("stop_sequences", [])
    demand(isinstance(stops, list) and all(s.strip() for s in stops), "stop_sequences")


def _check_block(block: Mapping[str, Any]) -> None:
    if block["type"] == "text":
        demand(block["text"], "text content blocks must be non-empty")
        return
    demand(block["type"] == "image", f"content: {block['type']}")
    source = block["source"]
    if source["type"] == "base64":
        known_fields(source, "type media_type data", "source")
        demand(base64.b64decode(source["data"], validate=True), "source.data")
        demand(source["media_type"] in ("image/png", "image/jpeg", "image/gif", "image/webp"), "media_type")
    else:
        known_fields(source, "type url", "source")
        demand(source["url"].startswith("http"), "source.url")


def _message(body: Body, reply: Reply) -> Body:
    content: list[Body] = []
    if body.get("thinking", {}).get("type") in ("enabled", "adaptive"):
        content.append({"type": "thinking", "thinking": "let me see: bug", "signature": "s"})
    if reply.text:
        content.append({"type": "text", "text": reply.text})
    content += [
        {"type": "tool_use", "id": f"toolu_{i}", "name": name, "input": json.loads(arguments)}
        for i, (name, arguments) in enumerate(reply.calls)
    ]
    stop = {"stop": "end_turn", "length": "max_tokens"}.get(str(reply.finish_reason), reply.finish_reason)
    said: Body = {"id": "msg_1", "type": "message", "role": "assistant", "content": content}
    said |= {"model": reply.model or body["model"], "stop_reason": stop, "stop_sequence": None}
    if reply.refusal:
        said |= {"stop_details": {"type": "refusal", "category": "cyber", "explanation": reply.refusal}}
    figures = {"input_tokens": reply.input_tokens, "output_tokens": reply.output_tokens}
    return {**said, "usage": {**figures, "cache_read_input_tokens": reply.cached, "service_tier": "standard"}}


def _anthropic_events(message: Body) -> Iterator[str]:
    content, usage = message["content"], message["usage"]
    begun = {**message, "content": [], "stop_reason": None, "usage": {**usage, "output_tokens": 1}}
    events: list[Body] = [{"type": "message_start", "message": begun}, {"type": "ping"}]
    for i, block in enumerate(content):
        empty = {name: value for name, value in {**block, "text": "", "input": {}}.items() if name in block}
        events.append({"type": "content_block_start", "index": i, "content_block": empty})
        match block["type"]:
            case "text":
                deltas = [{"type": "text_delta", "text": piece} for piece in pieces(block["text"])]
            case "thinking":
                deltas = [{"type": "thinking_delta", "thinking": p} for p in pieces(block["thinking"])]
            case _:
                written = pieces(json.dumps(block["input"]))
                deltas = [{"type": "input_json_delta", "partial_json": p} for p in ["", *written]]
        events += [{"type": "content_block_delta", "index": i, "delta": delta} for delta in deltas]
        events.append({"type": "content_block_stop", "index": i})
    ending = {name: message[name] for name in ("stop_reason", "stop_details") if name in message}
    events.append(
        {"type": "message_delta", "delta": ending, "usage": {"output_tokens": usage["output_tokens"]}}
    )
    events.append({"type": "message_stop"})
    return (json.dumps(event) for event in events)


# ── Gemini ────────────────────────────────────────────────────────────────────────────────────────

GEMINI_PATH = re.compile(r"/v1beta/models/([^/:]+):(generateContent|streamGenerateContent)")
SETTINGS = """
    temperature topP topK maxOutputTokens stopSequences seed presencePenalty frequencyPenalty
    responseMimeType responseJsonSchema responseLogprobs logprobs thinkingConfig candidateCount
"""


def gemini(arrival: Arrival, reply: Reply | str) -> Body | Events | Refuse:
    """POST /v1beta/models/…:generateContent, and :streamGenerateContent?alt=sse."""
    try:
        model, streamed = _check_gemini(arrival)
    except Unsound as error:
        body = {"error": {"code": error.status, "message": str(error), "status": "INVALID_ARGUMENT"}}
        return Refuse(status=error.status, body=json.dumps(body))
    said = _generated(model, arrival.body, as_reply(reply))
    return Events([*_gemini_events(said)]) if streamed else said


def _check_gemini(arrival: Arrival) -> tuple[str, bool]:
    body, parts = arrival.body, urlsplit(arrival.path)
    found = GEMINI_PATH.fullmatch(parts.path)
    demand(found, f"no such path: {arrival.path}", 404)
    assert found is not None
    streamed = found[2] == "streamGenerateContent"
    demand(parse_qs(parts.query) == ({"alt": ["sse"]} if streamed else {}), f"query: {parts.query}")
    demand(arrival.headers.get("x-goog-api-key") == KEY, "API key not valid", 403)
    known_fields(body, "contents systemInstruction generationConfig tools toolConfig safetySettings", "body")
    known_fields(body.get("generationConfig", {}), SETTINGS, "generationConfig")
    demand(body["contents"], "contents is not specified")
    for content in body["contents"]:
        demand(content["role"] in ("user", "model"), f"role: {content['role']}")
        for part in content["parts"]:
            demand(len(part) == 1, "part: oneof field 'data'")
            if "inlineData" in part:
                demand(base64.b64decode(part["inlineData"]["data"], validate=True), "inlineData.data")
                demand(part["inlineData"]["mimeType"].startswith("image/"), "inlineData.mimeType")
            else:
                demand("text" in part or "fileData" in part, f"part: {sorted(part)}")
    for tool in body.get("tools", ()):
        for function in tool["functionDeclarations"]:
            known_fields(function, "name description parametersJsonSchema", "tools")
    return found[1], streamed


def _generated(model: str, body: Body, reply: Reply) -> Body:
    usage: Body = {"promptTokenCount": reply.input_tokens, "candidatesTokenCount": reply.output_tokens}
    usage |= {"cachedContentTokenCount": reply.cached, "totalTokenCount": 99}
    said: Body = {"modelVersion": reply.model or model, "responseId": "r1", "usageMetadata": usage}
    parts: list[Body] = []
    settings = body.get("generationConfig", {})
    if settings.get("thinkingConfig"):
        parts.append({"text": "let me see: bug", "thought": True})
        usage["thoughtsTokenCount"] = 40
    if reply.text:
        parts.append({"text": reply.text})
    parts += [{"functionCall": {"name": n, "args": json.loads(arguments)}} for n, arguments in reply.calls]
    finish = {"stop": "STOP", "length": "MAX_TOKENS"}.get(str(reply.finish_reason), reply.finish_reason)
    candidate: Body = {"index": 0, "finishReason": finish}
    if parts:
        candidate["content"] = {"role": "model", "parts": parts}
    if settings.get("responseLogprobs"):
        candidate["logprobsResult"] = {
            "chosenCandidates": [_scored(*alternatives[0]) for _, alternatives in reply.tokens],
            "topCandidates": [
                {"candidates": [_scored(*a) for a in alternatives[: settings["logprobs"]]]}
                for _, alternatives in reply.tokens
            ],
        }
    return {**said, "candidates": [candidate]}


def _scored(token: str, logprob: float) -> Body:
    return {"token": token, "tokenId": 1} | ({"logProbability": logprob} if logprob else {})


def _gemini_events(said: Body) -> Iterator[str]:
    candidate = said["candidates"][0]
    for part in candidate.get("content", {}).get("parts", []):
        split = [{**part, "text": piece} for piece in pieces(part["text"])] if "text" in part else [part]
        for piece in split:
            content = {"role": "model", "parts": [piece]}
            yield json.dumps({**said, "candidates": [{"index": 0, "content": content}]})
    yield json.dumps(
        {**said, "candidates": [{**candidate, "content": {"role": "model", "parts": [{"text": ""}]}}]}
    )


# ── Azure ─────────────────────────────────────────────────────────────────────────────────────────


def azure(arrival: Arrival, reply: Reply | str) -> Body | Events | Refuse:
    """POST /openai/deployments/…/chat/completions?api-version=…"""
    parts = urlsplit(arrival.path)
    found = re.fullmatch(r"/openai/deployments/([^/]+)/chat/completions", parts.path)
    version = parse_qs(parts.query).get("api-version", [""])[0]
    if found is None or not re.fullmatch(r"20\d\d-\d\d-\d\d(-preview)?", version):
        return Refuse(status=404, body='{"error": {"code": "404", "message": "Resource not found"}}')
    if arrival.headers.get("api-key") != KEY:
        return Refuse(status=401, body='{"error": {"code": "401", "message": "Access denied"}}')
    return speak(arrival, reply)

"""A configuration as people write them: 40 assertions, half of which have an exact counterpart."""

from __future__ import annotations

from pathlib import Path

CONFIG = r"""
description: "Answers of the help desk, before the switch"
prompts:
  - id: file://prompts/answer.txt
    label: plain
  - label: curt
    raw: "Answer in one sentence: {{question}}{% if premium %} (premium){% endif %}"
  - file://prompts/chat.json
providers:
  - openai:gpt-5-mini
  - id: anthropic:messages:claude-haiku-4-5
    label: "haiku, cold"
    config: {temperature: 0, max_tokens: 120, apiKey: "sk-ant-0123456789abcdef0123"}
  - id: openai:chat:qwen3-8b
    config: {apiBaseUrl: "{{env.LOCAL_URL}}", apiKeyEnvar: LOCAL_KEY, tools: []}
  - openai:embedding:text-embedding-3-small
  - file://providers/desk.py
defaultTest:
  vars: {product: Larkspur}
  assert:
    - {type: latency, threshold: 4000}                      # 1 none
    - {type: not-icontains, value: as an ai}                # 2 exact
    - {type: cost, threshold: 0.01}                         # 3 none
tests:
  - vars: {question: What is the capital of France?}
    assert:
      - {type: equals, value: Paris}                        # 4 exact
      - {type: levenshtein, value: Paris, threshold: 2}     # 5 none
  - vars: {question: "How many plans are there?", premium: yes}
    assert:
      - {type: equals, value: 3}                            # 6 exact
      - {type: regex, value: '^\d+$'}                       # 7 exact
      - {type: javascript, value: "output.length < 3"}      # 8 none
  - vars: {question: "Name our colours.", colour: teal}
    assert:
      - {type: contains-any, value: [teal, white]}          # 9 exact
      - {type: contains, value: "{{colour}}"}               # 10 nearly
      - {type: contains-all, value: [teal, white]}          # 11 exact
      - {type: not-contains, value: magenta}                # 12 exact
  - vars: {question: "Say hello."}
    assert:
      - {type: starts-with, value: Hello}                   # 13 exact
      - {type: similar, value: Hello there, threshold: 0.8} # 14 none
      - {type: contains, value: Hello}                      # 15 nearly
      - {type: regex, value: '^Hello[,!]'}                  # 40 exact
  - vars: {question: "Who can read my files?"}
    assert:
      - {type: llm-rubric, value: Says that nobody can}     # 16 none
      - {type: contains, value: nobody}                     # 17 nearly
      - {type: icontains, value: Encrypted}                 # 18 exact
      - {type: factuality, value: Files are encrypted}      # 19 none
  - vars: {question: "As JSON, please."}
    assert:
      - type: is-json                                       # 20 none
        value: {type: object, required: [answer]}
      - {type: contains-json}                               # 21 none
      - {type: equals, value: {answer: yes}}                # 22 none
  - vars: {question: ["How do I pay?", "How do I leave?"]}
    assert:
      - {type: icontains-any, value: [billing, settings]}   # 23 exact
      - {type: icontains-all, value: [click, menu]}         # 24 exact
      - {type: not-regex, value: "(?i)sorry"}               # 25 none
      - {type: not-starts-with, value: Sorry}               # 26 exact
      - {type: not-equals, value: No}                       # 27 exact
  - vars: {question: "What does it cost?"}
    assert:
      - {type: regex, value: '\$\d+(\.\d{2})?'}             # 28 exact
      - {type: contains, value: month}                      # 29 nearly
      - {type: python, value: file://price.py}              # 30 none
      - {type: word-count, value: {max: 30}}                # 31 none
      - type: assert-set
        threshold: 0.5
        assert:
          - {type: icontains, value: dollar}                # 32 none
          - {type: icontains, value: usd}                   # 33 none
  - file://tests/more.csv
evaluateOptions: {maxConcurrency: 6}
"""
MORE = """question,product,__expected,__expected2,__description
What is your name?,Larkspur,contains-any: Larkspur,"icontains: larkspur",name
Two plus two?,,4,regex:^4$,sum
Is it open source?,,"not-contains: yes, fully",similar(0.9): no,licence
"""  # 34 exact, 35 exact; 36 and 37 exact; 38 exact, 39 none
CHAT = """[
\t{"role": "system", "content": "You answer for {{product}}."},
\t{"role": "user", "content": "{{question}}"},
\t{"role": "assistant", "content": "Let me look."},
\t{"role": "user", "content": "Well?"}
]"""
EXACT, NEARLY, NONE = 20, 4, 16


def write(folder: Path) -> Path:
    """The configuration and the files that it names; the path of the configuration."""
    for name, text in {
        "promptfooconfig.yaml": CONFIG,
        "prompts/answer.txt": "You answer for {{ product }}.\n{{question}}\n",
        "prompts/chat.json": CHAT,
        "tests/more.csv": MORE,
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder / "promptfooconfig.yaml"

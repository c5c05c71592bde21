"""How much an answer has in common with gold texts: token F1, ROUGE-L, BLEU. All from 0 to 1.

Each is defined so that it agrees with the program that made its name: the evaluation script of SQuAD,
`rouge-score` without stemming, `sacrebleu`'s sentence BLEU.
"""

from __future__ import annotations

import math
import re
import string
from collections import Counter
from collections.abc import Iterator, Sequence

from evalspec.answers.finding import WORD
from evalspec.text.patterns import Pattern

ARTICLES = Pattern(r"\b(?:a|an|the)\b")
PUNCTUATION = str.maketrans("", "", string.punctuation)
WORDS = Pattern(rf"{WORD}+|[^\W_]")
LONGEST_ORDER = 4

# The tokeniser `13a` of mteval: signs apart from words, but for the points and commas of numbers.
ENTITIES = (("&quot;", '"'), ("&amp;", "&"), ("&lt;", "<"), ("&gt;", ">"))
SPLITS = (
    (re.compile(r"([{-~\[-` -&(-+:-@/])"), r" \1 "),
    (re.compile(r"([^0-9])([.,])"), r"\1 \2 "),
    (re.compile(r"([.,])([^0-9])"), r" \1 \2"),
    (re.compile(r"([0-9])(-)"), r"\1 \2 "),
)


def token_f1(answer: str, gold: str) -> float:
    """The F1 of the words that both have, as often as both have them. Case, ASCII punctuation and articles
    are dropped first (Rajpurkar et al. 2016). Two texts without words are alike."""
    said, due = _squad(answer), _squad(gold)
    common = (Counter(said) & Counter(due)).total()
    return _f1(common, len(said), len(due)) if said and due else float(said == due)


def rouge_l(answer: str, gold: str) -> float:
    """The F1 of the longest common subsequence of words (Lin 2004), case-blind, without stemming. In scripts
    without blanks each character is a word."""
    said, due = WORDS.findall(answer.casefold()), WORDS.findall(gold.casefold())
    return _f1(_common_subsequence(said, due), len(said), len(due))


def bleu(answer: str, golds: Sequence[str]) -> float:
    """Sentence BLEU against all golds together (Papineni et al. 2002): n-grams up to 4, or up to the answer's
    length, in `13a` tokens with their case. An order without a match counts as half a match, the next such as
    a quarter (`exp`, Chen and Cherry 2014); an answer without any common word is 0."""
    said, due = _tokens(answer), [_tokens(gold) for gold in golds]
    matched = [_matches(said, due, n) for n in range(1, LONGEST_ORDER + 1)]
    if not any(matched):
        return 0.0
    logs, smooth = 0.0, 1.0
    orders = min(LONGEST_ORDER, len(said))
    for n, hits in enumerate(matched[:orders], 1):
        smooth = smooth if hits else smooth * 2
        logs += math.log((hits or 1 / smooth) / (len(said) - n + 1))
    nearest = min((len(d) for d in due), key=lambda size: (abs(size - len(said)), size))
    brevity = min(0.0, 1 - nearest / len(said))
    return math.exp(brevity + logs / orders)


def _squad(text: str) -> list[str]:
    return ARTICLES.sub(" ", text.lower().translate(PUNCTUATION)).split()


def _f1(common: int, said: int, due: int) -> float:
    return 2 * common / (said + due) if common else 0.0


def _common_subsequence(said: Sequence[str], due: Sequence[str]) -> int:
    """The length of the longest common subsequence, a row of the table at a time as bits (Hyyrö 2004)."""
    places: dict[str, int] = {}
    for i, word in enumerate(due):
        places[word] = places.get(word, 0) | 1 << i
    full = (1 << len(due)) - 1
    row = full
    for word in said:
        hit = row & places.get(word, 0)
        row = ((row + hit) | (row - hit)) & full
    return len(due) - row.bit_count()


def _tokens(text: str) -> list[str]:
    line = text.replace("<skipped>", "").replace("-\n", "").replace("\n", " ")
    for entity, sign in ENTITIES if "&" in line else ():
        line = line.replace(entity, sign)
    line = f" {line} "
    for pattern, replacement in SPLITS:
        line = pattern.sub(replacement, line)
    return line.split()


def _matches(said: Sequence[str], due: Sequence[Sequence[str]], n: int) -> int:
    """How many n-grams of the answer a gold has too, each as often as the gold that has it most often."""
    most: Counter[tuple[str, ...]] = Counter()
    for gold in due:
        most |= Counter(_grams(gold, n))
    return (Counter(_grams(said, n)) & most).total()


def _grams(words: Sequence[str], n: int) -> Iterator[tuple[str, ...]]:
    return (tuple(words[i : i + n]) for i in range(len(words) - n + 1))

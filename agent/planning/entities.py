"""Names of the lake in a question: tables, columns, jobs, dashboards, KPIs, however they are written.

Exact names win, then plurals, missing underscores, words in another order, misspellings; the longest surface wins over
a shorter one inside it. A part of a name counts where the question says what it is ("the fact job"). What looks like a
name and is none stays in the reading as an unknown one: the tool that is asked for it answers with the nearest names.
Which intent is behind the question is not this file's business.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from agent.planning.text import Token, split_words
from tools.assets import Asset, Kind

__all__ = ["HINTS", "Linker", "Mention"]

HINTS: dict[str, Kind] = {
    **dict.fromkeys(("table", "dataset", "tabelle"), "table"),
    **dict.fromkeys(("column", "field", "attribute", "spalte", "colonne", "columna", "campo", "feld"), "column"),
    **dict.fromkeys(("job", "pipeline", "script", "etl", "dag", "traitement"), "job"),
    **dict.fromkeys(("dashboard", "tablero"), "dashboard"),
    **dict.fromkeys(("kpi", "metric", "measure", "kennzahl"), "kpi"),
}
"""Words that say of which kind the name beside them is."""

_PRIORITY: tuple[Kind, ...] = ("kpi", "dashboard", "table", "job", "column")
_GENERIC = frozenset("total overall number count sum of the by per in and a daily".split())
_REMOVERS = frozenset(
    "drop dropping remove removing delete deleting rename renaming retype retyping lose losing".split()
)
_DETERMINERS = frozenset(
    "the a an my our your this that these those which what any each every all some its their".split()
)
_MAX_WORDS = 8
_MIN_FUZZY_CHARS = 5


@dataclass(frozen=True, slots=True)
class Mention:
    """A name in the question, over tokens [first, last).

    `names` are the lake's names that it may mean: one when it is clear, several when it is not, none when nothing in
    the lake is called so. Columns are `table.column`. `score` is 1 for a name as the lake writes it.
    """

    kind: Kind
    names: tuple[str, ...]
    text: str
    first: int
    last: int
    score: float = 1.0

    @property
    def known(self) -> bool:
        """Whether the lake has it."""
        return bool(self.names)

    @property
    def name(self) -> str:
        """What to call it in a tool's arguments: the lake's name, or the text as typed."""
        if len(self.names) == 1:
            return self.names[0]
        return self.column if self.kind == "column" and self.names else self.text

    @property
    def column(self) -> str:
        """For a column: its name without the table."""
        return (self.names[0] if self.names else self.text).rpartition(".")[2]

    @property
    def tables(self) -> tuple[str, ...]:
        """For a column: the tables that it may be of."""
        return tuple(n.rpartition(".")[0] for n in self.names if "." in n)

    def of_table(self, table: str) -> Mention | None:
        """The same column, in one table."""
        mine = tuple(n for n in self.names if n.rpartition(".")[0] == table)
        return replace(self, names=mine) if mine else None


@dataclass(frozen=True, slots=True)
class _Match:
    assets: tuple[Asset, ...]
    score: float
    chars: int


class Linker:
    """Finds mentions of assets. `vocabulary` are the words that questions are made of: alone, they are no names."""

    def __init__(self, assets: Iterable[Asset], vocabulary: frozenset[str]) -> None:
        self.assets = tuple(assets)
        self.vocabulary = vocabulary

    # ------------------------------------------------------------------ finding

    def link(self, tokens: Sequence[Token]) -> tuple[Mention, ...]:
        """All mentions in order; none overlaps another."""
        mentions = self._strong(tokens)
        mentions += self._parts_of_names(tokens, mentions)
        mentions += self._unknown(tokens, mentions)
        mentions = [self._settled(m, tokens, mentions) for m in mentions if self._is_meant(m, tokens, mentions)]
        return tuple(sorted(mentions, key=lambda m: m.first))

    def candidates(self, words: Iterable[str], kinds: Sequence[Kind]) -> list[str]:
        """Names of these kinds that have a word in common with `words`, best first. For asking back."""
        wanted = {_stem(w) for w in words if w not in _GENERIC}
        scored = []
        for asset in self.assets:
            if asset.kind in kinds:
                own = {_stem(w) for w in split_words(asset.column if asset.kind == "column" else asset.short)}
                if common := len(wanted & own):
                    scored.append((-common, len(own), asset.column if asset.kind == "column" else asset.short))
        return list(dict.fromkeys(name for *_, name in sorted(scored)))

    def names(self, kind: Kind) -> list[str]:
        """All names of a kind, in the lake's order."""
        return [a.short for a in self.assets if a.kind == kind]

    # ------------------------------------------------------------------ whole names

    def _strong(self, tokens: Sequence[Token]) -> list[Mention]:
        found = []
        # An identifier that is a name by itself, misspelt or not, is not part of a longer, misspelt one.
        whole = {
            i for i, t in enumerate(tokens) if t.kind in ("identifier", "quoted") and self._match(t.words, fuzzy=True)
        }
        for first, last, words in _windows(tokens):
            stretched = last - first > 1 and not whole.isdisjoint(range(first, last))
            match = self._match(words, fuzzy=not stretched and self._may_be_misspelt(tokens[first:last]))
            if match:
                found.append((match.score * match.chars, first, last, match))
        found.sort(key=lambda f: (-f[0], f[1]))
        taken: set[int] = set()
        mentions = []
        for _, first, last, match in found:
            if taken.isdisjoint(range(first, last)):
                taken |= set(range(first, last))
                mentions.append(self._mention(match, tokens, first, last))
        return mentions

    def _mention(self, match: _Match, tokens: Sequence[Token], first: int, last: int) -> Mention:
        kind = self._kind(match.assets, tokens, first, last)
        names = tuple(dict.fromkeys(a.short for a in match.assets if a.kind == kind))
        return Mention(kind, names, _text(tokens, first, last), first, last, match.score)

    def _kind(self, assets: Sequence[Asset], tokens: Sequence[Token], first: int, last: int) -> Kind:
        kinds = {a.kind for a in assets}
        hint = _hint_beside(tokens, first, last)
        return hint if hint in kinds else min(kinds, key=_PRIORITY.index)

    def _may_be_misspelt(self, tokens: Sequence[Token]) -> bool:
        """Words that questions are made of are not misspelt names, unless something else stands with them."""
        return any(t.kind in ("identifier", "quoted") or self._is_foreign(t) for t in tokens)

    def _is_foreign(self, token: Token) -> bool:
        return token.kind == "word" and any(w not in self.vocabulary and len(w) > 2 for w in token.words)

    def _match(self, words: tuple[str, ...], *, fuzzy: bool) -> _Match | None:
        chars = sum(map(len, words))
        # "is in" is not the column isin: words of questions do not run together into a name.
        joinable = len(words) == 1 or not self.vocabulary.issuperset(words)
        for form, score in _forms(words):
            if (joinable or form[0] != "=") and (assets := self._index.get(form)):
                return _Match(tuple(assets), score, chars)
        return self._nearest("".join(words), len(words)) if fuzzy and chars >= _MIN_FUZZY_CHARS else None

    def _nearest(self, squeezed: str, count: int) -> _Match | None:
        """The surface most like a misspelt one; several when they are equally like it."""
        from rapidfuzz import fuzz, process

        cutoff = 88 if len(squeezed) < 8 else 84 if len(squeezed) < 10 else 80
        hits = process.extract(squeezed, self._squeezed, scorer=fuzz.ratio, limit=4, score_cutoff=cutoff)
        near = [(form, score) for form, score, i in hits if abs(self._counts[i] - count) <= 1]
        if not near:
            return None
        best = near[0][1]
        assets = [a for form, score in near if score > best - 2 for a in self._index["=" + form]]
        return _Match(tuple(assets), 0.95 * best / 100, len(near[0][0]))

    @cached_property
    def _index(self) -> dict[str, list[Asset]]:
        """Every form of every name. The sign in front keeps the forms apart."""
        index: dict[str, list[Asset]] = {}
        for asset in self.assets:
            for surface in _surfaces(asset):
                for form, _ in _forms(surface):
                    entry = index.setdefault(form, [])
                    if asset not in entry:
                        entry.append(asset)
        return index

    @cached_property
    def _squeezed(self) -> list[str]:
        return [form[1:] for form in self._index if form.startswith("=") and len(form) > _MIN_FUZZY_CHARS]

    @cached_property
    def _counts(self) -> list[int]:
        """Words in each squeezed surface."""
        counts = {"".join(s): len(s) for asset in self.assets for s in _surfaces(asset)}
        return [counts[form] for form in self._squeezed]

    # ------------------------------------------------------------------ parts of names

    def _parts_of_names(self, tokens: Sequence[Token], mentions: Sequence[Mention]) -> list[Mention]:
        taken = {i for m in mentions for i in range(m.first, m.last)}
        found = []
        for i, token in enumerate(tokens):
            hint = HINTS.get(token.norm)
            if hint and i not in taken and _hint_is_free(i, mentions):
                part = self._named_by_hint(tokens, i, hint, taken)
            elif i not in taken and self._is_foreign(token):
                part = self._by_one_word(token, i)
            else:
                continue
            if part and taken.isdisjoint(range(part.first, part.last)):
                taken |= set(range(part.first, part.last))
                found.append(part)
        return found

    def _named_by_hint(self, tokens: Sequence[Token], at: int, kind: Kind, taken: set[int]) -> Mention | None:
        """ "the fact job": the words before a hint that are part of a name of that kind."""
        first = at
        while first > 0 and at - first < 3 and first - 1 not in taken and self._may_name(tokens[first - 1]):
            first -= 1
        for start in range(first, at):
            words = [w for t in tokens[start:at] for w in t.words]
            names = self._containing(words, kind)
            if names:
                return Mention(kind, tuple(names), _text(tokens, start, at), start, at, 0.9)
        foreign = [i for i in range(first, at) if self._is_foreign(tokens[i])]
        if foreign:
            return Mention(kind, (), _text(tokens, foreign[0], at), foreign[0], at, 0.0)
        after = at + 1
        if after < len(tokens) and after not in taken and self._is_foreign(tokens[after]):
            return Mention(kind, (), tokens[after].bare, after, after + 1, 0.0)
        return None

    def _may_name(self, token: Token) -> bool:
        return token.kind in ("word", "number") and token.norm not in _DETERMINERS

    def _containing(self, words: Sequence[str], kind: Kind) -> list[str]:
        """Names of a kind that have all these words; as written before in another number."""
        own = {a.short: split_words(a.column if kind == "column" else a.short) for a in self.assets if a.kind == kind}
        exact = [name for name, parts in own.items() if set(words) <= set(parts)]
        stems = {_stem(w) for w in words}
        return exact or [name for name, parts in own.items() if stems <= {_stem(p) for p in parts}]

    def _by_one_word(self, token: Token, at: int) -> Mention | None:
        """ "AUM": one telling word of a KPI or dashboard, when it is most of that name."""
        if len(token.words) != 1:
            return None
        scored = []
        for asset in self.assets:
            if asset.kind in ("kpi", "dashboard"):
                telling = [w for w in split_words(asset.name) if w not in _GENERIC]
                if token.words[0] in telling and len(telling) <= 2 * 1:
                    scored.append((len(telling), asset))
        best = [a for size, a in scored if size == min(s for s, _ in scored)]
        if not best:
            return None
        kind = min((a.kind for a in best), key=_PRIORITY.index)
        names = tuple(a.short for a in best if a.kind == kind)
        return Mention(kind, names, token.bare, at, at + 1, 0.9)

    # ------------------------------------------------------------------ names that are none

    def _unknown(self, tokens: Sequence[Token], mentions: Sequence[Mention]) -> list[Mention]:
        taken = {i for m in mentions for i in range(m.first, m.last)}
        found: list[Mention] = []
        for i, token in enumerate(tokens):
            if i not in taken and token.kind in ("identifier", "quoted"):
                found += self._split(token, tokens, i)
        return found

    def _split(self, token: Token, tokens: Sequence[Token], at: int) -> Iterator[Mention]:
        """An identifier that no asset has: `known_table.no_such_column`, or a name of its own."""
        prefix, dot, suffix = token.bare.rpartition(".")
        owner = self._match(split_words(prefix), fuzzy=True) if dot else None
        if owner and any(a.kind == "table" for a in owner.assets):
            table = next(a.short for a in owner.assets if a.kind == "table")
            yield self._column_of(table, suffix, token, at)
            return
        kind = _hint_beside(tokens, at, at + 1) or _guess(token)
        yield Mention(kind, (), token.bare, at, at + 1, 0.0)

    def _column_of(self, table: str, column: str, token: Token, at: int) -> Mention:
        """A column of a known table: the nearest one, or one it has not (the tool will say which it has)."""
        from rapidfuzz import fuzz, process

        own = [a.column for a in self.assets if a.kind == "column" and a.short == f"{table}.{a.column}"]
        hit = process.extractOne(column.lower(), own, scorer=fuzz.ratio, score_cutoff=84)
        if hit:
            return Mention("column", (f"{table}.{hit[0]}",), token.bare, at, at + 1, 0.95 * hit[1] / 100)
        return Mention("column", (), f"{table}.{column}", at, at + 1, 0.0)

    # ------------------------------------------------------------------ second looks

    def _is_meant(self, mention: Mention, tokens: Sequence[Token], mentions: Sequence[Mention]) -> bool:
        """Whether plain everyday words that some column is called by ("is late") really mean that column."""
        own = tokens[mention.first : mention.last]
        if mention.kind != "column" or any(t.kind != "word" or len(t.words) > 1 for t in own):
            return True
        if any(t.norm not in self.vocabulary for t in own):
            return True
        if _hint_beside(tokens, mention.first, mention.last) == "column":
            return True
        before = {t.norm for t in tokens[max(0, mention.first - 2) : mention.first]}
        tables = {n for m in mentions if m.kind == "table" for n in m.names}
        return bool(before & _REMOVERS) or not tables.isdisjoint(mention.tables)

    def _settled(self, mention: Mention, tokens: Sequence[Token], mentions: Sequence[Mention]) -> Mention:
        """A column that several tables have, in the table that the question names."""
        if mention.kind != "column" or len(mention.names) < 2:
            return mention
        named = [n for m in mentions if m.kind == "table" for n in m.names]
        for table in named:
            if len(named) == 1 and (mine := mention.of_table(table)):
                return mine
        return mention


# ---------------------------------------------------------------------- forms of a name


def _surfaces(asset: Asset) -> set[tuple[str, ...]]:
    """The ways to write a name: bare, with its table, with its database."""
    forms = {asset.name, asset.short}
    if asset.kind == "column":
        forms.add(asset.column)
    return {words for form in forms if (words := split_words(form))}


def _forms(words: tuple[str, ...]) -> tuple[tuple[str, float], ...]:
    """Keys of a surface with what a match by each is worth: as it is, in another number, squeezed, reordered."""
    stems = [_stem(w) for w in words]
    return (
        ("." + " ".join(words), 1.0),
        ("~" + " ".join(stems), 0.98),
        ("=" + "".join(words), 0.97),
        ("<" + " ".join(sorted(stems)), 0.94),
    )


def _stem(word: str) -> str:
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def _windows(tokens: Sequence[Token]) -> Iterator[tuple[int, int, tuple[str, ...]]]:
    """Runs of tokens that may be one name, with their words; marks end a run, a dash does not."""
    for first, start in enumerate(tokens):
        if start.kind in ("mark", "other", "type"):
            continue
        words: tuple[str, ...] = ()
        for last in range(first, len(tokens)):
            token = tokens[last]
            if token.kind in ("mark", "other", "type"):
                break
            words += token.words
            if len(words) > _MAX_WORDS:
                break
            if words:
                yield first, last + 1, words


def _text(tokens: Sequence[Token], first: int, last: int) -> str:
    return " ".join(t.bare for t in tokens[first:last])


def _hint_beside(tokens: Sequence[Token], first: int, last: int) -> Kind | None:
    for i in (last, first - 1):
        if 0 <= i < len(tokens) and tokens[i].norm in HINTS:
            return HINTS[tokens[i].norm]
    return None


def _hint_is_free(at: int, mentions: Sequence[Mention]) -> bool:
    return not any(at in (m.first - 1, m.last) or m.first <= at < m.last for m in mentions)


def _guess(token: Token) -> Kind:
    words = token.words
    if words and words[-1] in ("job", "etl", "dag", "py", "sql"):
        return "job"
    return "table"

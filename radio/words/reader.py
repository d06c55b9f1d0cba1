"""Reads a text word by word: exact things, adjectives with their degrees, negations; keeps the rest for the anchors.

Knows nothing about moods' numbers or about sentence models.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import replace

from radio.words.exact import exact_at
from radio.words.lexicon import Lexicon, Term
from radio.words.reading import Reading, Rest
from radio.words.spelling import Word, near_miss, plain, split
from radio.words.steering import Steering
from radio.words.understanding import Wish

PLAINLY, MISSPELT, LOOSELY = 0.97, 0.8, 0.75
"""How sure exact words are; words that were misspelt; a negated adjective, whose opposite is our guess."""


class Reader:
    """Reads one text."""

    def __init__(self, lexicon: Lexicon, pictures: Collection[str], known: Collection[str] = ()) -> None:
        """Begin.

        Args:
            lexicon: what is read exactly.
            pictures: the words that name scenes.
            known: other words that are spelt right.
        """
        self._lexicon, self._pictures = lexicon, pictures
        self._meant = lexicon.telling_words().union(pictures)
        self._known = self._meant.union(lexicon.small_words(), known)
        self._reading, self._steering = Reading(), Steering()
        self._part: tuple[str, int] | None = None
        self._joined: list[tuple[str, int]] = []
        """Parts before an `and`, which may share what comes after the last one."""
        self._said: list[str] = []
        self._misspelt: dict[str, str] = {}
        self._loose: tuple[int, dict[str, float]] | None = None
        self._carry = False
        self._asked = False
        """Whether this clause has asked for something."""

    def read(self, text: str) -> Reading:
        """Read it all."""
        text = re.sub(r"\b([a-gA-G])\s?[#♯]", r"\1-sharp ", text)
        text = re.sub(r"\b([a-gA-G])♭", r"\1-flat ", text)
        words = [self._spelt(word) for word in split(text)]
        place = 0
        while place < len(words):
            place += self._step(words, place)
        return self._reading

    def _spelt(self, word: Word) -> Word:
        """Mend a word that is none, where it is plain which one was meant."""
        if word.is_mark or word.plain in self._known or not word.plain.isalpha():
            return word
        meant = near_miss(word.plain, self._meant)
        if meant is None:
            return word
        self._reading.notes.append(f"“{word.text}” was read as “{meant}”.")
        self._misspelt[meant] = word.text
        return Word(meant, plain(meant))

    def _step(self, words: list[Word], place: int) -> int:
        """Read what stands at a place; return how many words that took."""
        word = words[place]
        if word.is_mark:
            self._new_clause()
            return 1
        exact = exact_at(words, place)
        if exact is not None:
            wish, length, note = exact
            self._reading.wishes.append(wish)
            self._reading.notes += [note] if note else []
            self._steering = Steering()
            return length
        found = self._lexicon.find(words, place)
        if found is None:
            self._unknown(word)
            return 1
        kind, phrase, length = found
        some = words[place : place + length]
        if kind == "term":
            self._term(self._lexicon.terms[phrase], phrase, some)
        elif kind == "levels":
            self._level(words, place, phrase)
        elif kind == "degrees" and self._ends(words, place + length) and self._reading.wishes:
            last = self._reading.wishes[-1]
            size = last.amount * self._lexicon.small["degrees"][phrase]
            self._reading.wishes[-1] = replace(last, amount=round(size, 2), why=f"{last.why} {phrase}")
        else:
            self._small(kind, phrase, some)
        return length

    def _ends(self, words: list[Word], place: int) -> bool:
        """Tell whether a clause that has asked for something ends at a place."""
        return (place >= len(words) or words[place].is_mark) and self._asked

    def _unknown(self, word: Word) -> None:
        if self._steering.none:
            self._reading.refused.add(word.plain)
            self._steering = Steering()
        else:
            self._reading.rests[-1].words.append(word)
        self._loose = None
        if self._steering.sign and word.plain not in self._pictures:
            self._steering = Steering()

    def _small(self, kind: str, phrase: str, some: list[Word]) -> None:
        steering = self._steering
        self._said += [word.text for word in some] if kind in ("degrees", "more", "less", "none", "only") else []
        if kind == "degrees":
            number = self._lexicon.small["degrees"][phrase]
            steering.degree = number if steering.degree is None else steering.degree * number
        elif kind in ("more", "less"):
            steering.sign = (1 if kind == "more" else -1) * (-1 if steering.none else 1)
            steering.none = False
        elif kind == "none":
            steering.none = True
        elif kind == "after_none":
            for part in (*self._joined, self._part) if self._part is not None else ():
                self._silence(part, some)
        elif kind == "only":
            self._reading.only = phrase
        elif kind == "breaks":
            self._new_clause()
        elif kind == "joiners":
            self._joined = [*self._joined, self._part] if self._part is not None else []
            self._part, self._loose = None, None
            self._steering = Steering(none=self._carry)
        if kind in ("prepositions", "filler", "breaks", "joiners"):
            self._reading.rests[-1].add(some, cut=kind == "prepositions")

    def _level(self, words: list[Word], place: int, phrase: str) -> None:
        """Read high, low, up, down: they steer a scale before or behind them, and mean pitch by themselves."""
        sign = 1 if self._lexicon.small["levels"][phrase] > 0 else -1
        after = self._lexicon.find(words, place + 1)
        noun = after is not None and after[0] == "term" and self._lexicon.terms[after[1]].noun
        if noun:
            self._steering.sign = sign
            self._said.append(words[place].text)
        elif self._part is not None:
            self._about_part({"loud": float(sign)}, [words[place]])
        elif self._reading.wishes and self._reading.wishes[-1].kind == "turn" and "up down".find(phrase) >= 0:
            last = self._reading.wishes[-1]
            wanted = sign * abs(last.amount)
            self._reading.wishes[-1] = replace(last, amount=wanted, why=f"{last.why} {phrase}", relative=True)
        elif phrase not in ("up", "down"):
            self._turns({"register": float(sign)}, [words[place]], relative=False)

    def _term(self, term: Term, phrase: str, some: list[Word]) -> None:
        if term.scene and not self._steering.none and self._steering.sign >= 0:
            self._reading.rests[-1].add(some)
        elif term.scene:
            self._reading.refused |= {word.plain for word in some}
        if term.kinds and self._part is not None and not self._steering.none:
            self._about_part(term.kinds, some)
            return
        self._carry = self._steering.none
        if term.does is not None:
            self._asks(term, some)
        elif term.noun and not self._steering.any and self._told(term):
            pass  # `an unhurried tempo`: the scale was named only to say what is unhurried
        elif term.turns:
            first = len(self._reading.wishes)
            self._turns(term.turns, some, relative=term.relative, noun=term.noun)
            size = self._steering.amount(noun=False)
            self._loose = (first, {kind: number * size for kind, number in term.kinds.items()}) if term.kinds else None
        self._steering = Steering()
        self._said = []
        self._asked = True

    def _told(self, term: Term) -> bool:
        """Tell whether the wish before says already where on that scale."""
        last = self._reading.wishes[-1] if self._asked and self._reading.wishes else None
        return last is not None and last.kind == "turn" and last.name in term.turns

    def _asks(self, term: Term, some: list[Word]) -> None:
        """Take up a term that asks for a thing and not for a turn."""
        assert term.does is not None
        kind, value = term.does
        if kind == "part":
            self._about(str(value), some)
        elif kind == "silent":
            self._silence((str(value), len(self._reading.wishes)), some)
        elif kind in ("cannot", "fine"):
            fine = kind == "fine" or self._steering.none
            name = "fine as it is" if fine else str(value)
            self._reading.notes += [] if fine else [f"“{self._why(some)}”: {value}"]
            self._reading.wishes.append(Wish("note", name, 0.0, self._why(some), 0.97 if fine else 0.3))
        elif kind == "mode":
            self._wish(("mode", str(value), -1.0 if self._steering.none else 1.0), some)
        else:
            self._wish((kind, str(value), self._steering.amount(noun=True)), some, value=value)
        if kind not in ("part", "silent"):
            self._part = None
        if term.turns and kind != "vinyl":
            self._turns(term.turns, some, relative=False)

    def _about(self, part: str, some: list[Word]) -> None:
        """Take up a part by its name, with the adjective or the small words before it."""
        steering, place = self._steering, len(self._reading.wishes)
        if self._loose is not None and self._loose[0] < place:
            first, amounts = self._loose
            said = self._reading.wishes[first].why
            del self._reading.wishes[first:]
            self._part = (part, first)
            self._about_part(amounts, some, said)
        elif steering.none:
            self._silence((part, place), some)
        elif steering.sign:
            size = steering.sign * (steering.degree or 1.0)
            self._wish(("turn", f"{part}_db", size), some, relative=True)
            if part in ("drums", "second", "keys"):
                self._wish(("turn", f"{part}_density", 0.7 * size), some, relative=True)
        else:
            self._wish(("playing", part, 1.0), some)
        self._part, self._loose = (part, place), None

    def _about_part(self, kinds: Mapping[str, float], some: list[Word], said: str = "") -> None:
        """Read an adjective as said of the part beside it."""
        assert self._part is not None
        part, first = self._part
        wishes = self._reading.wishes
        name = said or (wishes[first].why if first < len(wishes) else part)
        if first < len(wishes) and wishes[first].kind == "playing":
            del wishes[first]
        scale = (self._steering.degree or 1.0) * (self._steering.sign or 1)
        for kind, number in kinds.items():
            turn = {"loud": "db", "busy": "density", "bright": "bright"}[kind]
            turn = f"{part}_{turn}" if (part, turn) not in _NO_SUCH else f"{part}_db"
            why = f"{name} {' '.join(word.text for word in some)}"
            wishes.append(Wish("turn", turn, number * scale, why, PLAINLY))
        self._steering, self._said = Steering(), []

    def _silence(self, part: tuple[str, int], some: list[Word]) -> None:
        name, why = part[0], self._why(some)
        named = next((wish for wish in self._reading.wishes if (wish.kind, wish.name) == ("playing", name)), None)
        if named is not None:
            why = f"{named.why} {why}"
            self._reading.wishes.remove(named)
        if name == "keys":
            self._reading.notes.append(f"“{why}”: the keys always play; they are softer instead.")
            self._reading.wishes.append(Wish("turn", "keys_db", -2.0, why, 0.5))
        else:
            self._reading.wishes.append(Wish("silent", name, 1.0, why, PLAINLY))

    def _turns(self, turns: Mapping[str, float], some: list[Word], *, relative: bool, noun: bool = False) -> None:
        scale = self._steering.amount(noun=noun)
        relative = relative or self._steering.sign != 0
        sure = LOOSELY if self._steering.none and not noun else None
        for turn, amount in turns.items():
            self._wish(("turn", turn, amount * scale), some, relative=relative, sure=sure)

    def _wish(
        self, what: tuple[str, str, float], some: list[Word], *, value: object = None, relative: bool | None = None,
        sure: float | None = None,
    ) -> None:  # fmt: skip
        kind, name, amount = what
        relative = self._steering.sign != 0 if relative is None else relative
        misspelt = any(word.text in self._misspelt for word in some)
        sure = sure if sure is not None else MISSPELT if misspelt else PLAINLY
        self._reading.wishes.append(Wish(kind, name, round(amount, 2), self._why(some), sure, relative, value))

    def _why(self, some: list[Word]) -> str:
        return " ".join([*self._said, *(self._misspelt.get(word.text, word.text) for word in some)])

    def _new_clause(self) -> None:
        self._reading.rests.append(Rest())
        self._steering, self._part, self._said, self._loose = Steering(), None, [], None
        self._carry, self._asked, self._joined = False, False, []


_NO_SUCH = {("bass", "density"), ("bass", "bright"), ("second", "bright")}

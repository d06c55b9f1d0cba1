import asyncio

import pytest

from engine import MOODS, MoodError
from radio.words import aside, understand
from radio.words.aside import Aside, WordsError

STUDY, SLEEP = MOODS["study"], MOODS["sleep"]


async def test_a_process_of_its_own_gives_the_same_answer():
    assert await Aside().understand("slower, more rain", STUDY, SLEEP) == understand("slower, more rain", STUDY, SLEEP)


async def test_one_at_a_time_and_mistakes_come_back_as_such():
    reader = Aside()
    first = asyncio.ensure_future(reader.understand(" ", STUDY, STUDY))
    await asyncio.sleep(0)
    with pytest.raises(WordsError, match="Somebody else"):
        await reader.understand("slow", STUDY, STUDY)
    with pytest.raises(MoodError, match="write a few words"):
        await first


async def test_a_reader_that_takes_too_long_is_ended(monkeypatch):
    monkeypatch.setattr(aside, "LONGEST_S", 0.01)
    with pytest.raises(WordsError, match="within"):
        await Aside().understand("slow", STUDY, STUDY)


async def test_a_reader_that_dies_is_told_of(monkeypatch):
    monkeypatch.setattr(aside, "_MODULE", "radio.words.no_such_reader")
    with pytest.raises(WordsError, match="ended with 1"):
        await Aside().understand("slow", STUDY, STUDY)

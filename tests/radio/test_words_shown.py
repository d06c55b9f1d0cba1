"""The words of the page: every language has all of them, and English says what the page itself says."""

import json
import re

import pytest


@pytest.fixture
def static(root):
    return root / "radio/web/static"


def words(static, language):
    return json.loads((static / f"words/{language}.json").read_text(encoding="utf-8"))


def slots(text):
    return set(re.findall(r"\{\w+\}", text))


def test_every_language_has_every_word_with_the_same_slots(static):
    english = words(static, "en")
    languages = [path.stem for path in (static / "words").glob("*.json")]
    assert {"en", "de"} <= set(languages)
    for language in languages:
        other = words(static, language)
        assert english.keys() - other.keys() == set(), language
        assert [name for name, text in english.items() if slots(other[name]) != slots(text)] == [], language


def test_english_is_what_the_page_says_without_any_script(static):
    english, page = words(static, "en"), (static / "index.html").read_text(encoding="utf-8")
    said = re.findall(r'data-word="([^"]+)"[^>]*>([^<]+)<', page)
    labels = [(name, label) for label, name in re.findall(r'aria-label="([^"]+)"[^>]*data-word-label="([^"]+)"', page)]
    assert len(said) > 25
    assert len(labels) > 5
    assert [(name, text) for name, text in said + labels if english.get(name) != text] == []


def test_every_word_that_a_script_says_is_there(static):
    english = words(static, "en")
    texts = [path.read_text(encoding="utf-8") for path in static.rglob("*.js")]
    scripts = "".join(text for text in texts if 'from "./words.js"' in text or 'from "./signal.js"' in text)
    names = re.findall(r'\bsay\("([^"]+)"', scripts)
    notices = [f"notice.{name}" for name in re.findall(r'tell\("notice", "([^"]+)"', scripts)]
    assert len(names) > 10
    assert [name for name in names + notices if name not in english] == []

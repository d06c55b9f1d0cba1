import random

import numpy as np
import pytest

from engine import MOODS, MoodError
from radio.words import understand
from radio.words.applying import COMPOSITES
from radio.words.lexicon import lexicon
from radio.words.reader import Reader
from radio.words.scenes import Gallery, load_model, scenes
from radio.words.turns import TURNS

STUDY = MOODS["study"]


@pytest.fixture(scope="module")
def gallery():
    model = load_model()
    assert model is not None, "the set-up installs the sentence model"
    return Gallery(model)


@pytest.fixture
def asked(gallery):
    return lambda text, now=None: understand(text, STUDY, now, gallery=gallery)


def middle(mood):
    return (mood.bpm_low + mood.bpm_high) / 2


def test_the_example_of_the_handbook(asked):
    answer = asked("rainy night in a small cafe, slow, no drums")
    assert middle(answer.mood) < 0.9 * middle(STUDY)
    assert answer.mood.silent == ("drums",)
    assert {"rain", "cafe"} <= set(dict(answer.mood.ambience))
    assert answer.not_understood == ()
    assert 0.8 < answer.sure <= 1


@pytest.mark.parametrize(
    ("text", "field", "wanted"),
    [
        ("in D minor at 72 bpm", "bpm_low", 72),
        ("in D minor at 72 bpm", "keys", (2,)),
        ("in D minor at 72 bpm", "minor_share", 1),
        ("something in f sharp major", "keys", (6,)),
        ("in c# minor", "keys", (1,)),
        ("key of Bb", "keys", (10,)),
        ("schnell in fis-moll", "keys", (6,)),
        ("Es-Dur", "keys", (3,)),
        ("seventy two bpm", "bpm_high", 72),
        ("between sixty and seventy bpm", "bpm_low", 60),
        ("zweiundsiebzig bpm", "bpm_low", 72),
        ("150 bpm", "bpm_low", 75),
        ("no drums or bass", "silent", ("drums", "bass")),
        ("drums off", "silent", ("drums",)),
        ("ohne Schlagzeug", "silent", ("drums",)),
        ("only piano and rain", "silent", ("drums", "bass", "second")),
        ("just guitar and bass", "silent", ("drums", "second")),
        ("no rain", "ambience", ()),
        ("a rhodes with a trumpet", "second_program", (0, 59)),
        ("nur Gitarre", "keys_program", (0, 24)),
        ("qiuet pinao music", "keys_program", (0, 0)),
        ("no vinyl", "vinyl", "clean"),
        ("with brushes", "drum_kit", 40),
    ],
)  # fmt: skip
def test_exact_words_mean_exact_numbers(asked, text, field, wanted):
    assert getattr(asked(text).mood, field) == wanted


@pytest.mark.parametrize(
    ("text", "field", "sign"),
    [
        ("slow", "bpm_low", -1), ("very fast", "bpm_low", 1), ("not too fast", "bpm_low", -1),
        ("langsam", "bpm_low", -1),
        ("more swing", "swing", 1), ("less swing", "swing", -1), ("turn up the bass", "bass_db", 1),
        ("drums a bit quieter", "drums_db", -1), ("very soft drums and heavy bass", "drums_db", -1),
        ("very soft drums and heavy bass", "bass_db", 1), ("lower the tempo", "bpm_low", -1),
        ("not sad", "minor_share", -1),
        ("sad", "minor_share", 1), ("brighter", "brightness_db", 1), ("dunkel", "brightness_db", -1),
        ("the drums are too loud", "drums_db", -1), ("too slow", "bpm_low", 1), ("an unhurried tempo", "bpm_low", -1),
        ("less busy drums", "drums_density", -1), ("more reverb", "room", 1), ("high notes", "register_low", 1),
        ("deep", "register_low", -1), ("tempo up", "bpm_low", 1), ("weniger Hall", "room", -1),
    ],
)  # fmt: skip
def test_plain_words_move_numbers_their_way(asked, text, field, sign):
    moved = getattr(asked(text).mood, field) - getattr(STUDY, field)
    assert np.sign(moved) == sign


@pytest.mark.parametrize(
    ("text", "scene"),
    [
        ("taxi ride through Tokyo", "drive"), ("she left me", "sad"), ("marshmallows over the flames", "fireplace"),
        ("miles davis trio", "jazz"), ("eine Tasse heiße Schokolade am Ofen", "fireplace"), ("Frühstück", "morning"),
        ("letting go of all the stress of the week", "calm"),
    ],
)  # fmt: skip
def test_pictures_find_their_scene(asked, text, scene):
    assert scene in {wish.name for wish in asked(text).read if wish.kind == "scene"}


def test_every_number_that_moved_has_its_reason(asked):
    for text in ("stormy evening, fast, more vinyl, only piano", "a happy beach party in A major"):
        answer = asked(text)
        changed = {
            field for field in ("bpm_low", "minor_share", "ambience", "keys_program", "vinyl_db")
            if getattr(answer.mood, field) != getattr(STUDY, field)
        }  # fmt: skip
        moves = {move.field: move for move in answer.moves}
        assert changed <= set(moves)
        assert all(move.why and 0 < move.sure <= 1 for move in moves.values())


def test_what_is_no_word_of_ours_is_named(asked):
    answer = asked("slow gribbledy frobnicators")
    assert answer.not_understood == ("gribbledy", "frobnicators")
    assert answer.sure < asked("slow").sure


def test_what_cannot_be_had_is_said(asked):
    assert any("singing" in note for note in asked("with a choir").notes)
    assert asked("no vocals").notes == ()
    assert any("keys always play" in note for note in asked("no keys").notes)


def test_relative_words_start_from_what_plays_and_pictures_do_not(asked):
    sleep = MOODS["sleep"]
    assert asked("slower", sleep).mood.bpm_low < sleep.bpm_low
    assert asked("slower", sleep).start == "sleep"
    assert asked("ein bisschen schneller, mit Schlagzeug", sleep).start == "sleep"
    assert asked("a snowy cabin", sleep).start == "study"


def test_the_same_words_mean_the_same(asked):
    text = "a warm autumn evening by the sea, a bit slower, hardly any drums"
    assert asked(text) == asked(text)


def test_without_the_sentence_model_words_are_still_read_and_it_says_so():
    answer = understand("slow rainy taxi ride of my thesis", STUDY, gallery=Gallery(None))
    assert middle(answer.mood) < middle(STUDY)
    assert {"rain", "drive"} <= {wish.name for wish in answer.read}
    assert "thesis" in answer.not_understood
    assert any("lofi-radio[words]" in note for note in answer.notes)


@pytest.mark.parametrize("text", ["", "   ", "x" * 501])
def test_no_words_and_too_many_are_refused(asked, text):
    with pytest.raises(MoodError, match="words"):
        asked(text)


def test_no_text_at_all_makes_it_fail():
    rng, gallery = random.Random(5), Gallery(None)
    pieces = "no not more less very slow drums rain in d minor 72 bpm only a bit , . ! ♯ ü 🎹 3 am off high und but"
    for _ in range(200):
        text = " ".join(rng.choices(pieces.split(), k=rng.randint(1, 12)))
        assert understand(text, STUDY, gallery=gallery).mood.name == "words"  # a mood checks its numbers itself
    for _ in range(60):
        text = "x" + "".join(chr(rng.choice([rng.randrange(32, 127), rng.randrange(0x20, 0x2FFF)])) for _ in range(30))
        understand(text, STUDY, gallery=gallery)


def test_scenes_speak_of_moods_turns_and_loops_that_exist(loop_names):
    for scene in scenes().values():
        assert set(scene.near) <= set(MOODS)
        assert set(scene.turns) <= set(TURNS) | set(COMPOSITES)
        assert set(scene.layers) <= loop_names
    assert sum(len(scene.phrases) for scene in scenes().values()) >= 300


def test_every_term_says_something():
    for words, term in lexicon().terms.items():
        assert term.turns or term.does, words
        assert set(term.turns) <= set(TURNS) | set(COMPOSITES), words


@pytest.fixture(scope="module")
def loop_names(root):
    return {path.stem for path in (root / "loops/ambience").glob("*.flac")}


def test_a_reader_mends_only_plain_slips():
    assert Reader(lexicon(), ()).read("paino").notes == ["“paino” was read as “piano”."]
    assert Reader(lexicon(), ()).read("gribbledy panini").notes == []

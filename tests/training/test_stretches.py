from engine import tokens
from training.corpus import EVERY_EPOCH, Entry, as_ids
from training.sample import headers_of
from training.songs import decode_piano
from training.stretches import chosen, cut


def song(bars):
    texts = [f"<bar> <Dmin7> <density{bar % 3}> @{bar} 3c:5 @{bar + 40} 3c:0" for bar in range(bars)]
    return tokens.parse("<start> <lead> <major> " + " ".join(texts) + " <end>")


def entry(name, bars):
    return Entry(name, True, EVERY_EPOCH, as_ids(song(bars)))


def test_a_song_is_cut_without_losing_a_bar_or_a_header():
    ids = song(10)
    parts = cut(ids, 4)
    assert [part.count(tokens.BAR) for part in parts] == [4, 4, 2]
    assert [header for part in parts for header in headers_of(part)[1]] == headers_of(ids)[1]
    assert all(headers_of(part)[0] == headers_of(ids)[0] and part[-1] == tokens.END for part in parts)
    assert [len(decode_piano(part).notes) for part in parts] == [4, 4, 2]


def test_nothing_without_bars_is_cut():
    assert cut([tokens.START, tokens.END], 4) == []
    assert chosen([Entry("x", True, EVERY_EPOCH, as_ids([tokens.START, tokens.END]))], 3, 4) == []


def test_long_songs_have_more_stretches_and_short_ones_are_not_passed_over():
    songs = [entry("long", 40), *(entry(f"short{number}", 4) for number in range(10))]
    names = [stretch.name.split(" ")[0] for stretch in chosen(songs, 10, 8)]
    assert names.count("long") == 5
    assert len(set(names)) == 6, "half of the bars are the short songs': half of the stretches, too"
    assert len(chosen(songs, 1000, 8)) == 15, "no more than there are"

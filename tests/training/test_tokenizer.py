import pytest
from tokenizers import Tokenizer

from engine import tokens
from training.errors import TokenTextError
from training.midicompact import MAIN
from training.tokenizer import encode_texts, make_tokenizer, read_lines, save_tokenizer, table, write_lines

LINE = "<start> 3c:d t62 3c:0 40:a t62 40:0 <end>"


@pytest.mark.parametrize("size", [tokens.MIDICOMPACT_SIZE, tokens.VOCABULARY_SIZE])
def test_the_written_table_loads_in_the_library_with_the_engine_s_ids(tmp_path, size):
    save_tokenizer(size, tmp_path / "tokenizer.json")
    loaded = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    assert loaded.get_vocab_size() == size
    assert [loaded.id_to_token(token) for token in range(size)] == [tokens.text(token) for token in range(size)]
    assert loaded.encode(" ".join(table(size))).ids == list(range(size))
    assert loaded.decode([1, 1101, 64], skip_special_tokens=False) == "<start> 3c:d t62"


def test_midicompact_takes_any_case_and_unknown_words_are_pad_as_upstream_has_it():
    tokenizer = make_tokenizer(table(tokens.MIDICOMPACT_SIZE))
    assert tokenizer.encode("<START> 3C:D 3c:10").ids == [1, 1101, 0]
    assert make_tokenizer(list(MAIN.words())).encode("p:24:a").ids == [128 + 36 * 12 + 10]


def test_texts_become_the_engine_s_ids_and_a_wrong_word_is_named():
    [ids] = encode_texts([LINE], tokens.MIDICOMPACT_SIZE)
    assert ids.tolist() == tokens.parse(LINE) == [1, 1101, 64, 1088, 1162, 64, 1152, 2]
    assert [ids.tolist() for ids in encode_texts(["<pad> t1", ""], 2176)] == [[0, 3], []]
    with pytest.raises(TokenTextError, match="word 2, '<bar>': not in the table of 2176"):
        list(encode_texts([LINE, "t1 <bar>"], tokens.MIDICOMPACT_SIZE))


def test_lines_come_back_and_a_broken_one_is_named(tmp_path):
    path = tmp_path / "x.jsonl"
    assert write_lines([LINE, "t1"], path) == 2
    assert list(read_lines(path)) == [LINE, "t1"]
    path.write_text('{"text": "t1"}\n{"words": 3}\n')
    with pytest.raises(TokenTextError, match=r"x\.jsonl:2"):
        list(read_lines(path))

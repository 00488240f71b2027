"""In which characters a document is: what its bytes are goes before what it, or its sender, says they are."""

import codecs

import pytest

from connectors.charset import as_utf8
from connectors.contract import Document
from connectors.xml import cut, element

PLATES = {"gbk": "京A12345", "gb2312": "京A12345", "shift_jis": "品川330さ1234", "iso-8859-1": "MÜ-AB 123"}


def _xml(declared: str, plate: str) -> str:
    return f'<?xml version="1.0" encoding="{declared}"?>\n<Reads><p>{plate}</p></Reads>'


@pytest.mark.parametrize("mark", [b"", codecs.BOM_UTF8])
@pytest.mark.parametrize(("declared", "plate"), PLATES.items())
def test_xml_in_utf8_is_read_as_such_whatever_it_declares(declared: str, plate: str, mark: bytes) -> None:
    body = mark + _xml(declared, plate).encode()
    assert element(body).findtext("p") == plate
    assert cut(body, "p") == [f"<p>{plate}</p>".encode()]


@pytest.mark.parametrize(("declared", "plate"), [*PLATES.items(), ("gbk", "鲁A12345"), ("gbk", "豫A12345")])
def test_xml_in_what_it_declares_is_read_as_such(declared: str, plate: str) -> None:
    body = _xml(declared, plate).encode(declared)
    assert element(body).findtext("p") == plate
    assert cut(body, "p") == [f"<p>{plate}</p>".encode()]


def test_a_mark_goes_before_what_is_declared_even_where_the_bytes_could_be_either() -> None:
    body = codecs.BOM_UTF8 + _xml("gbk", "Å 123").encode()
    assert element(body).findtext("p") == "Å 123"


@pytest.mark.parametrize("plate", ["京A12345", "鲁A12345", "豫A12345"])
@pytest.mark.parametrize("written", ["gbk", "utf-8"])
def test_json_is_read_in_what_its_bytes_are(plate: str, written: str) -> None:
    body = f'{{"plate": "{plate}"}}'.encode(written)
    assert as_utf8(Document(body, "application/json; charset=gbk")).body.decode() == f'{{"plate": "{plate}"}}'


def test_characters_that_are_written_in_the_bytes_of_ascii_are_decoded() -> None:
    body = '{"plate": "品川330さ1234"}'.encode("iso2022_jp")
    assert "品川" in as_utf8(Document(body, "application/json; charset=iso-2022-jp")).body.decode()

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


@pytest.mark.parametrize(
    ("before", "declared", "plate"),
    [
        (before, declared, plate)
        for before in (b"", b"\r\n")
        for declared, plate in [*PLATES.items(), ("gbk", "鲁A12345"), ("gbk", "豫A12345"), ("utf-16", "京A12345")]
        if not before or declared != "utf-16"  # whose mark stands before everything
    ],
)
def test_xml_in_what_it_declares_is_read_as_such(before: bytes, declared: str, plate: str) -> None:
    body = before + _xml(declared, plate).encode(declared)
    assert element(body).findtext("p") == plate
    assert cut(body, "p") == [f"<p>{plate}</p>".encode()]


@pytest.mark.parametrize("declared", ["utf-8", "UTF-8", "us-ascii"])
def test_what_is_cut_out_of_a_document_in_utf8_are_its_own_bytes_with_the_damage_in_them(declared: str) -> None:
    body = _xml(declared, "9SYN042#").encode().replace(b"#", b"\xe3")
    assert cut(body, "p") == [b"<p>9SYN042\xe3</p>"]


@pytest.mark.parametrize("declared", ["gbk", "shift_jis"])
def test_xml_that_says_its_characters_itself_knows_better_than_its_sender(declared: str) -> None:
    body = _xml(declared, PLATES[declared]).encode(declared)
    assert as_utf8(Document(body, "application/xml; charset=iso-8859-1")).body == body


@pytest.mark.parametrize("kind", ["multipart/form-data; boundary=edge; charset=gbk", "image/jpeg", "application/json"])
def test_the_pictures_of_a_form_that_names_its_characters_stay_as_they_are(kind: str) -> None:
    body = b"--edge\r\nContent-Type: image/jpeg\r\n\r\n\xff\xd8\xff\xe0\xc4\xff\xd9\r\n--edge--\r\n"
    assert as_utf8(Document(body, kind)).body == body


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

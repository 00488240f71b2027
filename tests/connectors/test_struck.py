"""What is kept of a vendor's words: no secret of the connection in any form, nothing like a plate or an escape."""

import html
from base64 import b64encode, urlsafe_b64encode
from datetime import UTC, datetime
from urllib.parse import quote, unquote

import httpx
import pytest
import respx
from pydantic import BaseModel, SecretStr

from connectors.contract import Window
from connectors.errors import AdminMustFix, ConnectorError
from connectors.struck import LONGEST, Struck, secrets_of, without_plates
from connectors.testing.frame import frame_at
from connectors.vendors.generic_json import GenericJsonConnector, GenericJsonSettings

PASSWORD = "hunter2/SECRET+of us"
STRUCK = Struck([PASSWORD])
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "echoed",
    [
        PASSWORD,
        PASSWORD.upper(),
        b64encode(PASSWORD.encode()).decode(),
        *(b64encode(f"{user}:{PASSWORD}".encode()).decode() for user in ("hub", "admin", "x", "agency-7")),
        urlsafe_b64encode(f"hub:{PASSWORD}".encode()).decode(),
        quote(PASSWORD, safe=""),
        quote(PASSWORD),
        PASSWORD.replace(" ", "+").replace("/", "%2F"),
        "".join(f"%{sign:02x}" for sign in PASSWORD.encode()),
        PASSWORD.encode().hex(),
        PASSWORD.replace("/", "&#47;"),
        PASSWORD.replace("/", "%2f"),
        "".join(f"&#{ord(sign)};" for sign in PASSWORD),
        quote(PASSWORD.replace("/", "&#47;")),
        quote(quote(quote(PASSWORD, safe=""), safe=""), safe=""),
        html.escape("".join(f"&#x{ord(sign):x};" for sign in PASSWORD)),
        f"key={quote(PASSWORD, safe='')}&user=hub",
    ],
)
def test_a_secret_is_struck_out_in_every_form_that_it_travels_in(echoed: str) -> None:
    said = STRUCK.words(f"the login {echoed} is refused")
    for part in (PASSWORD, "hunter", "SECRET", b64encode(PASSWORD.encode()).decode()[4:-4]):
        assert part.casefold() not in said.casefold()
    assert "***" in said
    kept = STRUCK.without_secrets(f"the login {echoed} is refused")
    assert "***" in kept
    assert PASSWORD.casefold() not in unquote(html.unescape(kept)).casefold()


def test_what_holds_no_secret_stays_as_it_is_written() -> None:
    said = "100&#37; of the login&#47;key %2f is refused"
    assert STRUCK.without_secrets(said) == said


def test_a_secret_of_a_few_signs_is_struck_out_where_it_stands_alone() -> None:
    struck = Struck(["abc"])
    assert struck.words("the login abc is refused: abcd, (ABC)") == "the login *** is refused: abcd, (***)"
    assert struck.without_secrets("vendor.example") == "vendor.example"


@pytest.mark.parametrize(
    "plate",
    [
        "7ABC123", "7abc123", "7ABC 123", "7 abc 123", "abc-1234", "ABC.123", "a123bc", "123456", "AB 12 CDE",
        "京A12345", "京A·12345", "А123ВС77", "ILUVCATS", "9SYN042",
    ],
)  # fmt: skip
def test_what_is_like_a_plate_is_struck_out_in_any_case(plate: str) -> None:
    said = without_plates(f"not allowed to ask about {plate}, says the service")
    assert plate not in said
    assert said.endswith(", says the service")


@pytest.mark.parametrize("plate", ["iluvcats", "ILUVCATS", "go_dodgers", "9syn042"])
def test_what_stands_behind_a_plates_noun_is_struck_out_whatever_it_is(plate: str) -> None:
    for text in (f"plate {plate} was refused", f"the license plate number '{plate}' is invalid", f"LPN: {plate}"):
        assert plate.partition("_")[0] not in without_plates(text)


@pytest.mark.parametrize(
    "name", ["licensePlate", "numberplate", "plateNumber", "Kennzeichen", "kfzKennzeichen", "registrationNumber"]
)
def test_the_name_of_a_field_may_hold_a_plates_noun(name: str) -> None:
    for text in (f"{name}=iluvcats is refused", f"{name}: 'iluvcats'", f'"{name}":"iluvcats"'):
        assert "iluvcats" not in without_plates(text)


@pytest.mark.parametrize("text", ["plates iluvcats, hotrod", "plate: ['iluvcats', 'hotrod']", "plate iluvcats; hotrod"])
def test_every_plate_of_a_list_is_struck_out(text: str) -> None:
    said = without_plates(f"{text} were refused")
    assert "hotrod" not in said
    assert said.endswith("were refused")


@pytest.mark.parametrize(
    "text",
    [
        "the template has expired",
        "the key has expired",
        "Invalid API key",
        "INVALID_API_KEY",
        "no such account",
        "plate not found",
    ],
)
def test_words_that_are_no_plate_stay(text: str) -> None:
    assert without_plates(text) == text


def test_signs_that_steer_a_terminal_or_turn_a_line_around_are_gone_and_it_stays_short() -> None:
    said = STRUCK.words("expired\x1b[2J\x9b31m \u202eyek\u2066 \x00now\n" + "so " * 500)
    assert said.isprintable()
    assert len(said) <= LONGEST
    assert STRUCK.words("so " * 50_000) == ""


def test_every_secret_of_the_settings_is_known_however_deep() -> None:
    class Inner(BaseModel):
        key: SecretStr

    class Outer(BaseModel):
        one: SecretStr
        none: SecretStr | None = None
        more: dict[str, SecretStr] = {}
        inner: tuple[Inner, ...] = ()
        plain: str = "plain"

    settings = Outer(one=SecretStr("one"), more={"x": SecretStr("two")}, inner=(Inner(key=SecretStr("three")),))
    assert secrets_of(settings) == ("one", "two", "three")


@respx.mock
def test_a_refusal_quotes_neither_the_secrets_of_its_connection_nor_a_plate() -> None:
    settings = GenericJsonSettings(
        place="https://vendor.example/reads",
        auth="basic",
        auth_user="hub",
        auth_secret=SecretStr("hunter2-SECRET"),
        secret=SecretStr("another-one-of-it"),
    )
    basic = b64encode(b"hub:hunter2-SECRET").decode()
    said = f"login hub/hunter2-SECRET ({basic}, another-one-of-it) refused for plate 7abc123 or 7ABC 123"
    respx.get("https://vendor.example/reads").respond(403, json={"error": {"message": said}})
    with GenericJsonConnector(settings, frame_at(NOW)) as connector, pytest.raises(AdminMustFix) as refused:
        connector.check()
    told = str(refused.value)
    assert "refused for plate" in told
    for secret in ("hunter2", "SECRET", basic[4:], "another-one", "7abc", "7ABC"):
        assert secret not in told


@respx.mock
def test_an_address_that_an_answer_leads_to_quotes_no_secret_either() -> None:
    settings = GenericJsonSettings(
        place="https://vendor.example/reads", auth="query", auth_name="key", auth_secret=SecretStr("opens-all"),
        paging="next_url", map={"plate": "p", "captured_at": "t", "camera_id": "c", "records": "data[]"},
    )  # fmt: skip
    answers = [
        httpx.Response(200, json={"data": [], "next": "https://opens-all.evil.example/"}),
        httpx.Response(302, headers={"location": "https://opens-all.evil.example/"}),
    ]
    respx.get("https://vendor.example/reads").mock(side_effect=answers)
    for _ in answers:
        with GenericJsonConnector(settings, frame_at(NOW)) as connector, pytest.raises(ConnectorError) as refused:
            list(connector.pull(Window(NOW, NOW)))
        assert "opens-all" not in str(refused.value)

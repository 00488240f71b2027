"""UniFi Protect: what its Alarm Manager sends to a custom webhook when a camera reads a plate."""

import re
from collections.abc import Iterator
from typing import ClassVar, Final

from connectors import contract
from connectors.auth import pushed_by_ours
from connectors.cameras import camera_of, mac_of
from connectors.contract import Connector, Record
from connectors.errors import AdminMustFix, VendorChanged
from connectors.fields import Fields, elements, slices
from connectors.identity import derived
from connectors.plates import plate_at
from normalize.fault import NoRead, Unusable
from normalize.plate import canonical
from normalize.read import Camera, Candidate, ImageKind, ImageRef, Match, Read
from normalize.times import from_epoch

PLATES: Final = "license_plate"
"""How the keys of triggers begin that tell of a plate: `_unknown`, `_known`, `_of_interest` follow."""
OF_INTEREST: Final = "license_plate_of_interest"
_UNREAD: Final = frozenset({
    "unknown", "unreadable", "unread", "blank", "noplatefound", "noplatenumber", "nan", "0", "000000",
})  # fmt: skip
"""What tells of no plate, although an alarm never says how sure the camera was."""
_LIKE_A_PLATE: Final = re.compile(r"[A-Z0-9][A-Z0-9 .-]{0,9}")


class UnifiSettings(contract.PushSettings):
    """The secret that the webhook's custom header holds."""


class UnifiConnector(Connector[UnifiSettings]):
    """UniFi Protect's alarms about plates."""

    info = contract.Info(
        key="unifi",
        name="UniFi Protect",
        company="Ubiquiti Inc.",
        evidence=contract.Evidence.SAMPLES,
        retention_vendor="unifi",
        known_limits=(
            "Ubiquiti publishes nothing about the webhook: it is known from captured payloads alone.",
            "No id of a read is published: it is made of event and plate, or else of camera, instant and plate.",
            "An alarm tells no confidence, no state, no direction and no vehicle.",
            "Whether Protect tries again after a failure is not described; what it does not send is lost.",
            "Nothing can be asked for: the console's own interface to plates is not documented.",
            "Plates of interest are kept in the console by hand; no hot list can be pushed.",
            "Protect signs nothing; a secret in a custom header is all the proof there is.",
            "A small picture comes with some alarms; the full one stays on the console.",
        ),
    )
    Settings = UnifiSettings
    inbound: ClassVar[contract.Inbound] = contract.Inbound()

    def check(self) -> str:
        """Says that there is nobody to ask; raises `AdminMustFix` where no push could be believed."""
        if self.settings.webhook_secret is None:
            raise AdminMustFix("no push secret is set, so no alarm would be believed")
        return "Nothing can be asked of Protect: reads come once its alarms call this connection with the secret."

    def verify(self, request: contract.Request) -> None:
        """Return where the alarm holds the secret; raises `AdminMustFix` where it does not, or none is set."""
        pushed_by_ours(request, self.settings)

    def unpack(self, document: contract.Document) -> Iterator[Record]:
        """The triggers of an alarm, one record each; a call without a body as one record that is no read."""
        body = document.body
        if not body.strip():
            yield Record("call", body)
            return
        parts = slices(body)
        if isinstance(parts, list) or "alarm" not in parts:
            raise VendorChanged("is not an alarm of UniFi Protect", body)
        alarm = slices(parts["alarm"]) if parts["alarm"].startswith(b"{") else {}
        triggers = alarm.get("triggers", b"") if isinstance(alarm, dict) else b""
        count = len(elements(triggers)) if triggers.startswith(b"[") else 1
        yield from (Record("alarm", body, part) for part in range(max(count, 1)))

    def read_of(self, record: Record) -> Read:
        """One trigger of an alarm (`part` says which): its value is the plate, whatever its group is called."""
        if record.kind == "call":
            raise NoRead("record", "is a call without a body")
        fields = record.fields()
        alarm = fields.inside("alarm")
        if alarm is None or not alarm.has("triggers"):
            raise Unusable("alarm.triggers", "is missing: the alarm does not say what it is about")
        triggers = list(alarm.each("triggers"))
        if record.part >= len(triggers):
            raise NoRead("alarm.triggers", "is empty: the alarm tells of no plate")
        return self._read(alarm, triggers[record.part], alone=len(triggers) == 1)

    def _read(self, alarm: Fields, trigger: Fields, *, alone: bool) -> Read:
        key = trigger.text("key")
        if not key.startswith(PLATES):
            raise NoRead("alarm.triggers.key", "is an alarm about something other than a plate")
        if not trigger.holds("value"):
            raise NoRead("alarm.triggers.value", "is missing: no plate was read")
        plate = plate_at(trigger, "value", words=_UNREAD, numbers=True)
        at = from_epoch(trigger.decimal("timestamp"), "ms", "alarm.triggers.timestamp")
        device = camera_of(trigger.ident_or_none("device"), _only_source(alarm))
        camera = mac_of(device) or device
        event = trigger.ident_or_none("eventId")
        one = (event,) if event else (camera, at.at.isoformat())
        ident = derived(*one, canonical(plate))
        wanted = key == OF_INTEREST
        thumbnail = alarm.picture_or_none("thumbnail") if alone else None
        return Read(
            # An id of its own: another alarm may tell of the same event without the match, and the first would win.
            vendor_read_id=f"{ident}/of-interest" if wanted else ident,
            pass_id=event,
            plate_raw=plate,
            candidates=_other_reading(trigger, plate),
            captured_at=at.at,
            zone=at.zone,
            camera=Camera(id=camera),
            images=(ImageRef(kind=ImageKind.FRAME, data=thumbnail),) if thumbnail else (),
            matches=(Match(list_name="plates of interest", reason=_short(alarm, "name")),) if wanted else (),
            link=alarm.text_or_none("eventLocalLink"),
        )


def _only_source(alarm: Fields) -> str | None:
    """The alarm's one source, for a trigger that names no device; None where there are several or none."""
    sources = [each for each in alarm.each("sources") if each.text_or_none("type") in (None, "include")]
    devices = {device for source in sources if (device := source.ident_or_none("device"))}
    return devices.pop() if len(devices) == 1 else None


def _other_reading(trigger: Fields, plate: str) -> tuple[Candidate, ...]:
    """The group's name where it is another reading of the plate; people may also name the groups of known plates."""
    name = trigger.text_or_none("group.name")
    if name is None or not _LIKE_A_PLATE.fullmatch(name) or canonical(name) == canonical(plate):
        return ()
    return (Candidate(text=name),)


def _short(fields: Fields, path: str) -> str | None:
    text = fields.text_or_none(path)
    return text and text[:500]

"""One record of each wire, with a plate and with a text that nobody needs."""

from typing import Any
from zoneinfo import ZoneInfo

from connectors.contract import Connector
from connectors.mapping import Mapping
from connectors.registry import connector

HIKVISION = (
    "<EventNotificationAlert><macAddress>02:00:5e:10:00:02</macAddress><channelID>1</channelID>"
    "<dateTime>2026-06-01T08:15:30-07:00</dateTime><eventType>ANPR</eventType><channelName>NAME</channelName>"
    "<ANPR><licensePlate>PLATE</licensePlate><confidenceLevel>91</confidenceLevel></ANPR></EventNotificationAlert>"
)
AXIS = (
    "<events><event><MOD_TS>2026-06-01 08:15:30 PDT</MOD_TS><CAR_ID>7</CAR_ID><LPR_UTF8>PLATE</LPR_UTF8>"
    "<COUNTRY>USA</COUNTRY><LP_DESCRIPTION>NAME</LP_DESCRIPTION><ACT_PARAM>list</ACT_PARAM></event></events>"
)
ONVIF = (
    "<s:Envelope xmlns:s='http://www.w3.org/2003/05/soap-envelope'><s:Body><NotificationMessage>"
    "<Message UtcTime='2026-06-01T15:15:30Z'><SimpleItem Name='carID' Value='7'/><SimpleItem Name='lpText' "
    "Value='PLATE'/><SimpleItem Name='listDescription' Value='NAME'/></Message></NotificationMessage></s:Body>"
    "</s:Envelope>"
)
SHARP = (
    "<AutoVu><Plate>PLATE</Plate><UTCDate>2026-06-01</UTCDate><UTCTime>15:15:30</UTCTime><CameraName>NAME</CameraName>"
    "<SourceName>SHARP1</SourceName></AutoVu>"
)
EVENT = "<event><plate>PLATE</plate><at>2026-06-01T15:15:30Z</at><cam>gate-1</cam><name>NAME</name></event>"
MAP = {"plate": "plate", "captured_at": "at", "camera_id": "cam", "camera_name": "name"}
BODIES: dict[str, Any] = {
        "rekor": {
            "data_type": "alpr_group", "best_uuid": "u-1", "best_plate_number": "9SYN042", "camera_id": 7,
            "epoch_start": 1780326930000, "user_data": "NAME", "country": "us", "best_region": "NAME",
        },
        "flock": {
            "id": "one", "capturedAt": "2026-06-01T15:15:30Z", "plate": {"plate": "9SYN042"},
            "device": {"id": "d", "name": "NAME"},
        },
        "unifi": {
            "alarm": {"name": "NAME", "triggers": [
                {"key": "license_plate_of_interest", "value": "9SYN042", "device": "74ACB9000001",
                 "timestamp": 1780326930000}]},
        },
        "axis": {"carID": "7", "plateText": "9SYN042", "capture_timestamp": "1780326930000", "plateList": "NAME"},
        "dahua": {"Picture": {"Plate": {"PlateNumber": "9SYN042", "Region": "NAME"},
                              "SnapInfo": {"AccurateTime": "2026-06-01T15:15:30Z", "DeviceID": "d"}}},
        "platerecognizer": {"data": {"camera_id": "c", "timestamp": "2026-06-01T15:15:30Z", "filename": "NAME",
                                     "results": [{"plate": "9SYN042", "score": 0.9}]}},
        "genetec": {"PlateRead": "9SYN042", "Timestamp": "2026-06-01T15:15:30Z", "LprCameraName": "NAME",
                    "SourceUrl": "s"},
        "verkada": {"webhook_type": "lpr", "data": {"camera_id": "c", "created": 1780326930, "confidence": 0.9,
                                                    "license_plate_number": "9SYN042", "license_plate_state": "NAME"}},
        "boss4": [{"LPREventID": "e", "VehicleLicensePlateID": "9SYN042", "eventDate": "2026-06-01",
                   "eventTime": "08:15:30", "LPRCameraID": "c", "LPRCameraName": "NAME"}],
        "generic_webhook": {"plate": "9SYN042", "at": "2026-06-01T15:15:30Z", "cam": "c", "name": "NAME"},
        "generic_json": {"plate": "9SYN042", "at": "2026-06-01T15:15:30Z", "cam": "c", "name": "NAME"},
}  # fmt: skip
"""A record of each connector that reads JSON, with a text in it that nobody needs."""


def offline(key: str) -> Connector[Any]:
    given: dict[str, Any] = {"map": Mapping.model_validate(MAP)} if key.startswith("generic") else {}
    return connector(key).offline(**given, **({"zone": ZoneInfo("America/Los_Angeles")} if key == "boss4" else {}))


def document(template: str, name: str, plate: str = "9SYN042", declared: str = "UTF-8") -> str:
    return f'<?xml version="1.0" encoding="{declared}"?>\n' + template.replace("PLATE", plate).replace("NAME", name)

"""An entry of a hot list in the form that the interface takes, which it calls a POI."""

from datetime import datetime, time, timedelta
from hashlib import sha256

from connectors.contract import Entry
from connectors.vendors.nj_snap.settings import NjSnapSettings
from normalize.states import postal


def poi(list_name: str, entry: Entry, now: datetime, settings: NjSnapSettings) -> dict[str, str]:
    """An entry as the interface takes it, with an end of its own or some days ahead."""
    country = (entry.state or "").partition("-")[0]
    today = datetime.combine(now.astimezone(settings.zone).date(), time(), settings.zone)
    last = today + timedelta(days=settings.days_listed + 1)
    key = "\x1f".join((list_name, entry.plate, entry.state or "", last.date().isoformat()))
    return {
        "ID": sha256(key.encode()).hexdigest()[:16],
        "Status": "ADD",
        "StartDate": _local(today, settings),
        "ExpirationDate": _local(min(last, entry.expires_at or last), settings),
        "UserVisibility": "Y" if settings.visible else "N",
        "NJSNAPHitNotification": "Y",
        "ReasonType": "NON-NCIC",
        "Reason": entry.reason,
        "PlateNumber": entry.plate,
        "PlateSt": postal(entry.state) if entry.state and country in ("US", "CA") else "",
        "NICNum": "",
        **dict.fromkeys(("VehicleMake", "VehicleModel", "VehicleYear", "VehicleColor", "VehicleSize"), ""),
        "ContactName": settings.contact_name,
        "ContactNo": settings.contact_number,
        "ContactEmail": settings.contact_email,
        "CaseNo": entry.case_number,
        "Comment": entry.note or "",
        "DeptORI": settings.dept_ori,
        "DeptName": settings.dept_name,
        "EntryDate": _local(today, settings),
    }


def _local(at: datetime, settings: NjSnapSettings) -> str:
    return at.astimezone(settings.zone).replace(tzinfo=None).isoformat(timespec="milliseconds")

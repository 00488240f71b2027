"""`alprhub init`: the first start asks whose hub this is, by which policy, and by which clock."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Final
from zoneinfo import ZoneInfo

import typer

from alprhub.acting import acting
from alprhub.cli import files
from alprhub.cli.output import AsJson, console, failures
from alprhub.cli.policy import SignedIn
from alprhub.cli.terminal import there
from alprhub.plain import print_json
from connectors.durable import make_folder
from hub import agency as agencies
from hub.agency import checked, machine_zone, one_clock, zone_of
from hub.connections.deliverycards import SETTINGS
from hub.errors import Conflict, HubError, Invalid, NoAgency
from hub.policy.copying import own_text
from hub.policy.durations import Duration
from hub.policy.profile import PARTNER, Profile, load, names
from hub.settings import HubSettings, from_environment
from hub.wiring import Hub, open_hub
from hub.words import named

OWN: Final = "policy.yaml"


def init(
    agency: Annotated[str | None, typer.Option(help="The agency's name, as it stands on certificates.")] = None,
    profile: Annotated[
        str | None, typer.Option(help="Its policy: a name that `alprhub policy list` shows, or a file.")
    ] = None,
    zone: Annotated[str | None, typer.Option(help="Its time zone, as America/Los_Angeles; that of its policy.")] = None,
    decisions: SignedIn = None,
    rename: Annotated[bool, typer.Option("--rename", help="Give --agency to a hub that has another name.")] = False,
    as_json: AsJson = False,
) -> None:
    """Say whose hub this is, by which policy and by which clock; asks for what the options leave out."""
    with failures():
        try:
            with open_hub() as hub:
                _again(hub, agency, profile, zone, rename)
                _tell(checked(agency) if agency else hub.agency, hub.governing.profile, hub.settings, as_json)
                return
        except NoAgency as none:
            in_force = none.in_force
        if rename:
            raise Invalid("--rename: this hub has no name yet")
        given = from_environment()
        if decisions is not None:
            given = given.model_copy(update={"decisions": decisions})
        settings = _answers(given, in_force, agency, profile, zone)
        with open_hub(settings) as hub:
            _tell(hub.agency, hub.governing.profile, hub.settings, as_json)


def _again(hub: Hub, agency: str | None, profile: str | None, zone: str | None, rename: bool) -> None:
    """Return where a hub that knows whose it is was told the same, or is to be renamed; raises `Conflict`."""
    if rename:
        if agency is None:
            raise Invalid("--rename: say the name with --agency")
        agencies.rename(hub.store, hub.audit, hub.clock, acting(), agency)
    elif agency is not None and agency.strip() != hub.agency:
        raise Conflict(f"this is the hub of {hub.agency!r}: to correct the name, add --rename")
    in_force = hub.governing.profile
    if profile is not None and load(profile).id != in_force.id:
        raise Conflict(
            f"the policy {in_force.name} is in force: alprhub policy activate {profile} --reason … changes it"
        )
    if zone is not None and not one_clock(zone_of(zone), in_force.zone):
        raise Conflict(f"zone: the policy in force counts its days in {hub.governing.profile.zone}, not in {zone}")


def _answers(
    settings: HubSettings, in_force: str | None, agency: str | None, profile: str | None, zone: str | None
) -> HubSettings:
    """The settings with what the options, the environment or a person say; raises `Invalid` naming what is missing."""
    fields = settings.model_fields_set
    agency = agency or (settings.agency if "agency" in fields else None)
    profile = profile or (settings.profile if "profile" in fields else None)
    asks = there()
    missing = [option for option, value in (("--agency", agency), ("--profile", profile)) if value is None]
    if missing and not asks:
        raise Invalid(f"{' and '.join(missing)}: missing; policies are {named(names(), 20)}, or a file of your own")
    if agency is None:
        agency = _answer("The name of your agency, as it shall stand on certificates", None, checked)
    agency = checked(agency)
    if profile is None:
        console.print("\nWhose policy shall govern how long reads are kept, and who may ask for what?")
        for name in names():
            console.print(f"  {_line(load(name))}")
        console.print("  or a file with your own: alprhub policy copy NAME FILE makes one to begin with\n")
        profile = _answer("Policy", in_force, lambda name: _usable(name, settings).name)
    chosen = _usable(profile, settings)
    where = zone_of(zone) if zone is not None else settings.zone
    if where is None and asks:
        guess = machine_zone() or chosen.zone.key
        where = zone_of(_answer("The time zone that your agency lives in", guess, lambda name: zone_of(name).key))
    where = where or chosen.zone
    if not one_clock(where, chosen.zone) and asks:
        profile = _own(settings.data / OWN, profile, agency, where, chosen)
    return settings.model_copy(update={"agency": agency, "profile": _kept_name(profile), "zone": where})


def _answer(prompt: str, default: str | None, understood: Callable[[str], str]) -> str:
    """What a person answers, once it can be understood."""
    while True:
        try:
            return understood(str(typer.prompt(prompt, default=default)))
        except HubError as wrong:
            console.print(str(wrong), style="yellow")


def _usable(name: str, settings: HubSettings) -> Profile:
    """A profile that can be put in force with what is signed; raises as `load` and `Activation.demand` do."""
    profile = load(name, agencies.signed(settings))
    profile.activation().demand()
    return profile


def _own(file: Path, profile: str, agency: str, zone: ZoneInfo, chosen: Profile) -> str:
    """The profile with the agency's clock, written for it once a person has said so; else the profile as it is."""
    console.print(f"{profile} counts its days in {chosen.zone}, your agency lives in {zone}, and a hub has one clock.")
    if file.exists() or not typer.confirm(f"Write a copy of it with your name and zone to {file}?"):
        return profile
    make_folder(file.parent, 0o700)
    files.put(file, own_text(profile, agency, zone).encode())
    return str(file)


def _kept_name(profile: str) -> str:
    """The name by which a profile is found again from any folder."""
    return str(Path(profile).resolve()) if "/" in profile or profile.endswith((".yaml", ".yml")) else profile


def _line(profile: Profile) -> str:
    """A profile in one line: whose it is, how long reads live, and whether it can be used as it stands."""
    lasting = sorted({rule.max.dur for rule in profile.rules if rule.max and rule.copy != "vendor"}, key=_days)
    lives = f"reads live {lasting[0].words()}" if lasting else "says no number for how long reads live"
    if len(lasting) > 1:
        lives += f" to {lasting[-1].words()}"
    ready = "" if profile.activation().ready else "; not before its open questions are signed (alprhub policy show)"
    return f"{profile.name}: {profile.agency}, policy {profile.document['number']}, {profile.zone}; {lives}{ready}"


def _days(period: Duration) -> float:
    return period.months * 30.4 + period.elapsed.total_seconds() / 86_400


def _tell(agency: str, profile: Profile, settings: HubSettings, as_json: bool) -> None:
    partner = profile.effective(PARTNER)
    if as_json:
        ways = {"custodian": partner.value, "certificates_to": settings.custodian_ways}
        print_json({"agency": agency, "profile": profile.name, "zone": str(profile.zone), **ways})
        return
    console.print(f"This is the hub of {agency}. It tells times in {profile.zone}.")
    console.print(f"Policy in force: {_line(profile)}")
    if partner.value and not settings.custodian_ways:
        console.print(
            f"Certificates of what is destroyed go to the {partner.value} ({partner.clauses}), and nobody has said"
            f" where that is: set {SETTINGS} before the first purge, else health asks for a person from then on.",
            style="yellow",
        )
    console.print("Next: alprhub connectors list, then alprhub connections add NAME CONNECTOR")

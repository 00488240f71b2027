"""`alprhub sandbox`: stand-ins for the vendors, to try the hub against."""

import shlex
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec
import typer

from alprhub.cli.output import AsJson, console, failures
from alprhub.plain import print_json
from hub import words
from hub.absent import absent
from hub.errors import Invalid, NoAgency, NotFound
from hub.settings import from_environment
from hub.wiring import open_hub

TOWN_AGENCY: Final = "Marisol Beach PD"
"""The made-up agency of the made-up town."""

if TYPE_CHECKING:
    from alprhub.sandbox.town import Standing, Town


def sandbox(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]…", help="Only these; without any, all.")] = None,
    seed: Annotated[int, typer.Option(help="The town: the same number gives the same cars.")] = 7,
    port: Annotated[int, typer.Option(help="The first port; without it, any that are free.", min=0, max=65535)] = 0,
    folder: Annotated[
        Path | None, typer.Option(help="Where files lie and the town is kept; without it, in the data folder.")
    ] = None,
    push_to: Annotated[
        str | None, typer.Option(help="Where `alprhub serve` listens, for stand-ins that send by themselves.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run stand-ins for the vendors on this machine, with made-up cars that pass every minute; Ctrl-C ends them."""
    from alprhub.sandbox.stand_ins import MAKERS  # brings FastAPI, which no other command needs
    from alprhub.sandbox.town import Town

    with failures():
        at = (folder or from_environment().data / "sandbox").absolute()
        for name in names or ():
            if name not in MAKERS:
                raise NotFound(absent("stand-in", name, tuple(MAKERS)))
        try:
            town = Town(at, names or (), seed=seed, port=port, push_to=push_to and push_to.rstrip("/"))
            with town:
                _tell(town, _agency(), as_json)
                with suppress(KeyboardInterrupt):
                    Event().wait()
        except ValueError as wrong:
            raise Invalid(str(wrong)) from None
        if not as_json:
            console.print("The stand-ins have ended. The same command takes up the same town again.")


def _agency() -> str | None:
    """The agency of the hub that the stand-ins are for; None where nobody has said whose hub it is."""
    try:
        with open_hub() as hub:
            return hub.agency
    except NoAgency:
        return None


def _tell(town: "Town", agency: str | None, as_json: bool) -> None:
    """Say where each stand-in is and how the hub is joined to it."""
    commands = {
        stand_in.name: _command(stand_in, town.folder / "keys", agency or TOWN_AGENCY) for stand_in in town.standing
    }
    if as_json:
        rows = [{**asdict(stand_in), "command": commands[stand_in.name]} for stand_in in town.standing]
        print_json({"standing": rows, "hotlist": str(town.hotlist), "seed": town.world.seed})
        return
    count = words.count(len(town.standing), "stand-in")
    console.print(f"{count} for a made-up town, until Ctrl-C. Some cars pass each of them every minute.")
    console.print("In another terminal, with the same ALPRHUB_DATA, each of these lines joins the hub to one:\n")
    if agency is None:
        console.print("# nobody has said yet whose hub it is", style="dim")
        console.print(f"alprhub init --agency '{TOWN_AGENCY}' --profile hermosa-beach\n", soft_wrap=True)
    for stand_in in town.standing:
        console.print(f"# {stand_in.name}: {stand_in.what}, {stand_in.where}", style="dim", soft_wrap=True)
        console.print(f"{commands[stand_in.name]}\n", soft_wrap=True)
    console.print("# Ten of its cars are wanted: this is their list", style="dim")
    console.print(f"alprhub hotlists import wanted {shlex.quote(str(town.hotlist))}", soft_wrap=True)
    console.print("alprhub hotlists publish wanted\n")


def _command(stand_in: "Standing", keys: Path, agency: str) -> str:
    """The command that adds a connection; its secrets lie in files beside, since a shell remembers what is typed."""
    words = ["alprhub", "connections", "add", stand_in.name, stand_in.connector]
    for name, value in stand_in.settings.items():
        text = _kept(keys, f"{stand_in.name}.{name}", value) if name in stand_in.secrets else _text(value)
        words += ["--set", f"{name}={text}"]
    return shlex.join([*words, "--agency", agency])


def _kept(folder: Path, name: str, secret: str) -> str:
    folder.mkdir(mode=0o700, exist_ok=True)
    file = folder / name
    file.touch(mode=0o600)
    file.write_text(secret, encoding="utf-8")
    return f"@{file}"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()

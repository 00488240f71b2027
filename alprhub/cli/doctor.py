"""`alprhub doctor`: looks the whole hub over and says what to do."""

from typing import TYPE_CHECKING, Annotated

import typer

from alprhub.cli.output import AsJson, console, failures
from alprhub.cli.progress import Work, working
from alprhub.plain import print_json

if TYPE_CHECKING:
    from hub.doctor.finding import Finding


def doctor(
    every: Annotated[bool, typer.Option("--all", help="Look at every picture, not at a sample.")] = False,
    as_json: AsJson = False,
) -> None:
    """Look the whole hub over: database, version, clock, key, pictures, rights, disk, and what was cut short.

    Works also where no other command does, and changes nothing. Exit 0: all is well; 75: look at something in time; 78:
    something is wrong.
    """

    def stopped(_: Work) -> str:
        return "nothing was changed; the same command looks again"

    with failures():
        from hub.doctor.doctor import examine
        from hub.doctor.finding import CODES
        from hub.settings import from_environment

        findings: list[Finding] = []
        with working(stopped, as_json) as work:
            for finding in examine(from_environment(), every=every, progress=work.told):
                findings.append(finding)
                if not as_json:
                    _tell(finding)
        if as_json:
            print_json(findings)
    code = max((CODES[finding.grade] for finding in findings), default=0)
    if code:
        raise typer.Exit(code)


def _tell(finding: "Finding") -> None:
    console.print(f"{finding.grade:<6} {finding.said}", soft_wrap=True)
    if finding.grade == "ok":
        return
    for line in (f"       {finding.do}", f"         {finding.command}"):
        if line.strip():
            console.print(line, soft_wrap=True)

"""The cards of hot lists: copies at a vendor that are not proved to be what they should be."""

from datetime import datetime, tzinfo
from shlex import quote
from typing import Any

from connectors.contract import Connector, Proof
from hub.connections.accounts import Account
from hub.connections.card import LATE, OK, Card
from hub.connections.copies import GRACE, UnprovedList
from hub.words import count, moment, span


def list_cards(
    copies: list[UnprovedList], account: Account, kind: type[Connector[Any]], now: datetime, zone: tzinfo
) -> list[Card]:
    """A card for every copy."""
    proof = getattr(kind, "proof", None)
    others = [_card(copy, account.name, proof, now, zone) for copy in copies if not copy.withdrawn]
    return withdrawn_cards(copies, account, now, zone) + others


def withdrawn_cards(copies: list[UnprovedList], account: Account, now: datetime, zone: tzinfo) -> list[Card]:
    """A card for every copy that still has a plate that was withdrawn: it is told of a paused account too."""
    return [_withdrawn(copy, account, now, zone) for copy in copies if copy.withdrawn and copy.behind is not None]


def _withdrawn(copy: UnprovedList, account: Account, now: datetime, zone: tzinfo) -> Card:
    at, since = account.name, copy.behind or now
    plates = count(copy.withdrawn, "plate that was", "plates that were")
    sentence = (
        f"{at} still has {plates} withdrawn from hot list {copy.hotlist!r} {moment(since, zone)}"
        f" ({span(now - since)} ago): cars that nobody looks for may be stopped."
    )
    do = "Publish the list now; if that is left to a schedule, see that whatever runs the schedules is up."
    if copy.under_way:
        do = "The list is on its way there; the run says how it ended."
    elif account.state != "active":
        do = "Publish the list all the same: it is sent although the connection is paused."
    return Card(
        LATE, f"{at} has withdrawn plates of hot list {copy.hotlist!r}", sentence, do,
        f"alprhub hotlists publish {quote(copy.hotlist)} --connection {at}", "withdrawn_still_there",
        needs_person=now - since >= GRACE, plain=sentence, about=copy.hotlist, since=since,
    )  # fmt: skip


def _card(copy: UnprovedList, at: str, proof: Proof | None, now: datetime, zone: tzinfo) -> Card:
    hotlist = f"Hot list {copy.hotlist!r}"
    publish = f"alprhub hotlists publish {quote(copy.hotlist)} --connection {at}"
    if not copy.published:
        sentence = f"{hotlist} was never published to {at}: nothing that it names is watched for there."
        return Card(
            LATE, f"{hotlist} is not at {at}", sentence, "Publish it; the answer says what stands against it.", publish,
            "list_not_published", plain=sentence, about=copy.hotlist,
        )  # fmt: skip
    if copy.behind is not None:
        sentence = (
            f"{hotlist} was changed {moment(copy.behind, zone)} ({span(now - copy.behind)} ago), and {at} still has"
            " the copy from before."
        )
        return Card(
            LATE, f"{hotlist} at {at} is behind", sentence,
            "Publish it; if that is left to a schedule, see that whatever runs the schedules is up.", publish,
            "list_behind", plain=sentence, about=copy.hotlist, since=copy.behind,
        )  # fmt: skip
    if proof is Proof.ACCEPTED and copy.error is None:
        sentence = f"{hotlist} was handed over to {at}, which offers no way to look at what it holds: it is not proved."
        return Card(
            OK, f"{hotlist} at {at} cannot be proved", sentence,
            "Have somebody look at the vendor's own screen after every change, above all after a removal.",
            f"alprhub hotlists verify {quote(copy.hotlist)} --connection {at}", "list_cannot_be_proved",
            needs_person=False, plain=sentence, about=copy.hotlist,
        )  # fmt: skip
    if copy.under_way:
        sentence = f"{hotlist} is on its way to {at}; once it is there, the copy is compared with it."
        return Card(
            OK, f"{hotlist} is being published to {at}", sentence, "Wait: the run says how it ended.",
            "alprhub runs --limit 5", "list_unproved", needs_person=False, plain=sentence, about=copy.hotlist,
        )  # fmt: skip
    return _unproved(copy, hotlist, at, proof, publish)


def _unproved(copy: UnprovedList, hotlist: str, at: str, proof: Proof | None, publish: str) -> Card:
    differs = [
        f"{count(copy.unexpected, 'entry', 'entries')} that should be gone {'is' if copy.unexpected == 1 else 'are'}"
        " still there"
    ] if copy.unexpected else []  # fmt: skip
    if copy.missing:
        differs.append(f"{count(copy.missing, 'entry', 'entries')} {'is' if copy.missing == 1 else 'are'} missing")
    difference = " and ".join(differs)
    plain = f"{hotlist} at {at} is not proved" + (f": {difference}." if difference else ".")
    why = f" {copy.error.rstrip('.')}." if copy.error else ""
    do = "Publish it again; until it is proved, alerts of this source may follow an older copy."
    if proof is Proof.RECEIPT and not copy.unexpected:
        do = "Have the file loaded at the vendor and its receipt put beside it; then compare."
        publish = publish.replace(" publish ", " verify ", 1)
    return Card(
        LATE, f"{hotlist} at {at} is not proved", plain + why, do, publish,
        "removal_unproved" if copy.unexpected else "list_unproved", plain=plain, about=copy.hotlist,
    )  # fmt: skip

"""`Analysis`: how cars move. Nothing is handed out before it is on record who asked and why."""

from collections.abc import Sequence
from datetime import datetime
from math import inf
from typing import Any, Final

from sqlalchemy import Connection

from hub.access.asking import Asking
from hub.analysis.co_travel import CoTravel, company
from hub.analysis.pattern import LifePattern, places_of, week_of
from hub.analysis.scenes import Scene, Scenes, check, common
from hub.analysis.sightings import AskedPlate, AskedSource, VisibleWindow, passes_of, sources
from hub.analysis.timeline import FASTEST, Timeline, passages, states_of
from hub.audit.actions import Act
from hub.clock import Clock
from hub.errors import Invalid
from hub.governing.in_force import Governing
from hub.passes import Pass
from hub.people import Actor, Why
from hub.store.engine import Store
from hub.store.instant import from_micros

WITHIN: Final = 60.0
LONGEST_WITHIN: Final = 3600.0
MIN_CAMERAS: Final = 3
MOST_COMPANIONS: Final = 200
MOST_PLATES: Final = 1000


class Analysis:
    """Answers questions about passes.

    Plates are as people type them, times are instants, `since` included and `until` not. Everything raises
    `PolicyRefused` without a purpose of the profile or a reason that says something, and `Invalid`, naming the field,
    for a question without an answer; a refusal is on record too. `alike` asks for every plate that shares its key with
    the one that is asked for, not for that one only.
    """

    def __init__(self, store: Store, asking: Asking, clock: Clock, governing: Governing) -> None:
        self._store = store
        self._asking = asking
        self._clock = clock
        self._governing = governing

    def timeline(
        self,
        actor: Actor,
        why: Why,
        plate: str,
        since: datetime | None = None,
        until: datetime | None = None,
        alike: bool = False,
        fastest_kmh: float = FASTEST,
    ) -> Timeline:
        """The passes of a plate, first to last, with the way between them; `fastest_kmh` is what a car can drive."""
        terms = _terms(plate=plate, since=since, until=until, alike=alike, fastest_kmh=fastest_kmh)
        with self._asking.question(actor, Act.READS_TIMELINE, why, query=terms) as question:
            if not 0 < fastest_kmh < inf:
                raise Invalid("fastest_kmh: must be more than 0")
            asked, window = AskedPlate.parse(plate, alike), VisibleWindow.of(self._clock.now(), since, until)
            with self._store.read() as connection:
                passes, given = self._passes(connection, asked, window)
            way = passages(passes, fastest_kmh)
            first, last = _ends(passes)
            answer = Timeline(
                plate=asked.plate,
                mode=asked.mode,
                fastest_kmh=fastest_kmh,
                first_at=first,
                last_at=last,
                passes=way,
                plate_states=states_of(passes),
                impossible=sum(bool(passage.leg and passage.leg.impossible) for passage in way),
                connections=given,
            )
            question.answered(len(way), _states(given))
        return answer

    def co_travel(
        self,
        actor: Actor,
        why: Why,
        plate: str,
        since: datetime | None = None,
        until: datetime | None = None,
        within: float = WITHIN,
        min_cameras: int = MIN_CAMERAS,
        alike: bool = False,
        limit: int = 20,
    ) -> CoTravel:
        """The plates that were within so many seconds of a plate at `min_cameras` places or more, by score.

        A score says how badly chance explains the meetings; it is a lead, not a finding. `hub.analysis.chance` has the
        formula and its limits.
        """
        terms = _terms(plate=plate, since=since, until=until, alike=alike, within=within, min_cameras=min_cameras)
        with self._asking.question(actor, Act.READS_CO_TRAVEL, why, query=terms) as question:
            if not 1 <= within <= LONGEST_WITHIN:
                raise Invalid(f"within: must lie between 1 and {LONGEST_WITHIN:.0f} seconds")
            if min_cameras < 1:
                raise Invalid("min_cameras: must be 1 or more")
            if not 1 <= limit <= MOST_COMPANIONS:
                raise Invalid(f"limit: must lie between 1 and {MOST_COMPANIONS}")
            asked, window = AskedPlate.parse(plate, alike), VisibleWindow.of(self._clock.now(), since, until)
            with self._store.read() as connection:
                passes, given = self._passes(connection, asked, window)
                met = None
                if passes:
                    zone = self._governing.now(connection).profile.zone
                    met = company(self._store, connection, passes, window, within, min_cameras, limit, zone)
            answer = CoTravel(
                plate=asked.plate,
                mode=asked.mode,
                within_seconds=within,
                min_cameras=min_cameras,
                passes=len(passes),
                cameras=met.cameras if met else 0,
                base_since=from_micros(met.base.since) if met else None,
                base_until=from_micros(met.base.until) if met else None,
                candidates=met.candidates if met else 0,
                companions=met.companions if met else (),
                everywhere=met.everywhere if met else (),
                connections=given,
            )
            question.answered(len(answer.companions), _states(given))
        return answer

    def scenes(
        self, actor: Actor, why: Why, scenes: Sequence[Scene], at_least: int | None = None, limit: int = 200
    ) -> Scenes:
        """The plates that were at all of 2 to 10 scenes, or at `at_least` of them, with their reads of each.

        Look-alikes count as one plate. Raises `NotFound` for a camera or site that nobody knows.
        """
        terms = _terms(scenes=tuple(scenes), at_least=at_least)
        with self._asking.question(actor, Act.READS_SCENES, why, query=terms) as question:
            wanted = check(scenes, at_least)
            if not 1 <= limit <= MOST_PLATES:
                raise Invalid(f"limit: must lie between 1 and {MOST_PLATES}")
            with self._store.read() as connection:
                answer = common(self._store, connection, scenes, wanted, limit, self._clock.now())
            question.answered(
                len(answer.plates), _states([one for scene in answer.scenes for one in scene.connections])
            )
        return answer

    def pattern(
        self,
        actor: Actor,
        why: Why,
        plate: str,
        since: datetime | None = None,
        until: datetime | None = None,
        alike: bool = False,
    ) -> LifePattern:
        """On which weekdays and at which hours of the agency's zone a plate passes, in all and at each place."""
        terms = _terms(plate=plate, since=since, until=until, alike=alike)
        with self._asking.question(actor, Act.READS_PATTERN, why, query=terms) as question:
            asked, window = AskedPlate.parse(plate, alike), VisibleWindow.of(self._clock.now(), since, until)
            with self._store.read() as connection:
                passes, given = self._passes(connection, asked, window)
                zone = self._governing.now(connection).profile.zone
            first, last = _ends(passes)
            answer = LifePattern(
                plate=asked.plate,
                mode=asked.mode,
                zone=zone.key,
                first_at=first,
                last_at=last,
                passes=len(passes),
                week=week_of(passes, zone),
                places=places_of(passes, zone),
                connections=given,
            )
            question.answered(len(passes), _states(given))
        return answer

    def _passes(
        self, connection: Connection, asked: AskedPlate, window: VisibleWindow
    ) -> tuple[list[Pass], list[AskedSource]]:
        passes = passes_of(self._store, connection, asked, window)
        return passes, sources(connection, (read for passing in passes for read in passing.reads))


def _states(given: Sequence[AskedSource]) -> dict[str, str]:
    """The connections that were asked, each with its state, for the audit record."""
    return {source.connection: source.state for source in given}


def _terms(**terms: Any) -> dict[str, Any]:
    """What was asked, as the audit record keeps it: every field that says something."""
    return {name: value for name, value in terms.items() if value is not None and value is not False}


def _ends(passes: Sequence[Pass]) -> tuple[datetime | None, datetime | None]:
    """When the first pass began and the last one ended."""
    if not passes:
        return None, None
    return from_micros(passes[0].first_at), from_micros(max(passing.last_at for passing in passes))

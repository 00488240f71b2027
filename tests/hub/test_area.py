"""Areas: what decides is the same in Python and in both databases, and the cells to look in leave nothing out."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from math import asin, atan2, cos, degrees, pi, radians, sin
from typing import Any

import h3.api.basic_int as h3
import postgres
import pytest
from effort import tries
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Column, Double, Integer, MetaData, Table

from hub.area import FURTHEST, METRES_A_DEGREE, MOST_CELLS, Area, Circle, Polygon, cell_of
from hub.errors import Invalid
from hub.store.engine import Store

EARTH = 6_371_008.8
"""Mean radius in metres."""
POINTS = Table(
    "points", MetaData(), Column("id", Integer), Column("latitude", Double), Column("longitude", Double)
)  # fmt: skip
Point = tuple[float, float]

LATITUDES = st.one_of(st.floats(24, 49), st.floats(51, 71.5))
"""The states between Florida and Maine, and Alaska."""
LONGITUDES = st.floats(-178, -66)
SHARES = st.floats(-1, 1)
TO_THE_BORDER = st.one_of(st.just(1.0), st.sampled_from([1 - 1e-12, 1 - 1e-9, 1 + 1e-9, 0.999, 1.001]), st.floats(0, 2))


@st.composite
def circles(draw: st.DrawFn) -> Circle:
    metres = draw(st.one_of(st.floats(1, 50), st.floats(50, 2000), st.floats(2000, 20_000)))
    return Circle(draw(LATITUDES), draw(LONGITUDES), metres)


@st.composite
def about_a_circle(draw: st.DrawFn) -> tuple[Area, list[Point]]:
    """A circle, and places at, inside and outside its border."""
    circle = draw(circles())
    reach = circle.metres / METRES_A_DEGREE
    turns = st.lists(st.tuples(st.floats(0, 2 * pi), TO_THE_BORDER), min_size=1, max_size=12)
    return circle, [
        (
            circle.latitude + share * reach * sin(turn),
            circle.longitude + share * reach * cos(turn) / cos(radians(circle.latitude)),
        )
        for turn, share in draw(turns)
    ]


@st.composite
def about_a_polygon(draw: st.DrawFn) -> tuple[Area, list[Point]]:
    """A polygon, and places about its corners and sides; many are concave, thin, level or cross themselves."""
    latitude, longitude = draw(LATITUDES), draw(LONGITUDES)
    tall, wide = (draw(st.sampled_from([0.00002, 0.001, 0.02, 0.1])) for _ in range(2))
    grid = st.integers(-4, 4).map(lambda n: n / 4)  # makes level and upright sides, and corners in one line
    share = draw(st.sampled_from([SHARES, grid]))
    spots = st.lists(st.tuples(share, share), min_size=3, max_size=9, unique=True)
    corners = tuple((latitude + north * tall, longitude + east * wide) for north, east in draw(spots))
    if len(set(corners)) < 3:
        corners = ((latitude, longitude), (latitude + tall, longitude), (latitude, longitude + wide))
    return Polygon(corners), draw(st.lists(near_a_polygon(corners), min_size=1, max_size=12))


@st.composite
def near_a_polygon(draw: st.DrawFn, corners: tuple[Point, ...]) -> Point:
    """A corner, a place on or beside a side, or one as far north as a corner."""
    number = draw(st.integers(0, len(corners) - 1))
    (north, east), other = corners[number], corners[(number + 1) % len(corners)]
    step = draw(st.sampled_from([0.0, 1e-12, -1e-12, 1e-8, -1e-8]))
    share = draw(st.floats(0, 1))
    beside = (north + (other[0] - north) * share + step, east + (other[1] - east) * share + step)
    level = (north, east + (other[1] - east) * 2 * share)
    within = tuple(sum(axis) / len(corners) for axis in zip(*corners, strict=True))
    return draw(st.sampled_from([(north, east), beside, level, (within[0], within[1])]))


AREAS = st.one_of(about_a_circle(), about_a_polygon())


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def found_by(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[Area, list[Point | tuple[None, None]]], list[bool]]]:
    """Says which places a database finds in an area."""
    with ExitStack() as stack:
        url = f"sqlite:///{tmp_path_factory.mktemp('area') / 'points.sqlite3'}"
        if request.param == "postgresql":
            url = stack.enter_context(postgres.database(request.getfixturevalue("pg_server")))
        store = Store(url)
        stack.callback(store.close)
        with store.write() as connection:
            POINTS.create(connection)

        def found(area: Area, points: list[Point | tuple[None, None]]) -> list[bool]:
            condition, bound = area.condition("latitude", "longitude")
            with store.write() as connection:
                connection.execute(POINTS.delete())
                rows = [(number, *point) for number, point in enumerate(points)]
                store.insert(connection, POINTS, ("id", "latitude", "longitude"), rows)
                inside = {row[0] for row in store.rows(connection, f"SELECT id FROM points WHERE {condition}", bound)}
            return [number in inside for number in range(len(points))]

        yield found


@settings(max_examples=tries(40, 150), deadline=None)
@given(asked=AREAS)
def test_a_database_decides_as_the_area_does_on_the_border_too(found_by: Callable[..., list[bool]], asked: Any) -> None:
    # Both do the same sums in the same order on the same doubles, so not even a place on the border may differ.
    area, points = asked
    assert found_by(area, points) == [area.holds(*point) for point in points]


@pytest.mark.slow
@settings(max_examples=tries(100, 500), deadline=None)
@given(asked=AREAS)
def test_a_place_that_an_area_holds_lies_in_one_of_its_cells(asked: Any) -> None:
    area, points = asked
    cells = area.cells()
    if cells is not None:
        held = [point for point in points if area.holds(*point)]
        assert [point for point in held if cell_of(*point) not in cells] == []


@settings(max_examples=tries(15, 40), deadline=None)
@given(circle=circles())
def test_no_cell_is_left_out_all_along_the_border_of_a_circle(circle: Circle) -> None:
    cells = circle.cells()
    if cells is not None:
        border = [last_held(circle, radians(turn)) for turn in range(0, 360, 2)]
        assert [point for point in border if cell_of(*point) not in cells] == []


def last_held(circle: Circle, turn: float) -> Point:
    """The last place that a circle holds on the way out of it."""

    def at(share: float) -> Point:
        reach = share * circle.metres / METRES_A_DEGREE
        east = reach * cos(turn) / cos(radians(circle.latitude))
        return circle.latitude + reach * sin(turn), circle.longitude + east

    inside, outside = 0.9, 1.1
    assert circle.holds(*at(inside))
    assert not circle.holds(*at(outside))
    for _ in range(40):
        middle = (inside + outside) / 2
        if circle.holds(*at(middle)):
            inside = middle
        else:
            outside = middle
    return at(inside)


@pytest.mark.parametrize(
    ("cell", "side"),
    [(0x8829A56D1DFFFFF, None), (613181177313886207, 4), (612815974181109759, 2), (613686642913312767, 1)],
)
def test_no_cell_is_left_out_where_a_polygon_has_the_corners_of_a_cell(cell: int, side: int | None) -> None:
    corners = h3.cell_to_boundary(cell)
    middle = h3.cell_to_latlng(cell)
    if side is not None:
        corners = (corners[side], corners[(side + 1) % len(corners)], middle)
    polygon = Polygon(tuple(corners))
    within = tuple(sum(axis) / len(corners) for axis in zip(*corners, strict=True))
    assert polygon.holds(*within)
    assert cell_of(*within) in (polygon.cells() or ())


def test_an_area_the_size_of_a_county_names_its_cells_and_one_the_size_of_a_state_does_not() -> None:
    assert 0 < len(Circle(33.86, -118.4, 10_000).cells() or ()) <= MOST_CELLS
    assert Circle(33.86, -118.4, FURTHEST).cells() is None
    assert Polygon(((32.5, -124.0), (42.0, -124.0), (42.0, -114.0))).cells() is None


@pytest.mark.parametrize(
    "area",
    [
        Circle(59.73, -142.69, 13_400.0),
        Polygon(((40.0, -125.0), (40.0, -100.0), (40.00001, -100.0), (40.00001, -125.0))),  # a metre tall
        Polygon(((25.0, -80.0), (49.0, -80.00001), (25.0, -80.00001))),  # a metre wide
    ],
    ids=["circle", "level", "upright"],
)
def test_no_area_names_more_cells_than_are_looked_up_by_cell(area: Area) -> None:
    assert len(area.cells() or ()) <= MOST_CELLS


def ahead(latitude: float, longitude: float, bearing: float, metres: float) -> Point:
    """The place that lies so many metres away along a great circle."""
    north, turn, far = radians(latitude), radians(bearing), metres / EARTH
    there = asin(sin(north) * cos(far) + cos(north) * sin(far) * cos(turn))
    east = atan2(sin(turn) * sin(far) * cos(north), cos(far) - sin(north) * sin(there))
    return degrees(there), longitude + degrees(east)


@pytest.mark.parametrize("metres", [10.0, 1000.0, 10_000.0, 50_000.0])
@pytest.mark.parametrize("latitude", [0.0, 25.0, 33.86, 45.0, 60.0, -60.0])
def test_a_circle_is_good_to_a_thousandth_of_the_great_circle(latitude: float, metres: float) -> None:
    circle = Circle(latitude, -118.4, metres)
    for bearing in range(0, 360, 5):
        assert circle.holds(*ahead(latitude, -118.4, bearing, metres * 0.999)), bearing
        assert not circle.holds(*ahead(latitude, -118.4, bearing, metres * 1.001)), bearing


SQUARE = ((33.0, -118.0), (33.0, -117.0), (34.0, -117.0), (34.0, -118.0))


@pytest.mark.parametrize(
    ("corners", "inside", "outside"),
    [
        (SQUARE, [(33.5, -117.5), (33.0, -117.5)], [(34.5, -117.5), (33.5, -116.9), (33.5, -118.1), (32.9, -117.5)]),
        ((*SQUARE, SQUARE[0]), [(33.5, -117.5)], [(34.5, -117.5)]),  # closed, as GeoJSON writes it
        (SQUARE[::-1], [(33.5, -117.5)], [(34.5, -117.5)]),
        (
            ((33.0, -118.0), (33.0, -117.0), (34.0, -117.0), (33.2, -117.5), (34.0, -118.0)),
            [(33.1, -117.5), (33.9, -117.99)],
            [(33.9, -117.5), (33.5, -117.5)],
        ),  # concave
        (
            ((33.0, -118.0), (34.0, -117.0), (34.0, -118.0), (33.0, -117.0)),
            [(33.2, -117.5), (33.8, -117.5)],
            [(33.5, -117.9), (33.5, -117.1)],
        ),  # crosses itself
        (((33.0, -118.0), (34.0, -117.5), (33.0, -117.0)), [(33.5, -117.5)], [(34.0, -117.6), (34.0, -117.4)]),
    ],
    ids=["square", "closed", "other way round", "concave", "crosses itself", "tip as far north"],
)
def test_a_polygon_holds_what_lies_inside_its_ring(
    found_by: Callable[..., list[bool]], corners: tuple[Point, ...], inside: list[Point], outside: list[Point]
) -> None:
    polygon = Polygon(corners)
    assert [polygon.holds(*point) for point in (*inside, *outside)] == [True] * len(inside) + [False] * len(outside)
    assert found_by(polygon, [*inside, *outside]) == [True] * len(inside) + [False] * len(outside)


@pytest.mark.parametrize("area", [Circle(33.5, -117.5, 5000), Polygon(SQUARE)], ids=["circle", "polygon"])
def test_a_place_that_nobody_knows_is_in_no_area(found_by: Callable[..., list[bool]], area: Area) -> None:
    assert found_by(area, [(None, None), (33.5, -117.5)]) == [False, True]


def test_neighbours_share_no_place_and_leave_none_out(found_by: Callable[..., list[bool]]) -> None:
    west = Polygon(((33.0, -118.0), (33.0, -117.5), (34.0, -117.5), (34.0, -118.0)))
    east = Polygon(((33.0, -117.5), (33.0, -117.0), (34.0, -117.0), (34.0, -117.5)))
    between = [(33.0 + n / 10, -117.5) for n in range(10)]
    assert [one + other for one, other in zip(found_by(west, between), found_by(east, between), strict=True)] == [
        1
    ] * 10


def ring(corners: int) -> tuple[Point, ...]:
    turns = [2 * pi * n / corners for n in range(corners)]
    return tuple((33.86 + 0.01 * sin(turn), -118.4 + 0.01 * cos(turn)) for turn in turns)


def test_a_polygon_of_the_most_corners_is_one_that_a_database_takes(found_by: Callable[..., list[bool]]) -> None:
    assert found_by(Polygon(ring(500)), [(33.86, -118.4), (33.88, -118.4)]) == [True, False]


@pytest.mark.parametrize(
    "make",
    [
        lambda: Circle(33.86, -118.4, 0),
        lambda: Circle(33.86, -118.4, -1),
        lambda: Circle(33.86, -118.4, FURTHEST * 1.001),
        lambda: Circle(33.86, -118.4, float("nan")),
        lambda: Circle(33.86, -118.4, float("inf")),
        lambda: Circle(90.0, -118.4, 1000),
        lambda: Circle(33.86, 180.1, 1000),
        lambda: Circle(float("nan"), -118.4, 1000),
        lambda: Circle(33.86, float("inf"), 1000),
        lambda: Circle(51.9, 179.95, 10_000),
        lambda: Circle(51.9, -179.95, 10_000),
        lambda: Polygon(()),
        lambda: Polygon(SQUARE[:2]),
        lambda: Polygon((*SQUARE[:2], SQUARE[0], SQUARE[1])),
        lambda: Polygon(ring(501)),
        lambda: Polygon(ring(3) * 200),
        lambda: Polygon((*SQUARE, (85.1, -118.0))),
        lambda: Polygon((*SQUARE, (33.0, -180.5))),
        lambda: Polygon((*SQUARE, (float("nan"), -118.0))),
        lambda: Polygon(((51.0, 179.0), (52.0, 179.0), (51.5, -179.0))),
    ],
    ids=[
        *("radius 0", "radius -1", "radius too large", "radius nan", "radius inf", "pole", "longitude", "nan", "inf"),
        *("circle over 180 from the west", "circle over 180 from the east", "no corner", "two corners", "two distinct"),
        *("501 corners", "600 corners of which 3 differ", "latitude", "longitude of a corner", "corner nan"),
        "polygon over 180",
    ],
)
def test_what_is_no_area_is_refused_by_name(make: Callable[[], Area]) -> None:
    with pytest.raises(Invalid, match=r"^area: "):
        make()

"""Areas on the map: a circle or a polygon, as H3 cells to look in and as a condition that decides.

Both are drawn on the plane of degrees, a circle with degrees of longitude shortened by the cosine of the latitude half
way to its centre: good to 0.1 % up to 50 km. None crosses the 180th meridian.
"""

from dataclasses import dataclass
from functools import cache
from math import cos, pi, radians, sin
from typing import Any, Final

from hub.errors import Invalid

RESOLUTION: Final = 8
"""H3 cells of 0.7 km² on average."""
MOST_CELLS: Final = 1000
"""An area of more cells is not looked up by cell."""
FURTHEST: Final = 200_000.0
METRES_A_DEGREE: Final = 111_195.0
_CORNERS: Final = 24
_POLES: Final = 85.0


def cell_of(latitude: float, longitude: float) -> int:
    """The cell in which a place lies."""
    return int(_h3().latlng_to_cell(latitude, longitude, RESOLUTION))


@cache
def _h3() -> Any:
    """H3, for which a search that names no place need not wait."""
    import h3.api.basic_int as h3

    return h3


@dataclass(frozen=True, slots=True)
class Circle:
    """All places within so many metres of one; raises `Invalid` for what is none."""

    latitude: float
    longitude: float
    metres: float

    def __post_init__(self) -> None:
        _on_earth(self.latitude, self.longitude)
        if not 0 < self.metres <= FURTHEST:
            raise Invalid(f"area: a radius lies between 0 and {FURTHEST:.0f} metres")
        if abs(self.longitude) + self._reach / self._narrow > 180:
            raise Invalid("area: must not cross the 180th meridian")

    def holds(self, latitude: float, longitude: float) -> bool:
        """Whether a place lies in it."""
        north = latitude - self.latitude
        east = (longitude - self.longitude) * (self._narrow - self._slope * north)
        return north * north + east * east <= self._reach**2

    def condition(self, latitude: str, longitude: str) -> tuple[str, dict[str, Any]]:
        """`holds` as SQL over two columns, and what it binds."""
        north = f"({latitude} - :area_latitude)"
        east = f"(({longitude} - :area_longitude) * (:area_narrow - :area_slope * {north}))"
        bound = {
            "area_latitude": self.latitude,
            "area_longitude": self.longitude,
            "area_narrow": self._narrow,
            "area_slope": self._slope,
            "area_reach": self._reach**2,
        }
        return f"{north} * {north} + {east} * {east} <= :area_reach", bound

    def cells(self) -> list[int] | None:
        """Every cell that a place in it may lie in; None where they are too many to look in each."""
        # The corners stand a little outside, so that the straight lines between them do.
        reach = self._reach / cos(pi / _CORNERS) * 1.001
        corners = tuple(
            (
                self.latitude + reach * sin(2 * pi * n / _CORNERS),
                self.longitude + reach * cos(2 * pi * n / _CORNERS) / self._narrow,
            )
            for n in range(_CORNERS)
        )
        return _cells(corners)

    @property
    def _narrow(self) -> float:
        return cos(radians(self.latitude))

    @property
    def _slope(self) -> float:
        """How much `_narrow` falls with every degree to the north, for half the way."""
        return radians(sin(radians(self.latitude))) / 2

    @property
    def _reach(self) -> float:
        return self.metres / METRES_A_DEGREE


@dataclass(frozen=True, slots=True)
class Polygon:
    """All places inside a ring of (latitude, longitude) corners; raises `Invalid` for what is none."""

    corners: tuple[tuple[float, float], ...]

    def __post_init__(self) -> None:
        if len(set(self.corners)) < 3 or len(self.corners) > 500:
            raise Invalid("area: a polygon has 3 to 500 corners")
        for corner in self.corners:
            _on_earth(*corner)
        longitudes = [longitude for _, longitude in self.corners]
        if max(longitudes) - min(longitudes) > 180:
            raise Invalid("area: must not cross the 180th meridian")

    def holds(self, latitude: float, longitude: float) -> bool:
        """Whether a place lies in it: a line from it to the east crosses the ring an odd number of times."""
        inside = False
        for south, west, north, east in self._sides():
            if (south > latitude) != (north > latitude):
                inside ^= longitude < (east - west) * (latitude - south) / (north - south) + west
        return inside

    def condition(self, latitude: str, longitude: str) -> tuple[str, dict[str, Any]]:
        """`holds` as SQL over two columns, and what it binds."""
        crossed: list[str] = []
        bound: dict[str, Any] = {}
        for number, side in enumerate(self._sides()):
            y1, x1, y2, x2 = (f"area_{name}_{number}" for name in ("y1", "x1", "y2", "x2"))
            bound.update(zip((y1, x1, y2, x2), side, strict=True))
            between = f"(:{y1} > {latitude}) <> (:{y2} > {latitude})"
            west = f"{longitude} < (:{x2} - :{x1}) * ({latitude} - :{y1}) / (:{y2} - :{y1}) + :{x1}"
            crossed.append(f"CASE WHEN {between} AND {west} THEN 1 ELSE 0 END")
        return f"({' + '.join(crossed) or '0'}) % 2 = 1", bound

    def cells(self) -> list[int] | None:
        """Every cell that a place in it may lie in; None where they are too many to look in each."""
        return _cells(self.corners)

    def _sides(self) -> list[tuple[float, float, float, float]]:
        ring = zip(self.corners, self.corners[1:] + self.corners[:1], strict=True)
        # A side along a parallel is never crossed, and would divide by zero.
        return [(*one, *other) for one, other in ring if one[0] != other[0]]


Area = Circle | Polygon


def _on_earth(latitude: float, longitude: float) -> None:
    if not (-_POLES <= latitude <= _POLES and -180 <= longitude <= 180):
        raise Invalid(f"area: latitude lies within {_POLES:.0f}, longitude within 180 degrees")


def _cells(corners: tuple[tuple[float, float], ...]) -> list[int] | None:
    h3 = _h3()
    shape = h3.LatLngPoly(corners)
    south, north = min(corner[0] for corner in corners), max(corner[0] for corner in corners)
    west, east = min(corner[1] for corner in corners), max(corner[1] for corner in corners)
    wide = (east - west) * cos(radians((south + north) / 2)) * METRES_A_DEGREE
    if wide * (north - south) * METRES_A_DEGREE > MOST_CELLS * h3.average_hexagon_area(RESOLUTION, "m^2"):
        return None
    covered = h3.h3shape_to_cells_experimental(shape, RESOLUTION, contain="overlap")
    # A place on the border of the shape may lie in a cell that only touches it.
    cells = {int(near) for cell in covered for near in h3.grid_disk(cell, 1)}
    return sorted(cells) if len(cells) <= MOST_CELLS else None

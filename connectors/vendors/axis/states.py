"""Where a plate is from, by a camera's words for country and region."""

from connectors.fields import Fields
from connectors.vendors.axis.words import Names
from normalize.origin import Origin, origin
from normalize.word import ABSENT


def origin_of(fields: Fields, names: Names) -> Origin:
    """The state that the first of the camera's words for a region names inside its country, and the country.

    A region's code is read only beside a country or where it names its own: `CA` is California under USA alone.
    """
    country = fields.text_or_none(names.country)
    said = [text for name in (names.iso, names.code, names.region) if (text := fields.text_or_none(name))]
    nation = country or "-"  # in a camera that is sold everywhere no country is not North America
    known = next((found for text in said if (found := origin(text, nation)).state.code), None)
    found = known or origin(next(reversed(said), None), nation)
    return found._replace(country=ABSENT) if country is None and found.country.code is None else found

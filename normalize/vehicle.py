"""Vehicles: makes, colours and bodies in NCIC's codes, with the vendor's own words beside them."""

from functools import lru_cache
from typing import Final

from pydantic import BaseModel, ConfigDict

from normalize.word import ABSENT, Word, look_up, spelled


def _vocabulary(lines: str) -> tuple[dict[str, str], dict[str, str]]:
    """`CODE: word, word` lines as spelled word → code, and code → its first word; the code is a spelling of itself."""
    known: dict[str, str] = {}
    words: dict[str, str] = {}
    for line in lines.strip().splitlines():
        code, _, spellings = line.partition(":")
        words[code] = spellings.partition(",")[0].strip()
        for word in (code, *spellings.split(",")):
            known[spelled(word)] = code
    return known, words


_MAKES, MAKES = _vocabulary("""
ACUR: Acura
ALFA: Alfa Romeo
ASTO: Aston Martin
AUDI: Audi
BENT: Bentley
BMW: BMW
BUIC: Buick
CADI: Cadillac
CHEV: Chevrolet, Chevy
CHRY: Chrysler
CITR: Citroen, Citroën
DAIH: Daihatsu
DODG: Dodge
FERR: Ferrari
FIAT: Fiat
FORD: Ford
FRHT: Freightliner
GENS: Genesis
GMC: GMC, General Motors
HD: Harley Davidson, Harley
HINO: Hino
HOND: Honda
HUMM: Hummer
HYUN: Hyundai
INFI: Infiniti
INTL: International, Navistar
ISU: Isuzu
JAGU: Jaguar
JEEP: Jeep
KENW: Kenworth
KIA: Kia
LAMO: Lamborghini
LEXS: Lexus
LINC: Lincoln
LNDR: Land Rover, Range Rover, Rover
LUCI: Lucid
MACK: Mack
MASE: Maserati
MAZD: Mazda
MERC: Mercury
MERZ: Mercedes Benz, Mercedes
MITS: Mitsubishi
MNNI: Mini, Mini Cooper
NISS: Nissan
OLDS: Oldsmobile
OPEL: Opel
PEUG: Peugeot
PLYM: Plymouth
POLS: Polestar
PONT: Pontiac
PORS: Porsche
PTRB: Peterbilt
RAM: Ram
RENA: Renault
RIVI: Rivian
ROL: Rolls Royce
SAA: Saab
SCIO: Scion
SEAT: Seat
SKOD: Skoda
SMAR: Smart
STRN: Saturn
SUBA: Subaru
SUZI: Suzuki
TESL: Tesla
TOYT: Toyota
VOLK: Volkswagen, VW
VOLV: Volvo
WSTR: Western Star
YAMA: Yamaha
""")

_COLOURS, COLOURS = _vocabulary("""
BGE: beige, tan beige
BLK: black
BLU: blue
BRO: brown
BRZ: bronze
COM: chrome
CPR: copper
CRM: cream, ivory
DBL: dark blue, navy
DGR: dark green
GLD: gold, gold beige
GRN: green
GRY: gray, grey
LAV: lavender
LBL: light blue
LGR: light green
MAR: maroon, burgundy
ONG: orange
PLE: purple, violet
PNK: pink
RED: red
SIL: silver, silver gray, silver grey, aluminum
TAN: tan
TEA: teal
TRQ: turquoise
WHI: white
YEL: yellow
""")

_BODIES, BODIES = _vocabulary("""
CAR: car, passenger car
4D: sedan, saloon, sedan standard, sedan compact
2D: coupe, sedan sports, sports car, two door
HB: hatchback
SW: wagon, station wagon, estate, sedan wagon
CV: convertible, cabriolet, sedan convertible
UT: SUV, suv crossover, suv standard, suv wagon, crossover, sport utility vehicle
PK: pickup, pickup truck, truck standard, truck extended, truck crew cab
VN: van, van full, van mini, minivan, van standard
BU: bus, coach
MC: motorcycle, motorbike
TR: tractor trailer, semi, tractor, heavy truck, big truck
TK: truck, box truck, lorry
TL: trailer
RV: motorhome, motor home, recreational vehicle
""")
"""Our codes as people say them: `MAKES["NISS"]` is Nissan, `COLOURS["BLK"]` black, `BODIES["4D"]` sedan.

CAR is ours: NCIC has no code for a car of which nobody says how many doors it has.
"""

TYPES: Final = {
    "car": frozenset({"CAR", "4D", "2D", "HB", "SW", "CV"}),
    "suv": frozenset({"UT"}),
    "pickup": frozenset({"PK"}),
    "van": frozenset({"VN"}),
    "truck": frozenset({"TK", "TR"}),
    "bus": frozenset({"BU", "RV"}),
    "motorcycle": frozenset({"MC"}),
    "trailer": frozenset({"TL"}),
}
"""Types of vehicle as the bodies that belong to each."""


class Vehicle(BaseModel):
    """What a reader said of the vehicle; every word keeps the vendor's text, and how sure the vendor was of it.

    A model and a year have no vocabulary: what lies below `word.FLOOR` is not told at all.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    make: Word = ABSENT
    model: str | None = None
    colour: Word = ABSENT
    body: Word = ABSENT
    year: str | None = None
    """The vendor's year or span of years, as text (`2010-2014`)."""


UNSEEN: Final = Vehicle()
"""Of which nothing was said."""


@lru_cache(maxsize=4096)
def make(spelling: str | None) -> Word:
    """NCIC's make code (`TOYT`) for a vendor's word."""
    return look_up(spelling, _MAKES)


@lru_cache(maxsize=4096)
def colour(spelling: str | None) -> Word:
    """NCIC's colour code (`SIL`) for a vendor's word."""
    return look_up(spelling, _COLOURS)


@lru_cache(maxsize=4096)
def body(spelling: str | None) -> Word:
    """NCIC's body style code (`4D`) for a vendor's word."""
    return look_up(spelling, _BODIES)


def described(make: str | None, colour: str | None, body: str | None) -> str:
    """What a vehicle looks like, of its codes, in words: `black Nissan sedan`; empty where nothing is known."""
    known = ((COLOURS, colour), (MAKES, make), (BODIES, body))
    return " ".join(words.get(code, code) for words, code in known if code)

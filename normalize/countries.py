"""Countries: every vendor's spelling becomes one ISO 3166-1 alpha-2 code.

Spellings are the two and three letters of ISO 3166-1, the English names, some names of a country's own, and the sign of
international traffic where it is another (`D`, `UK`, `SLO`). A number is a vendor's own index and names no country.
"""

import unicodedata
from functools import lru_cache
from typing import Final

from normalize.word import Known, Word, look_up, spelled

_NONE: Final = frozenset({"XX", "XXX", "ZZ", "ZZZ"})

_TABLE: Final = """
AD AND: Andorra
AE ARE: United Arab Emirates, UAE
AF AFG: Afghanistan
AG ATG: Antigua and Barbuda
AI AIA: Anguilla
AL ALB: Albania
AM ARM: Armenia
AO AGO: Angola
AQ ATA: Antarctica
AR ARG: Argentina
AS ASM: American Samoa
AT AUT: Austria, A, Österreich
AU AUS: Australia
AW ABW: Aruba
AX ALA: Åland Islands
AZ AZE: Azerbaijan
BA BIH: Bosnia and Herzegovina
BB BRB: Barbados
BD BGD: Bangladesh
BE BEL: Belgium, B
BF BFA: Burkina Faso
BG BGR: Bulgaria
BH BHR: Bahrain
BI BDI: Burundi
BJ BEN: Benin
BL BLM: Saint Barthélemy
BM BMU: Bermuda
BN BRN: Brunei, Brunei Darussalam
BO BOL: Bolivia, Bolivia Plurinational State of
BQ BES: Bonaire, Bonaire Sint Eustatius and Saba
BR BRA: Brazil, Brasil
BS BHS: Bahamas, The Bahamas
BT BTN: Bhutan
BV BVT: Bouvet Island
BW BWA: Botswana
BY BLR: Belarus
BZ BLZ: Belize
CA CAN: Canada
CC CCK: Cocos (Keeling) Islands
CD COD: Democratic Republic of the Congo, Congo The Democratic Republic of the
CF CAF: Central African Republic
CG COG: Republic of the Congo, Congo
CH CHE: Switzerland, Schweiz
CI CIV: Ivory Coast, Côte d'Ivoire
CK COK: Cook Islands
CL CHL: Chile
CM CMR: Cameroon
CN CHN: China
CO COL: Colombia
CR CRI: Costa Rica
CU CUB: Cuba
CV CPV: Cabo Verde, Cape Verde
CW CUW: Curaçao
CX CXR: Christmas Island
CY CYP: Cyprus
CZ CZE: Czechia, Czech Republic
DE DEU: Germany, D, Deutschland
DJ DJI: Djibouti
DK DNK: Denmark, Danmark
DM DMA: Dominica
DO DOM: Dominican Republic
DZ DZA: Algeria
EC ECU: Ecuador
EE EST: Estonia
EG EGY: Egypt
EH ESH: Western Sahara
ER ERI: Eritrea
ES ESP: Spain, E, España
ET ETH: Ethiopia
FI FIN: Finland
FJ FJI: Fiji
FK FLK: Falkland Islands, Falkland Islands (Malvinas)
FM FSM: Micronesia, Micronesia Federated States of
FO FRO: Faroe Islands
FR FRA: France, F
GA GAB: Gabon
GB GBR: United Kingdom, UK, Great Britain, England, Scotland, Wales
GD GRD: Grenada
GE GEO: Georgia
GF GUF: French Guiana
GG GGY: Guernsey
GH GHA: Ghana
GI GIB: Gibraltar
GL GRL: Greenland
GM GMB: Gambia, The Gambia
GN GIN: Guinea
GP GLP: Guadeloupe
GQ GNQ: Equatorial Guinea
GR GRC: Greece
GS SGS: South Georgia and the South Sandwich Islands
GT GTM: Guatemala
GU GUM: Guam
GW GNB: Guinea-Bissau
GY GUY: Guyana
HK HKG: Hong Kong
HM HMD: Heard Island and McDonald Islands
HN HND: Honduras
HR HRV: Croatia
HT HTI: Haiti
HU HUN: Hungary, H
ID IDN: Indonesia
IE IRL: Ireland
IL ISR: Israel
IM IMN: Isle of Man
IN IND: India
IO IOT: British Indian Ocean Territory
IQ IRQ: Iraq
IR IRN: Iran, Iran Islamic Republic of
IS ISL: Iceland
IT ITA: Italy, I, Italia
JE JEY: Jersey
JM JAM: Jamaica
JO JOR: Jordan
JP JPN: Japan, J
KE KEN: Kenya
KG KGZ: Kyrgyzstan
KH KHM: Cambodia
KI KIR: Kiribati
KM COM: Comoros
KN KNA: Saint Kitts and Nevis
KP PRK: North Korea, Korea Democratic People's Republic of
KR KOR: South Korea, Korea Republic of, Korea
KW KWT: Kuwait
KY CYM: Cayman Islands
KZ KAZ: Kazakhstan
LA LAO: Laos, Lao People's Democratic Republic
LB LBN: Lebanon
LC LCA: Saint Lucia
LI LIE: Liechtenstein
LK LKA: Sri Lanka
LR LBR: Liberia
LS LSO: Lesotho
LT LTU: Lithuania
LU LUX: Luxembourg, L
LV LVA: Latvia
LY LBY: Libya
MA MAR: Morocco
MC MCO: Monaco
MD MDA: Moldova, Moldova Republic of
ME MNE: Montenegro
MF MAF: Saint Martin, Saint Martin (French part)
MG MDG: Madagascar
MH MHL: Marshall Islands
MK MKD: North Macedonia, NMK, Macedonia
ML MLI: Mali
MM MMR: Myanmar, Burma
MN MNG: Mongolia
MO MAC: Macao, Macau
MP MNP: Northern Mariana Islands
MQ MTQ: Martinique
MR MRT: Mauritania
MS MSR: Montserrat
MT MLT: Malta, M
MU MUS: Mauritius
MV MDV: Maldives
MW MWI: Malawi
MX MEX: Mexico, México
MY MYS: Malaysia
MZ MOZ: Mozambique
NA NAM: Namibia
NC NCL: New Caledonia
NE NER: Niger
NF NFK: Norfolk Island
NG NGA: Nigeria
NI NIC: Nicaragua
NL NLD: Netherlands, Holland, The Netherlands
NO NOR: Norway, N
NP NPL: Nepal
NR NRU: Nauru
NU NIU: Niue
NZ NZL: New Zealand
OM OMN: Oman
PA PAN: Panama
PE PER: Peru
PF PYF: French Polynesia
PG PNG: Papua New Guinea
PH PHL: Philippines
PK PAK: Pakistan
PL POL: Poland
PM SPM: Saint Pierre and Miquelon
PN PCN: Pitcairn
PR PRI: Puerto Rico
PS PSE: Palestine, Palestine State of
PT PRT: Portugal, P
PW PLW: Palau
PY PRY: Paraguay
QA QAT: Qatar
RE REU: Réunion
RO ROU: Romania
RS SRB: Serbia
RU RUS: Russia, Russian Federation
RW RWA: Rwanda
SA SAU: Saudi Arabia
SB SLB: Solomon Islands
SC SYC: Seychelles
SD SDN: Sudan
SE SWE: Sweden, S
SG SGP: Singapore
SH SHN: Saint Helena, Saint Helena Ascension and Tristan da Cunha
SI SVN: Slovenia, SLO
SJ SJM: Svalbard and Jan Mayen
SK SVK: Slovakia
SL SLE: Sierra Leone
SM SMR: San Marino
SN SEN: Senegal
SO SOM: Somalia
SR SUR: Suriname
SS SSD: South Sudan
ST STP: Sao Tome and Principe
SV SLV: El Salvador
SX SXM: Sint Maarten, Sint Maarten (Dutch part)
SY SYR: Syria, Syrian Arab Republic
SZ SWZ: Eswatini, Swaziland
TC TCA: Turks and Caicos Islands
TD TCD: Chad
TF ATF: French Southern Territories
TG TGO: Togo
TH THA: Thailand
TJ TJK: Tajikistan
TK TKL: Tokelau
TL TLS: Timor-Leste, East Timor
TM TKM: Turkmenistan
TN TUN: Tunisia
TO TON: Tonga
TR TUR: Turkey, Türkiye
TT TTO: Trinidad and Tobago
TV TUV: Tuvalu
TW TWN: Taiwan, Taiwan Province of China
TZ TZA: Tanzania, Tanzania United Republic of
UA UKR: Ukraine
UG UGA: Uganda
UM UMI: United States Minor Outlying Islands
US USA: United States, United States of America
UY URY: Uruguay
UZ UZB: Uzbekistan
VA VAT: Vatican City, V
VC VCT: Saint Vincent and the Grenadines
VE VEN: Venezuela, Venezuela Bolivarian Republic of
VG VGB: British Virgin Islands, Virgin Islands British
VI VIR: US Virgin Islands, Virgin Islands U.S.
VN VNM: Vietnam, Viet Nam
VU VUT: Vanuatu
WF WLF: Wallis and Futuna
WS WSM: Samoa
XK XKX: Kosovo, RKS
YE YEM: Yemen
YT MYT: Mayotte
ZA ZAF: South Africa
ZM ZMB: Zambia
ZW ZWE: Zimbabwe
"""
"""`ALPHA2 ALPHA3: name, other spellings`; XK is no code of ISO's, but stands on plates and in every vendor's list."""
_EUROPE: Final = """
AD AL AM AT AZ BA BE BG BY CH CY CZ DE DK EE ES FI FO FR GB GE GG GI GR HR HU IE IM IS IT JE LI LT LU LV MC MD ME
MK MT NL NO PL PT RO RS RU SE SI SK SM TR UA VA XK
"""
EUROPE: Final = frozenset(_EUROPE.split())
"""The countries whose plates a reader set up for Europe reads."""


def plain(text: str) -> str:
    """A text without the marks of its letters, as vocabularies are keyed: `México` gives `Mexico`."""
    if text.isascii():
        return text
    return "".join(char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char))


def _read(table: str) -> tuple[dict[str, str], dict[str, str]]:
    known: dict[str, str] = {}
    names: dict[str, str] = {}
    for line in table.strip().splitlines():
        codes, _, spellings = line.partition(": ")
        code = codes[:2]
        names[code] = spellings.partition(",")[0]
        for spelling in (*codes.split(), *spellings.split(",")):
            known[spelled(plain(spelling))] = code
    return known, names


_KNOWN, NAMES = _read(_TABLE)
"""The English name of every code: `DE` is Germany."""
CODES: Final = frozenset(NAMES)


@lru_cache(maxsize=4096)
def country(spelling: str | None) -> Word:
    """The ISO 3166-1 alpha-2 word for a vendor's text; `XX` and `ZZ` are how vendors say that they could not tell."""
    word = look_up(spelling, _KNOWN, plain)
    return Word(said=word.said, known=Known.UNKNOWN) if (word.said or "").upper() in _NONE else word

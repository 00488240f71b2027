"""NCIC's codes for where a plate is from, which are not the postal ones: NB is Nebraska here, and NK New Brunswick.

Read off the published lists of the FBI's systems (NCIC's LIS and the identification system's POB share one table). A
code that both tables have, with another meaning in each, says nothing until it is known which table was used.
"""

from typing import Final

_OTHERWISE: Final = {
    "NB": "US-NE", "AM": "US-AS", "GM": "US-GU", "MK": "US-MP",
    "NF": "CA-NL", "NK": "CA-NB", "PQ": "CA-QC", "SN": "CA-SK",
    "AG": "MX-AGU", "BA": "MX-BCN", "BJ": "MX-BCS", "CE": "MX-CAM", "CH": "MX-CHH", "CI": "MX-CHP", "CL": "MX-COL",
    "CU": "MX-COA", "DF": "MX-CMX", "DO": "MX-DUR", "GR": "MX-GRO", "GU": "MX-GUA", "HL": "MX-HID", "JL": "MX-JAL",
    "MC": "MX-MIC", "MR": "MX-MOR", "MX": "MX-MEX", "NL": "MX-NLE", "OA": "MX-OAX", "PB": "MX-PUE",
    "QR": "MX-ROO", "QU": "MX-QUE", "SI": "MX-SIN", "SL": "MX-SLP", "SO": "MX-SON", "TA": "MX-TAM", "TB": "MX-TAB",
    "TL": "MX-TLA", "VC": "MX-VER", "YU": "MX-YUC", "ZA": "MX-ZAC",
}  # fmt: skip
_AS_POSTAL: Final = {
    "US": "AL AK AZ AR CA CO CT DE DC FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NV NH NJ NM NY NC ND OH OK "
    "OR PA RI SC SD TN TX UT VT VA WA WV WI WY PR VI",
    "CA": "AB BC MB NS NT ON PE YT",
}
STATES: Final[dict[str, str]] = {
    **{code: f"{land}-{code}" for land, codes in _AS_POSTAL.items() for code in codes.split()},
    **_OTHERWISE,
}
"""What the code of a state means: `NB` is US-NE. NA is left out: Nayarit there, and "not available" to all others."""
_COUNTRIES: Final = """
AA:AL AD:AD AE:AI AF:AF AI:AG AJ:AW AN:DZ AO:AO AP:AM AS:AU AT:AR AU:AT AV:AZ BB:BB BD:BS BE:BH BG:BE BH:BZ BI:BI
BL:BD BM:BM BN:BT BP:BA BR:MM BS:SB BT:BW BU:BG BV:BO BX:BN BY:BY BZ:BR CB:CO CC:CU CD:CA CF:TD CJ:KH CM:CM CP:KY
CQ:CL CR:CR CS:CY CV:CV CW:CF CY:LK DG:KM DH:BJ DI:CK DK:DK DM:DM DN:DJ DR:DO EK:GQ EL:SV EN:GB EO:ET ES:EE ET:ER
EU:EC EY:EG EZ:CZ FA:FK FD:FI FG:GF FJ:FJ FN:FR FO:FO FP:PF FS:FM GB:GA GC:GR GD:GE GE:DE GF:GG GG:GH GI:GN GJ:GD
GK:GM GN:GL GP:GP MM:MX NG:NG NN:NE NO:PG NP:NP NQ:NC NR:NR NU:NI NW:NO NZ:NZ OC:MO OF:NF OM:OM PC:PN PD:PW PG:GW
PI:PH PK:PK PM:PA PO:PL PS:PM PT:PT PU:PE PV:PY QA:QA RA:RU RB:CG RC:CN RE:RE RF:RU RG:GI RH:ZW RR:MS RS:EH RU:RO
RV:VN RW:RW RY:YE SA:SL SB:SA SE:SC SF:ZA SG:SN SH:SM SJ:NA SM:SO SP:ES SQ:SE SR:SG SS:GB SU:SD SW:SZ SY:SY SZ:CH
TC:AE TG:TO TH:TH TJ:TJ TK:TK TO:TG TP:ST TR:TC TS:KN TT:TT TU:TN TV:TV TW:TW TY:TR TZ:TZ UG:UG UM:MU UR:TM US:US
UV:BF UY:UY UZ:UZ VB:VG VV:VC VY:VA VZ:VE WF:WF WL:GB WS:WS YO:YT ZB:MQ ZC:SR ZD:MK ZM:ZM ZO:MZ ZR:CD
"""
COUNTRIES: Final = dict(pair.split(":") for pair in _COUNTRIES.split())
"""What the code of a country means, as ISO 3166-1 alpha-2: `GE` is Germany. US stands on plates of the government too.

Two are left out, which nearly always are a slip for what they are elsewhere: NE (Holland there) and UK (Ukraine there).
"""


def written(code: str) -> str:
    """An ISO 3166-2 code as NCIC writes it: `US-NE` gives `NB`; a state that it has no code for stays as it is."""
    return _CODES.get(code, code)


_CODES: Final = {code: short for short, code in STATES.items()}

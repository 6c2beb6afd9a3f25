"""Checks that a number is what it looks like. Pure; each takes digits and letters alone.

Sources: ISO/IEC 7812-1 (Luhn), ISO 7064 (mod 97-10, mod 11-2, mod 11,10), and what each
country publishes about its own numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

__all__ = [
    "bsn",
    "chinese_id",
    "codice_fiscale",
    "cpf",
    "dni",
    "hong_kong_id",
    "iban",
    "insee",
    "luhn",
    "my_number",
    "nhs_number",
    "nric",
    "pesel",
    "resident_number",
    "steuer_id",
    "taiwan_id",
    "verhoeff",
]

#: Length of an IBAN in each country (SWIFT's IBAN registry).
_IBAN_LENGTHS = {
    code: int(length)
    for length, codes in {
        15: "NO", 16: "BE", 18: "DK FI FO GL NL SD", 19: "MK SI", 20: "AT BA EE KZ LT LU XK",
        21: "CH HR LI LV", 22: "BG BH CR DE GB GE IE ME RS VA", 23: "AE GI IL IQ OM TL",
        24: "AD CZ DZ ES MD PK RO SA SE SK TN VG", 25: "AO CV LY PT ST", 26: "IS TR",
        27: "BF BI BJ CF CG CM DJ FR GR IT KM MC MG ML MZ NE SM SN TD TG",
        28: "AL AZ BY CI CY DO GT HN HU LB MA NI PL SV", 29: "BR EG PS QA UA", 30: "JO KW MU",
        31: "MT SC", 32: "LC", 33: "RU",
    }.items()
    for code in codes.split()
}  # fmt: skip
_DNI_LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE"
#: Values of letters and digits at odd places of a codice fiscale, 0 to 9 and A to Z.
_FISCALE_ODD = (
    1,
    0,
    5,
    7,
    9,
    13,
    15,
    17,
    19,
    21,
    2,
    4,
    18,
    20,
    11,
    3,
    6,
    8,
    12,
    14,
    16,
    10,
    22,
    25,
    24,
    23,
)
#: The letters of a Taiwanese number, each by its place: A is 10.
_TAIWAN_LETTERS = "ABCDEFGHJKLMNPQRSTUVXYWZIO"
_VERHOEFF_TIMES = (
    "0123456789", "1234067895", "2340178956", "3401289567", "4012395678",
    "5987604321", "6598710432", "7659821043", "8765932104", "9876543210",
)  # fmt: skip
_VERHOEFF_TURNS = (
    "0123456789", "1576283094", "5803796142", "8916043527", "9453126870", "4286573901",
    "2793806415", "7046913258",
)  # fmt: skip


def _weighed(digits: str, weights: Iterable[int]) -> int:
    return sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=False))


def luhn(digits: str) -> bool:
    """Cards, Canadian and Swedish numbers."""
    doubled = [int(digit) * 2 for digit in digits[-2::-2]]
    return (sum(map(int, digits[-1::-2])) + sum(n // 10 + n % 10 for n in doubled)) % 10 == 0


def iban(text: str) -> bool:
    """Bank accounts (ISO 13616)."""
    if _IBAN_LENGTHS.get(text[:2]) != len(text):
        return False
    return int("".join(str(int(letter, 36)) for letter in text[4:] + text[:4])) % 97 == 1


def nhs_number(digits: str) -> bool:
    """United Kingdom, health service."""
    return (11 - _weighed(digits, range(10, 1, -1)) % 11) % 11 == int(digits[9])


def chinese_id(text: str) -> bool:
    """China, residents (GB 11643): born on a real day, mod 11-2."""
    return (
        _is_day(text[6:14])
        and "10X98765432"[_weighed(text[:17], [2**n % 11 for n in range(17, 0, -1)]) % 11]
        == text[17].upper()
    )


def _is_day(digits: str) -> bool:
    try:
        date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return False
    return True


def my_number(digits: str) -> bool:
    """Japan, individuals."""
    rest = _weighed(digits, (6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11
    return (0 if rest <= 1 else 11 - rest) == int(digits[11])


def dni(text: str) -> bool:
    """Spain, nationals and (X, Y, Z) foreigners."""
    number = text[:-1].translate(str.maketrans("XYZ", "012"))
    return _DNI_LETTERS[int(number) % 23] == text[-1]


def insee(digits: str) -> bool:
    """France, social security."""
    return 97 - int(digits[:13]) % 97 == int(digits[13:])


def codice_fiscale(text: str) -> bool:
    """Italy, tax."""
    values = [int(letter, 36) - 10 if letter.isalpha() else int(letter) for letter in text]
    odd, even = sum(_FISCALE_ODD[value] for value in values[:15:2]), sum(values[1:15:2])
    return (odd + even) % 26 == values[15]


def steuer_id(digits: str) -> bool:
    """Germany, tax (ISO 7064 mod 11,10)."""
    product = 10
    for digit in digits[:10]:
        product = ((int(digit) + product) % 10 or 10) * 2 % 11
    return (11 - product) % 10 == int(digits[10])


def bsn(digits: str) -> bool:
    """Netherlands, citizens."""
    return _weighed(digits, (9, 8, 7, 6, 5, 4, 3, 2, -1)) % 11 == 0


def pesel(digits: str) -> bool:
    """Poland, citizens."""
    return _weighed(digits, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1)) % 10 == 0


def cpf(digits: str) -> bool:
    """Brazil, persons."""
    if len({*digits}) == 1:
        return False
    return all(
        _weighed(digits[:length], range(length + 1, 1, -1)) * 10 % 11 % 10 == int(digits[length])
        for length in (9, 10)
    )


def resident_number(digits: str) -> bool:
    """South Korea: a day of birth; since 2020 there is no other check."""
    century = {"1": "19", "2": "19", "5": "19", "6": "19"}.get(digits[6], "20")
    return _is_day(century + digits[:6])


def taiwan_id(text: str) -> bool:
    """Taiwan, citizens and residents."""
    tens, ones = divmod(_TAIWAN_LETTERS.index(text[0]) + 10, 10)
    return (tens + ones * 9 + _weighed(text[1:], (8, 7, 6, 5, 4, 3, 2, 1, 1))) % 10 == 0


def hong_kong_id(text: str) -> bool:
    """Hong Kong, residents: one or two letters, six digits and a check."""
    letters = [36 if letter == " " else int(letter, 36) for letter in text[:-1].rjust(8)]
    total = sum(value * weight for value, weight in zip(letters, range(9, 1, -1), strict=True))
    return "0A987654321"[total % 11] == text[-1]


def nric(text: str) -> bool:
    """Singapore, citizens and foreigners."""
    rest = (
        _weighed(text[1:8], (2, 7, 6, 5, 4, 3, 2)) + {"T": 4, "G": 4, "M": 3}.get(text[0], 0)
    ) % 11
    return {"S": _NRIC_ST, "T": _NRIC_ST, "M": _NRIC_M}.get(text[0], _NRIC_FG)[rest] == text[8]


_NRIC_ST, _NRIC_FG, _NRIC_M = "JZIHGFEDCBA", "XWUTRQPNMLK", "XWUTRQPNJLK"


def verhoeff(digits: Sequence[str]) -> bool:
    """India, residents (Aadhaar)."""
    check = 0
    for place, digit in enumerate(reversed(digits)):
        check = int(_VERHOEFF_TIMES[check][int(_VERHOEFF_TURNS[place % 8][int(digit)])])
    return check == 0

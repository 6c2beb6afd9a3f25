"""Personal data in a text: cards, accounts, addresses, phone and identity numbers. Pure.

A number counts where its check digits are right. One that is short, or that other numbers
look like, counts only beside a word that says what it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from longterm.guard import checksums
from longterm.guard.rule import Match

__all__ = ["may_hold_personal", "personal"]

_EMAIL = re.compile(
    r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9][A-Za-z0-9._%+-]{0,63}@(?:[A-Za-z0-9-]{1,63}\.){1,8}"
    r"(?!(?:png|jpe?g|gif|svg|webp|pdf|js|ts|css|py|so|dll)(?![A-Za-z]))[A-Za-z]{2,24}(?![A-Za-z0-9@/-])"
)
#: Not an address of a person: how git names a repository.
_GIT = re.compile(r"git@[A-Za-z0-9.-]+:")

_PHONE = re.compile(
    r"(?<![A-Za-z0-9+./=-])(?<![0-9],)(?:"  # a comma may be that of a Chinese sentence
    r"\+[1-9](?:[ .()-]{0,2}[0-9]){7,14}"  # E.164
    r"|00[1-9][0-9]{0,2} (?:[ .()-]{0,2}[0-9]){7,12}"
    r"|(?:1[ .-])?(?:\([2-9][0-9]{2}\) ?|[2-9][0-9]{2}[-. ])[2-9][0-9]{2}[-. ][0-9]{4}"  # NANP
    r"|1[3-9][0-9](?:[0-9]{8}|([ -])[0-9]{4}\1[0-9]{4})"  # China, mobile
    r"|0[1-9][0-9]{1,2}-[2-9][0-9]{6,7}"  # China, landline
    r"|0[1-9][0-9]{0,3}-[0-9]{1,4}-[0-9]{4}|0[5-9]0[0-9]{8}"  # Japan
    r"|\(0[1-9][0-9]{0,3}\) ?[0-9]{1,4}-[0-9]{4}"
    r"|07[0-9]{3} ?[0-9]{3} ?[0-9]{3}"  # United Kingdom
    r"|0(?:20|1[0-9]{2}|1[0-9]{3}) [0-9]{3,4} ?[0-9]{3,4}"
    r"|0[1-9](?:([ .])[0-9]{2})(?:\2[0-9]{2}){3}"  # France
    r"|01[0-9]-[0-9]{4}-[0-9]{4}"  # Korea
    r")(?![A-Za-z0-9]|[-.][0-9])"
)
_CALLED = re.compile(
    r"(?:(?<![A-Za-z])(?:phone|tel(?:ephone)?|mobile|cell|fax|whatsapp|call|text|ring|reach|telefon|handy|m\u00f3vil|t\u00e9l)(?![A-Za-z])"
    r"|电话|電話|手机|手機|携帯|联系方式|传真|微信)[^0-9+\n]{0,24}"
    r"(?P<value>[+(]?[0-9](?:[ ./()-]{0,2}[0-9]){6,14})(?![0-9A-Za-z:]|[-.][0-9])",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class _Number:
    """A kind of number: its form, its check and, where other numbers look alike, its name."""

    class_: str
    #: How many digits it has one after the other; 0 where letters stand among them.
    digits: int
    form: re.Pattern[str]
    check: Callable[[str], bool] | None
    named: re.Pattern[str] | None


def _digits_of(
    class_: str,
    digits: int,
    form: str,
    check: Callable[[str], bool] | None = None,
    named: str | None = None,
) -> _Number:
    # Beside letters a comma separates columns; between digits it may belong to a number.
    after = "" if digits == 0 else "|[-.,][0-9]"
    bounded = re.compile(rf"(?<![A-Za-z0-9.+-])(?<![0-9],)(?:{form})(?![A-Za-z0-9]{after})")
    return _Number(
        class_, digits, bounded, check, re.compile(named, re.IGNORECASE) if named else None
    )


#: The digits decide; of two that overlap the first counts: one IBAN in ten holds a card's digits.
_NUMBERS = (
    _digits_of(
        "iban", 0, r"[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?", checksums.iban
    ),
    _digits_of(
        "card", 14,
        r"(?:4[0-9]{3}|5[1-5][0-9]{2}|2[2-7][0-9]{2}|6(?:011|2[0-9]{2}|4[4-9][0-9]|5[0-9]{2}))"
        r"([ -]?)[0-9]{4}\1[0-9]{4}\1[0-9]{4}|62[0-9]{14,17}|3[47][0-9]{2}([ -]?)[0-9]{6}\2[0-9]{5}"
        r"|35[2-8][0-9]([ -]?)[0-9]{4}\3[0-9]{4}\3[0-9]{4}"
        r"|3(?:0[0-5]|[689][0-9])[0-9]([ -]?)[0-9]{6}\4[0-9]{4}",
        checksums.luhn,
    ),
    # US social security number
    _digits_of("national_id", 9, r"(?!000|666|9)[0-9]{3}-(?!00)[0-9]{2}-(?!0000)[0-9]{4}"),
    _digits_of(
        "national_id", 9,
        r"(?!000|666|9)[0-9]{3} ?(?!00)[0-9]{2} ?(?!0000)[0-9]{4}",
        named=r"(?<![A-Za-z])(?:ssn|social security)",
    ),
    _digits_of("national_id", 17, r"[1-9][0-9]{5}(?:19|20)[0-9]{9}[0-9Xx]", checksums.chinese_id),
    _digits_of(
        "national_id", 12, r"[0-9]{12}|[0-9]{4}([ -])[0-9]{4}\1[0-9]{4}", checksums.my_number,
        named=r"マイナンバー|[個个]人番号|my ?number|individual number",
    ),
    _digits_of(
        "national_id", 12, r"[2-9][0-9]{3}([ -]?)[0-9]{4}\1[0-9]{4}", checksums.verhoeff,
        named=r"aadhaar|aadhar|आधार|uidai",
    ),
    _digits_of(
        "national_id", 10, r"[0-9]{3}([ -]?)[0-9]{3}\1[0-9]{4}", checksums.nhs_number,
        named=r"(?<![A-Za-z])(?:nhs|health service)",
    ),
    _digits_of("national_id", 10, r"[0-9]{3} [0-9]{3} [0-9]{4}", checksums.nhs_number),
    _digits_of(
        "national_id", 0,
        r"(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?(?:[0-9]{2} ?){3}[A-D]",
    ),  # UK national insurance
    _digits_of("national_id", 0, r"(?:[0-9]{8}|[XYZ]-?[0-9]{7})-?[A-Z]", checksums.dni),
    _digits_of(
        "national_id", 15,
        r"[12] ?[0-9]{2} ?(?:0[1-9]|1[0-2]) ?[0-9]{2} ?[0-9]{3} ?[0-9]{3} ?[0-9]{2}",
        checksums.insee,
    ),
    _digits_of(
        "national_id", 0, r"[A-Z]{6}[0-9]{2}[A-EHLMPRST][0-9]{2}[A-Z][0-9]{3}[A-Z]",
        checksums.codice_fiscale,
    ),
    _digits_of("national_id", 11, r"[0-9]{3}\.[0-9]{3}\.[0-9]{3}-[0-9]{2}", checksums.cpf),
    _digits_of("national_id", 11, r"[0-9]{11}", checksums.cpf, named=r"(?<![A-Za-z])cpf"),
    _digits_of("national_id", 11, r"[0-9]{11}", checksums.pesel, named=r"pesel"),
    _digits_of(
        "national_id", 11, r"[1-9][0-9]( ?)[0-9]{3}\1[0-9]{3}\1[0-9]{3}", checksums.steuer_id,
        named=r"steuer|tax id|tin(?![A-Za-z])",
    ),
    _digits_of(
        "national_id", 9, r"[0-9]{9}", checksums.bsn, named=r"(?<![A-Za-z])bsn|burgerservice"
    ),
    _digits_of("national_id", 13, r"[0-9]{6}-[1-8][0-9]{6}", checksums.resident_number),  # Korea
    _digits_of("national_id", 0, r"[A-Z][1289][0-9]{8}", checksums.taiwan_id),
    _digits_of("national_id", 0, r"[A-Z]{1,2}[0-9]{6}\([0-9A]\)", checksums.hong_kong_id),
    _digits_of("national_id", 0, r"[STFGM][0-9]{7}[A-Z]", checksums.nric),
    _digits_of(
        "national_id", 9, r"[0-9]{3}([ -]?)[0-9]{3}\1[0-9]{3}", checksums.luhn,
        named=r"(?<![A-Za-z])(?:sin|social insurance)(?![A-Za-z])",
    ),
    _digits_of(
        "national_id", 10, r"(?:19|20)?[0-9]{6}[-+]?[0-9]{4}",
        lambda digits: checksums.luhn(digits[-10:]),
        named=r"personnummer|personal identity number",
    ),
    _digits_of(
        "national_id", 0, r"(?=[A-Z0-9<]*[0-9])[A-Z0-9]{6,9}",
        named=r"(?<![A-Za-z])passport|护照|護照|パスポート|旅券",
    ),
)  # fmt: skip
_SEPARATORS = re.compile(r"[^0-9A-Za-z]")
_DIGIT = re.compile("[0-9]")
#: Digits that may belong together, and capitals that may belong to digits.
_RUN = re.compile(r"[0-9](?:[ ./()+-]{0,2}[0-9])*")
_LETTERED = re.compile(r"[A-Z] ?[0-9]{2}|[0-9]{7}-?[A-Z]")
_SHORTEST_PHONE, _SHORTEST_CALLED = 9, 7
#: As many digits as the shortest number has, or what begins those with letters.
_POSSIBLE = re.compile(
    rf"[0-9](?:[ ./()+-]{{0,2}}[0-9]){{{_SHORTEST_CALLED - 1}}}|{_LETTERED.pattern}"
)


def may_hold_personal(text: str) -> bool:
    """Whether `personal` would look into *text*: if not, it finds nothing there."""
    # Most texts have no digit, and to look for one takes a tenth of the time.
    if "@" in text:
        return True
    return _DIGIT.search(text) is not None and _POSSIBLE.search(text) is not None


def personal(text: str) -> Iterator[Match]:
    """Find cards, IBANs, e-mail addresses, phone numbers and national ids in *text*."""
    if "@" in text:
        for found in _EMAIL.finditer(text):
            if not _GIT.match(text, found.start()):
                yield Match("email", *found.span())
    if len(text) < _SHORTEST_CALLED or not _DIGIT.search(text):
        return
    longest = max((sum(map(str.isdigit, run)) for run in _RUN.findall(text)), default=0)
    lettered = _LETTERED.search(text) is not None
    if not longest and not lettered:
        return
    for number in _NUMBERS:
        possible = longest >= number.digits if number.digits else lettered
        if possible and (number.named is None or number.named.search(text)):
            for found in number.form.finditer(text):
                if number.check is None or number.check(_SEPARATORS.sub("", found.group())):
                    yield Match(number.class_, *found.span())
    if longest >= _SHORTEST_PHONE:
        yield from (Match("phone", *found.span()) for found in _PHONE.finditer(text))
    if longest >= _SHORTEST_CALLED:
        yield from (Match("phone", *found.span("value")) for found in _CALLED.finditer(text))

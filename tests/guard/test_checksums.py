"""Numbers that the issuers publish as examples check; with one digit changed they do not."""

from collections.abc import Callable

import pytest

from longterm.guard import checksums

VALID: list[tuple[Callable[[str], bool], str]] = [
    (checksums.luhn, "4539148803436467"),
    (checksums.luhn, "046454286"),
    (checksums.iban, "GB82WEST12345698765432"),
    (checksums.iban, "DE89370400440532013000"),
    (checksums.iban, "FR1420041010050500013M02606"),
    (checksums.nhs_number, "9434765919"),
    (checksums.chinese_id, "11010519491231002X"),
    (checksums.my_number, "123456789018"),
    (checksums.dni, "12345678Z"),
    (checksums.dni, "X1234567L"),
    (checksums.insee, "255081416802538"),
    (checksums.codice_fiscale, "RSSMRA85T10A562S"),
    (checksums.steuer_id, "86095742719"),
    (checksums.bsn, "111222333"),
    (checksums.pesel, "44051401359"),
    (checksums.cpf, "52998224725"),
    (checksums.taiwan_id, "A123456789"),
    (checksums.hong_kong_id, "A1234563"),
    (checksums.nric, "S1234567D"),
    (checksums.verhoeff, "999941057058"),
]


@pytest.mark.parametrize(("check", "number"), VALID)
def test_a_published_example_checks(check: Callable[[str], bool], number: str) -> None:
    assert check(number)


@pytest.mark.parametrize(("check", "number"), VALID)
def test_with_another_digit_it_does_not(check: Callable[[str], bool], number: str) -> None:
    places = [at for at, letter in enumerate(number) if letter.isdigit()]
    changed = [f"{number[:at]}{(int(number[at]) + 1) % 10}{number[at + 1 :]}" for at in places[:-1]]

    assert sum(map(check, changed)) <= len(changed) * 0.2


@pytest.mark.parametrize("number", ["800229-1234567", "991332-1234567"])
def test_a_korean_number_begins_with_a_day(number: str) -> None:
    assert checksums.resident_number(number.replace("-", "")) is number.startswith("8")

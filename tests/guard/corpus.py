"""Texts to try the guard on: 200 that hold something, 200 that only look like it.

What is planted is made up here from a fixed seed, in the forms that keys and numbers really
have; none of it is an example of the guard's own rules. The sentences are such as memories are.
"""

from __future__ import annotations

import base64
import json
import random
import string
from collections.abc import Callable, Iterator
from itertools import chain, islice
from typing import NamedTuple
from uuid import UUID

from longterm.guard import checksums

RANDOM = random.Random(20_261_125)  # noqa: S311 - a corpus, no secret
ALNUM = string.ascii_letters + string.digits
URL_SAFE = f"{ALNUM}-_"
HEX = "0123456789abcdef"
ABROAD = ("44 7911", "49 151", "33 6 12", "81 90", "86 138")
DOMAINS = ("org", "co.uk", "cn", "jp")
REGIONS = ("110105", "310115", "440305")


class Planted(NamedTuple):
    """A text, the class of what it holds, and that thing itself."""

    text: str
    class_: str
    value: str


def some(letters: str, count: int) -> str:
    return "".join(RANDOM.choices(letters, k=count))


def digits(count: int) -> str:
    return some(string.digits, count)


def letters(count: int) -> str:
    return some(string.ascii_lowercase, count)


def birthday() -> str:
    return f"19{RANDOM.randint(60, 99)}{RANDOM.randint(1, 12):02}{RANDOM.randint(1, 28):02}"


def checked(make: Callable[[], str], check: Callable[[str], bool]) -> str:
    while True:
        made = make()
        if check("".join(filter(str.isalnum, made))):
            return made


def jwt() -> str:
    parts = [{"typ": "JWT", "alg": "RS256"}, {"sub": digits(8), "role": "admin"}]
    encoded = [
        base64.urlsafe_b64encode(json.dumps(one).encode()).decode().rstrip("=") for one in parts
    ]
    return ".".join([*encoded, some(URL_SAFE, 43)])


def private_key() -> str:
    lines = "\n".join(some(ALNUM + "+/", 64) for _ in range(4))
    kind = RANDOM.choice(["RSA ", "EC ", "OPENSSH ", ""])
    return f"-----BEGIN {kind}PRIVATE KEY-----\n{lines}\n-----END {kind}PRIVATE KEY-----"


KEYS: list[Callable[[], str]] = [
    lambda: f"sk-proj-{some(URL_SAFE, 60)}{some(ALNUM, 4)}",
    lambda: f"sk-{some(ALNUM, 48)}",
    lambda: f"sk-ant-api03-{some(URL_SAFE, 80)}{some(ALNUM, 4)}",
    lambda: f"sk-or-v1-{some(HEX, 64)}",
    lambda: f"AKIA{some(string.ascii_uppercase + '234567', 16)}",
    lambda: f"ASIA{some(string.ascii_uppercase + '234567', 16)}",
    lambda: f"ghp_{some(ALNUM, 36)}",
    lambda: f"gho_{some(ALNUM, 36)}",
    lambda: f"github_pat_{some(ALNUM, 22)}_{some(ALNUM, 59)}",
    lambda: f"glpat-{some(URL_SAFE, 20)}{some(ALNUM, 2)}",
    lambda: f"xoxb-{digits(12)}-{digits(12)}-{some(ALNUM, 24)}",
    lambda: f"xoxp-{digits(11)}-{digits(11)}-{digits(12)}-{some(HEX, 32)}",
    lambda: f"AIza{some(URL_SAFE, 34)}{some(ALNUM, 1)}",
    lambda: f"GOCSPX-{some(URL_SAFE, 27)}{some(ALNUM, 1)}",
    lambda: f"sk_live_{some(ALNUM, 24)}",
    lambda: f"rk_live_{some(ALNUM, 32)}",
    lambda: f"whsec_{some(ALNUM, 32)}",
    lambda: f"SG.{some(URL_SAFE, 22)}.{some(URL_SAFE, 42)}{some(ALNUM, 1)}",
    lambda: f"npm_{some(ALNUM, 36)}",
    lambda: f"pypi-AgEIcHlwaS5vcmc{some(ALNUM, 60)}",
    lambda: f"hf_{some(ALNUM, 34)}",
    lambda: f"gsk_{some(ALNUM, 52)}",
    lambda: f"dop_v1_{some(HEX, 64)}",
    lambda: f"dapi{some(HEX, 32)}",
    lambda: f"lin_api_{some(ALNUM, 40)}",
    lambda: f"shpat_{some(HEX, 32)}",
    lambda: f"hvs.{some(ALNUM, 24)}",
    lambda: f"{digits(10)}:AA{some(URL_SAFE, 32)}{some(ALNUM, 1)}",
    jwt,
    private_key,
]
KEY_TEXTS = [
    "Bo asked me to keep {} for the staging deploy.",
    "The build server uses {}, rotate it in March",
    "Ann's credentials: {}",
    "curl -H 'x-api-key: {}' https://api.shop.example/v2/orders",
    "export SERVICE_TOKEN={}",
    "我的服务密钥是{}，请记住",
    "部署时用这个：{}。别发给别人",
    "小李说令牌{}下周过期",
    "本番環境では{}を使っています",
    "田中さんのトークンは{}です。",
]
PASSWORDS = [
    "Tulip!94green",
    "qwerty-7781",
    "Blue$Whale#3",
    "correct-horse-19",
    "N0rthStar",
    "zXc_88.plm",
    "marmalade",
    "Hamster2019!",
]
PASSWORD_TEXTS = [
    "My Netflix password is {}",
    "The password for the office wifi is {}, in case you need it.",
    "password: {}",
    "Login is ann, pwd={} on the old router",
    "She changed her passphrase to {}",
    'Set the database password to "{}" yesterday',
    "{{'user': 'bo', 'password': '{}'}}",
    "mail password -> {}",
    "postgres://shop:{}@db.internal:5432/shop",
    "家里WiFi的密码是{}",
    "邮箱密码：{}",
    "他把登录密码改成了{}",
    "口令为{}，不要告诉别人",
    "公司门禁系统的密码就是 {}",
    "WiFiのパスワードは{}です",
    "パスワード：{}",
    "ログインのパスワードを{}に変えました",
    "合言葉は「{}」",
]
CODE_TEXTS = [
    "The PIN of my bank card is {}",
    "Garage code: {}",
    "Our alarm code is {} since Tuesday",
    "暗証番号は{}です",
    "银行卡密码是{}",
    "スマホのパスコードは{}だよ",
]

PERSONAL: list[tuple[str, Callable[[], str], list[str]]] = [
    (
        "card",
        lambda: checked(
            lambda: f"4{digits(3)} {digits(4)} {digits(4)} {digits(4)}", checksums.luhn
        ),
        ["She pays with her Visa {}.", "信用卡号{}，有效期到明年", "カード番号は{}です"],
    ),
    (
        "card",
        lambda: checked(lambda: f"5{RANDOM.choice('12345')}{digits(14)}", checksums.luhn),
        ["Charge {} for the hotel", "他的卡是{}。", "カード{}で払う"],
    ),
    (
        "card",
        lambda: checked(lambda: f"37{digits(2)}-{digits(6)}-{digits(5)}", checksums.luhn),
        ["Amex on file: {}"],
    ),
    (
        "iban",
        lambda: checked(
            lambda: f"DE{digits(2)}{f' {digits(4)}' * 4} {digits(2)}",
            checksums.iban,
        ),
        ["Rent goes to {} every month", "房租转到{}", "家賃の振込先は{}です"],
    ),
    (
        "iban",
        lambda: checked(
            lambda: f"FR{digits(2)}{digits(10)}{some(string.ascii_uppercase, 3)}{digits(10)}",
            checksums.iban,
        ),
        ["Refunds to {}, please", "账户{}"],
    ),
    (
        "email",
        lambda: f"{letters(5)}.{letters(6)}{digits(2)}@{letters(6)}.{RANDOM.choice(DOMAINS)}",
        [
            "Write to {} about the keys",
            "我的邮箱是{}，谢谢",
            "メールは{}までお願いします",
            "Contact: <{}>",
        ],
    ),
    (
        "phone",
        lambda: f"+{RANDOM.choice(ABROAD)} {digits(3)} {digits(4)}",
        ["Reach her at {} after six", "打{}找他", "緊急連絡先は{}です"],
    ),
    (
        "phone",
        lambda: f"1{RANDOM.choice('35789')}{digits(9)}",
        ["我的手机号是{}", "有事打{}", "妈妈的电话：{}"],
    ),
    (
        "phone",
        lambda: f"0{RANDOM.choice('789')}0-{digits(4)}-{digits(4)}",
        ["携帯は{}です", "母の番号は{}"],
    ),
    (
        "phone",
        lambda: f"(415) {RANDOM.randint(200, 999)}-{digits(4)}",
        ["The plumber: {}", "Dr. Reyes's office is {}"],
    ),
    ("phone", lambda: f"212-{RANDOM.randint(200, 999)}-{digits(4)}", ["Call {} to cancel"]),
    (
        "national_id",
        lambda: f"{RANDOM.randint(100, 665)}-{RANDOM.randint(10, 99)}-{RANDOM.randint(1000, 9999)}",
        ["Her SSN is {}", "Social security number {} on the form"],
    ),
    (
        "national_id",
        lambda: checked(lambda: f"{digits(3)} {digits(3)} {digits(4)}", checksums.nhs_number),
        ["NHS number {}", "Dad's hospital number with the NHS is {}."],
    ),
    (
        "national_id",
        lambda: checked(
            lambda: f"{RANDOM.choice(REGIONS)}{birthday()}{digits(3)}{some('0123456789X', 1)}",
            checksums.chinese_id,
        ),
        ["身份证号{}", "他的身份证是{}，请保密", "ID card {}"],
    ),
    (
        "national_id",
        lambda: checked(lambda: digits(12), checksums.my_number),
        ["マイナンバーは{}です", "個人番号：{}"],
    ),
    (
        "national_id",
        lambda: checked(lambda: f"{digits(8)}{some(string.ascii_uppercase, 1)}", checksums.dni),
        ["Mi DNI es {}", "Lucía's DNI: {}"],
    ),
    (
        "national_id",
        lambda: checked(lambda: f"{digits(3)}.{digits(3)}.{digits(3)}-{digits(2)}", checksums.cpf),
        ["CPF {} for the invoice"],
    ),
    (
        "national_id",
        lambda: checked(lambda: f"{some('ABCEFT', 1)}1{digits(8)}", checksums.taiwan_id),
        ["身分證字號 {}"],
    ),
]


def planted() -> list[Planted]:
    """Return 200 texts that hold one thing each."""
    return [*_secrets(), *_personal()]


def _secrets() -> Iterator[Planted]:
    for number in range(60):
        value = KEYS[number % len(KEYS)]()
        yield Planted(KEY_TEXTS[number * 7 % len(KEY_TEXTS)].format(value), "secret", value)
    for number in range(36):
        value = PASSWORDS[number * 5 % len(PASSWORDS)]
        text = PASSWORD_TEXTS[number % len(PASSWORD_TEXTS)]
        yield Planted(text.format(value), "secret", value)
    for text in CODE_TEXTS * 2:
        value = digits(RANDOM.choice([4, 6]))
        yield Planted(text.format(value), "secret", value)


def _personal() -> Iterator[Planted]:
    made = 0
    while True:
        for class_, make, texts in PERSONAL:
            value = make()
            yield Planted(RANDOM.choice(texts).format(value), class_, value)
            made += 1
            if made == 92:
                return


def innocent() -> list[str]:
    """Return 200 texts that hold nothing, though many look as if they did."""
    return [*islice(chain(INNOCENT, _numbers()), 200)]


INNOCENT = """\
Ann likes hiking in the Alps and hates crowds.
She forgot her password again and was locked out.
My password is too weak, I should change it.
The password is the same as last year.
Bo resets his password every month.
The password must have at least twelve characters.
Ann's password manager is Bitwarden.
His password was stolen in 2019.
The new password policy is stricter.
Passwords are stored as hashes.
She wants a password that is easy to remember.
Is the password case-sensitive?
The wifi password is on the fridge.
The wifi password is written on the router.
The secret is to stir slowly.
The secret of her cake: patience.
His secret is safe with me.
The key is under the mat.
The key: never give up.
The key to success is practice.
API keys are rotated every quarter.
The API key is stored in the vault.
The API key is missing from the config.
Access tokens expire after one hour.
The token is valid for 30 minutes.
Tokens cost money: about 4000 per question.
A token is worth 3 points in the game.
She collects subway tokens from New York.
The door code changes every week.
The dress code is smart casual.
Her area code is in Oregon.
The code is on GitHub under Ann's account.
Error code 4040 means that the page is gone.
Zip code areas were redrawn in 1983.
Ann pinned the note to the board.
He ordered two pins and a needle.
Pin the dependency to version 2.10.4.
The credentials are in the shared folder.
Ann presented her credentials as a doctor.
The recovery phrase has 24 words.
He says his pass phrase is long.
The passport office opens at nine.
Her passport expires in 2029.
Boarding pass: gate 14, seat 22C.
She passed the exam with 87 points.
Bo moved to 221B Baker Street in 2021.
The flat costs 1450 euros a month, 380 more than before.
Meeting on 2026-05-03 at 14:00 in room 4021.
The train leaves at 10:45 from platform 12.
Version 3.11.9 was released on 2024-04-02.
The server listens on 192.168.178.25:8787.
Her flight is LH1234 on 12.11.2026.
The order number is 20261125-0042.
Invoice 4500012345 was paid on 3 March.
ISBN 978-3-16-148410-0 is on her list.
ISBN 0-306-40615-2 is out of print.
The commit 871eeff1c0a94be2d3f5a6b7c8d9e0f1a2b3c4d5 broke the build.
Thread 7f9c2ba4-e88f-4d6b-9c3e-1a2b3c4d5e6f is about the move.
The file is called report_2026_final_v12_reviewed.docx.
See https://example.org/articles/2026/11/25/how-we-moved-house?utm_source=mail
The repository is git@github.com:ann/recipes.git
The icon is logo@2x.png in the assets folder.
She follows @bo_runs on the usual networks.
His handle is ann@work, whatever that means.
The marathon record is 2:00:35.
Latitude 48.858370, longitude 2.294481.
Population 8804190 in the 2020 census.
The telescope is 1500000 km away.
The job took 1234567890 nanoseconds.
Timestamps are like 1764072000 or 1764072000123.
The budget is 12,500,000 dollars over 3 years.
Scores: 3-1, 2-2, 0-4 and 1-1.
Ratio 16:9 at 3840 x 2160 pixels.
Call me when you get there.
Call 911 only in an emergency.
Text Bo about the tickets, he has 3.
Phone interviews take 45 minutes.
The phone costs 899 euros and has 256 GB.
My phone is from 2019 and slow.
Channel 4 showed 12 episodes in 2008-2012.
Ann's number is up, as they say.
The basic plan has 20 seats and 100000 calls.
Bearer bonds are rare today.
He is the bearer of good news.
She learned sk-learn and PyTorch in 2022.
The ski-lift-near-the-old-village-church opens in December.
A risk-averse-but-curious-investor is how she describes herself.
The eyJ thing at the start of tokens is just base64.
The class is called PrivateKeyLoader.
Set PASSWORD in your environment, never in the file.
password=<your password here>
export API_KEY=$API_KEY
DATABASE_URL=postgres://user:${DB_PASSWORD}@localhost/app
api_key: null
token: null
password: see the wiki
Password: required
The login needs a password and a code from the phone.
He keeps asking for my password.
Never share your PIN with anyone.
Her PIN pad is broken.
我喜欢下围棋，也喜欢喝茶。
他忘了密码，登录不了。
密码太弱了，应该换一个。
密码是6位数。
密码是去年改的。
密码是自动生成的。
密码在冰箱上。
密码管理器很好用。
请不要告诉别人密码。
密码每三个月要换一次。
成功的关键是坚持。
这个秘密只有我知道。
钥匙在门垫下面。
她2021年搬到了上海浦东新区。
会议在2026年5月3日下午两点。
房租每月4500元，比以前贵380元。
他的航班是CA1234，12号登机口。
订单号20261125-0042已经发货。
版本3.11.9已经发布。
手机是2019年买的，很慢。
手机有256GB，花了5999元。
电话打了45分钟。
他身高178厘米，体重72公斤。
人口有24870895人。
快递单号SF1234567的包裹到了。
邮箱满了，收不到邮件。
令牌有效期为30分钟。
口令是大家一起想的。
验证码过期了。
散歩と抹茶が好きです。
パスワードを忘れてしまいました。
パスワードは8文字以上です。
パスワードは毎月変えています。
パスワードは冷蔵庫に貼ってあります。
パスワードが弱いと言われた。
暗証番号を人に教えてはいけません。
暗証番号は覚えやすいものにした。
鍵は植木鉢の下にある。
成功の鍵は努力です。
合言葉はみんなで決めた。
トークンは30分で切れます。
2021年に大阪へ引っ越しました。
会議は2026年5月3日14時からです。
家賃は月85000円です。
新幹線は10時45分発です。
バージョン3.11.9が出た。
携帯は2019年に買いました。
電話は45分かかった。
メールはまだ届いていません。
人口は13960000人です。
注文番号は20261125-0042です。
カードで払いました。
番号札は42番でした。
""".splitlines()


def _numbers() -> Iterator[str]:
    """Numbers that are nothing: the digits do not check, or the length is another."""
    while True:
        wrong_card = checked(lambda: f"4{digits(15)}", lambda text: not checksums.luhn(text))
        yield f"Ticket {wrong_card} is open"
        yield f"工单{digits(14)}已经关闭"
        yield f"追跡番号は{some(string.ascii_uppercase, 2)}{digits(9)}JPです"
        yield f"Build {digits(3)}.{digits(2)}.{digits(4)} passed {digits(3)} tests"
        yield f"The checksum is {some(HEX, 64)}"
        yield f"Session {UUID(int=RANDOM.getrandbits(128), version=4)} ended"

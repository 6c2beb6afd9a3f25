"""A second corpus for the guard, in other styles: chats, tickets, configuration, notes, letters.

It was written before the rules were run on it. What they found at first, and what they find since
the kinds that were missed have been mended, stands in docs/privacy.md.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Iterator
from itertools import chain, islice

from corpus import ALNUM, HEX, URL_SAFE, Planted, birthday, checked, digits, jwt, letters, some

from longterm.guard import checksums

UPPER = string.ascii_uppercase

#: What keys look like, by the providers' own pages.
KEYS: dict[str, Callable[[], str]] = {
    "openai": lambda: f"sk-proj-{some(ALNUM, 20)}T3BlbkFJ{some(ALNUM, 20)}",
    "anthropic": lambda: f"sk-ant-api03-{some(ALNUM, 90)}AA",
    "aws id": lambda: f"AKIA{some(UPPER + '234567', 16)}",
    "aws secret": lambda: some(ALNUM + "/+", 40),
    "google": lambda: f"AIzaSy{some(ALNUM, 33)}",
    "github": lambda: f"ghp_{some(ALNUM, 36)}",
    "github app": lambda: f"ghs_{some(ALNUM, 36)}",
    "gitlab": lambda: f"glpat-{some(ALNUM, 20)}",
    "slack": lambda: f"xoxb-{digits(11)}-{digits(13)}-{some(ALNUM, 24)}",
    "slack hook": lambda: f"T{some(UPPER, 8)}/B{some(UPPER, 8)}/{some(ALNUM, 24)}",
    "stripe": lambda: f"sk_live_{some(ALNUM, 99)}",
    "sendgrid": lambda: f"SG.{some(ALNUM, 22)}.{some(ALNUM, 43)}",
    "twilio": lambda: f"SK{some(HEX, 32)}",
    "mailchimp": lambda: f"{some(HEX, 32)}-us{digits(2)}",
    "azure": lambda: f"{some(ALNUM + '+/', 86)}==",
    "cloudflare": lambda: some(ALNUM + "_-", 40),
    "digitalocean": lambda: f"dop_v1_{some(HEX, 64)}",
    "npm": lambda: f"npm_{some(ALNUM, 36)}",
    "pypi": lambda: f"pypi-AgEIcHlwaS5vcmc{some(ALNUM, 120)}",
    "docker": lambda: f"dckr_pat_{some(ALNUM, 27)}",
    "hugging face": lambda: f"hf_{some(string.ascii_letters, 34)}",
    "atlassian": lambda: f"ATATT3xFfGF0{some(URL_SAFE, 160)}={some(HEX.upper(), 8)}",
    "figma": lambda: f"figd_{some(URL_SAFE, 40)}",
    "supabase": lambda: f"sbp_{some(HEX, 40)}",
    "planetscale": lambda: f"pscale_tkn_{some(ALNUM, 43)}",
    "pinecone": lambda: f"pcsk_{some(ALNUM, 6)}_{some(ALNUM, 60)}",
    "resend": lambda: f"re_{some(ALNUM, 8)}_{some(ALNUM, 24)}",
    "notion": lambda: f"ntn_{some(ALNUM, 46)}",
    "heroku": lambda: f"HRKU-{some(ALNUM, 60)}",
    "hubspot": lambda: f"pat-na1-{some(HEX, 8)}-{some(HEX, 4)}-{some(HEX, 4)}-{some(HEX, 12)}",
    "elevenlabs": lambda: f"sk_{some(HEX, 48)}",
    "terraform": lambda: f"{some(ALNUM, 14)}.atlasv1.{some(ALNUM, 67)}",
    "telegram": lambda: f"{digits(10)}:AA{some(ALNUM, 33)}",
    "jwt": jwt,
    "wireguard": lambda: f"{some(ALNUM + '+/', 43)}=",
    "hex": lambda: some(HEX, 40),
    "uuid": lambda: (
        f"{some(HEX, 8)}-{some(HEX, 4)}-4{some(HEX, 3)}-a{some(HEX, 3)}-{some(HEX, 12)}"
    ),
}

#: Key or password, a bar, and the text; the value takes the place of the braces.
KEY_TEXTS = """\
openai|hey can u try again with {} mine got rate limited lol
anthropic|ANTHROPIC_API_KEY={}
aws id|[profile prod]\\naws_access_key_id = {}\\nregion = eu-west-1
aws secret|[profile prod]\\naws_secret_access_key = {}\\nregion = eu-west-1
aws secret|AWS_SECRET_ACCESS_KEY="{}" terraform apply
google|const maps = new Loader({{ apiKey: "{}", version: "weekly" }})
github|git clone https://{}@github.com/acme/infra.git
github app|remote: Invalid token {} (expired)
gitlab|Ticket #4431: customer pasted {} into the public channel, please revoke
slack|SLACK_BOT_TOKEN: {}
slack hook|curl -X POST https://hooks.slack.com/services/{} -d '{{"text":"hi"}}'
stripe|Stripe.api_key = '{}'
sendgrid|Mails go out through SendGrid ({}), ask Mia before you touch it
twilio|twilio login --key {}
mailchimp|Mailchimp API key: {}
azure|DefaultEndpointsProtocol=https;AccountName=shop;AccountKey={};EndpointSuffix=core.windows.net
cloudflare|CLOUDFLARE_API_TOKEN={}
cloudflare|  cloudflare_token: {}
digitalocean|doctl auth init -t {}
npm|//registry.npmjs.org/:_authToken={}
pypi|twine upload -u __token__ -p {} dist/*
docker|docker login -u acme -p {}
hugging face|huggingface-cli login --token {}
atlassian|jira cloud pat is {} good till may
figma|Figma: {} (read only)
supabase|SUPABASE_ACCESS_TOKEN={}
planetscale|the planetscale one -> {}
pinecone|pc = Pinecone(api_key="{}")
resend|Resend key {}
notion|notion integration {}, shared with the wiki
heroku|HEROKU_API_KEY={}
hubspot|HubSpot private app: {}
elevenlabs|xi-api-key: {}
terraform|credentials "app.terraform.io" {{ token = "{}" }}
telegram|bot token from BotFather: {}
jwt|Authorization: Bearer {}
jwt|document.cookie = "session={}; path=/"
jwt|they sent me this jwt {} what is in it?
wireguard|[Interface]\\nPrivateKey = {}\\nAddress = 10.0.0.2/32
hex|GET /export?access_token={}&format=csv
hex|webhook secret: {}
uuid|api_key={} # sandbox
uuid|x-api-key: {}
openai|记一下，公司的 OpenAI key 是 {}，额度每月五百刀
github|仓库的 token：{}，过期了找小王
aws secret|AWS 的 secret access key：{}
slack|机器人用的令牌 {} 已经配好了
google|高德和谷歌地图，谷歌那个是{}
jwt|接口返回的token是{}，帮我看看
hex|支付回调的密钥为{}
openai|OpenAIのキーは{}、社外秘でお願いします
anthropic|検証用のAPIキー：{}
github|GitHubのトークン {} を環境変数に入れてください
aws secret|シークレットアクセスキーは{}
slack|Slackボットのトークンが{}に変わりました
hex|Webhookのシークレット：{}
npm|CIで使うnpmのトークンは{}です。
"""
SAID_TEXTS = """\
sunflower-Kite42|heyy the guest wifi pw is {} :)
sunflower-Kite42|wifi: CasaMia / pass: {}
Pf7#kkL2|User: admin\\nPass: {}
Pf7#kkL2|u: mbauer p: {}
Pf7#kkL2|ssh root@10.0.4.7 (pw {})
Pf7#kkL2|mysql -u root -p'{}' shop
Pf7#kkL2|curl -u deploy:{} https://ci.acme.example/job/7
gr33nTea_99|machine api.acme.example login bot password {}
gr33nTea_99|Server=db1;Database=crm;User Id=crm;Password={};Encrypt=true
gr33nTea_99|redis://:{}@cache.internal:6379/0
gr33nTea_99|amqp://worker:{}@mq.internal:5672/%2f
gr33nTea_99|<add key="SmtpPassword" value="{}" />
gr33nTea_99|"db_password": "{}",
gr33nTea_99|spring.datasource.password={}
Wolke7!regen|Das WLAN-Passwort lautet {}
Wolke7!regen|Mein Kennwort fürs Portal: {}
Soleil*2024|Le mot de passe du wifi, c'est {}
Perro_Azul8|la contraseña del correo es {}
Perro_Azul8|A senha do wifi é {}
Pf7#kkL2|Dear Tom, your temporary password is: {}  Please change it at first login.
Pf7#kkL2|My bank login is annab, password {}, pls dont tell anyone
Pf7#kkL2|Ann's laptop unlocks with the password {}.
gr33nTea_99|He uses {} as his password everywhere
gr33nTea_99|{} is the admin password for the router
Pf7#kkL2|passwd for backup nas changed, new one is {}
Pf7#kkL2|root pw now {}
sunflower-Kite42|WIFI:S:CasaMia;T:WPA;P:{};;
7702|Safe combination is {}
4819|the gate code's {} btw
4819|pin for the spare card = {}
730 114|Your verification code is {}
88213|Lockbox code {} (behind the meter)
sunflower-Kite42|家里wifi密码换了，现在是 {}
Pf7#kkL2|账号 admin 密码 {}
Pf7#kkL2|用户名：root，密码：{}
Pf7#kkL2|服务器登录口令 {}
gr33nTea_99|我的邮箱登录密码一直都是{}没改过
gr33nTea_99|解压密码：{}
830417|门锁密码830417别忘了
830417|银行卡的取款密码是 {}
552190|短信验证码 {}，五分钟内有效
552190|保险柜密码设成了 {}
sunflower-Kite42|ゲスト用Wi-Fiのパスは {} です
Pf7#kkL2|ID: admin / PW: {}
Pf7#kkL2|ログインID tanaka、パスワード {} で入れます
Pf7#kkL2|管理画面のパスワードを「{}」に変更しました。
gr33nTea_99|仮パスワード：{}（初回ログイン時に変更してください）
gr33nTea_99|zipのパスワードは別送します：{}
8305|キャッシュカードの暗証番号 {}
8305|玄関の暗証番号が{}に変わったよ
203948|認証コードは {} です
203948|金庫の番号は{}です
"""
#: Personal data, by class and number.
PERSONAL: dict[str, Callable[[], str]] = {
    "card 1": lambda: checked(lambda: f"4{digits(15)}", checksums.luhn),
    "card 2": lambda: checked(
        lambda: f"4{digits(3)}-{digits(4)}-{digits(4)}-{digits(4)}", checksums.luhn
    ),
    "card 3": lambda: checked(
        lambda: f"52{digits(2)} {digits(4)} {digits(4)} {digits(4)}", checksums.luhn
    ),
    "card 4": lambda: checked(lambda: f"34{digits(2)} {digits(6)} {digits(5)}", checksums.luhn),
    "card 5": lambda: checked(lambda: f"6011{digits(12)}", checksums.luhn),
    "card 6": lambda: checked(lambda: f"3530{digits(12)}", checksums.luhn),
    "card 7": lambda: checked(lambda: f"62{digits(14)}", checksums.luhn),
    "card 8": lambda: checked(
        lambda: f"4{digits(3)} {digits(4)} {digits(4)} {digits(4)}", checksums.luhn
    ),
    "card 9": lambda: checked(lambda: f"5{some('12345', 1)}{digits(14)}", checksums.luhn),
    "iban 1": lambda: checked(lambda: f"DE{digits(20)}", checksums.iban),
    "iban 2": lambda: checked(
        lambda: f"GB{digits(2)} {some(UPPER, 4)} {digits(4)} {digits(4)} {digits(4)} {digits(2)}",
        checksums.iban,
    ),
    "iban 3": lambda: checked(
        lambda: f"ES{digits(2)} {digits(4)} {digits(4)} {digits(4)} {digits(4)} {digits(4)}",
        checksums.iban,
    ),
    "iban 4": lambda: checked(lambda: f"NL{digits(2)}{some(UPPER, 4)}{digits(10)}", checksums.iban),
    "iban 5": lambda: checked(
        lambda: f"CH{digits(2)} {digits(4)} {digits(4)} {digits(4)} {digits(4)} {digits(1)}",
        checksums.iban,
    ),
    "iban 6": lambda: checked(lambda: f"IT{digits(2)}{some(UPPER, 1)}{digits(22)}", checksums.iban),
    "email 1": lambda: f"{letters(6)}+shop@{letters(5)}.com",
    "email 2": lambda: f"{letters(4)}_{letters(4)}@mail.{letters(6)}.co.jp",
    "email 3": lambda: f"{digits(9)}@qq.com",
    "email 4": lambda: f"{letters(1)}.{letters(7)}@{letters(5)}.ac.uk",
    "email 5": lambda: f"{letters(5)}@{letters(6)}.io",
    "email 6": lambda: f"{letters(5)}-{letters(4)}@{letters(6)}.de",
    "email 7": lambda: f"{letters(6)}{digits(2)}@gmail.com",
    "email 8": lambda: f"{letters(6)}@163.com",
    "email 9": lambda: f"{letters(6)}@{letters(5)}.jp",
    "phone 1": lambda: (
        f"+1 ({some('23456789', 1)}{digits(2)}) {some('23456789', 1)}{digits(2)}-{digits(4)}"
    ),
    "phone 2": lambda: f"+44 20 7{digits(3)} {digits(4)}",
    "phone 3": lambda: f"07{digits(3)} {digits(6)}",
    "phone 4": lambda: f"+4917{digits(9)}",
    "phone 5": lambda: f"0{some('67', 1)} {digits(2)} {digits(2)} {digits(2)} {digits(2)}",
    "phone 6": lambda: (
        f"{some('23456789', 1)}{digits(2)}.{some('23456789', 1)}{digits(2)}.{digits(4)}"
    ),
    "phone 7": lambda: (
        f"{some('23456789', 1)}{digits(2)}-{some('23456789', 1)}{digits(2)}-{digits(4)}"
    ),
    "phone 8": lambda: f"+91 {some('789', 1)}{digits(4)} {digits(5)}",
    "phone 9": lambda: f"+61 4{digits(2)} {digits(3)} {digits(3)}",
    "phone 10": lambda: f"13{digits(1)} {digits(4)} {digits(4)}",
    "phone 11": lambda: f"1{some('5789', 1)}{digits(9)}",
    "phone 12": lambda: f"021-{some('23456', 1)}{digits(7)}",
    "phone 13": lambda: f"+86 1{some('3578', 1)}{digits(1)} {digits(4)} {digits(4)}",
    "phone 14": lambda: f"090{digits(8)}",
    "phone 15": lambda: f"03-{some('356', 1)}{digits(3)}-{digits(4)}",
    "phone 16": lambda: f"080-{digits(4)}-{digits(4)}",
    "phone 17": lambda: f"+81 90 {digits(4)} {digits(4)}",
    "phone 18": lambda: f"010-{some('2345679', 1)}{digits(3)}-{digits(4)}",
    "national_id 1": lambda: f"1{digits(2)}-4{digits(1)}-2{digits(3)}",
    "national_id 2": lambda: checked(
        lambda: f"3{digits(1)}0203{birthday()}{digits(3)}{some('0123456789X', 1)}",
        checksums.chinese_id,
    ),
    "national_id 3": lambda: checked(
        lambda: f"{digits(4)} {digits(4)} {digits(4)}", checksums.my_number
    ),
    "national_id 4": lambda: f"{some('ABCEHJ', 2)} {digits(2)} {digits(2)} {digits(2)} A",
    "national_id 5": lambda: checked(lambda: f"{digits(8)}-{some(UPPER, 1)}", checksums.dni),
    "national_id 6": lambda: checked(
        lambda: f"{digits(3)}.{digits(3)}.{digits(3)}-{digits(2)}", checksums.cpf
    ),
    "national_id 7": lambda: checked(
        lambda: f"{some('6789', 1)}{digits(1)}0{some('123456789', 1)}{digits(7)}", checksums.pesel
    ),
    "national_id 8": lambda: checked(
        lambda: f"{digits(2)}0{some('123456789', 1)}1{digits(1)}-{some('1234', 1)}{digits(6)}",
        checksums.resident_number,
    ),
    "national_id 9": lambda: checked(
        lambda: f"{some('ABCDEF', 1)}{some('12', 1)}{digits(8)}", checksums.taiwan_id
    ),
    "national_id 10": lambda: checked(lambda: f"S{digits(7)}{some(UPPER, 1)}", checksums.nric),
    "national_id 11": lambda: checked(
        lambda: f"{some('23456789', 1)}{digits(3)} {digits(4)} {digits(4)}", checksums.verhoeff
    ),
}
PERSONAL_TEXTS = """\
card 1|card_number={}&exp=0928
card 2|pls use my visa {} exp 09/28
card 3|Caller gave MasterCard {}, zip 94110
card 4|Corporate Amex ({}) expires in May.
card 5|{{"pan":"{}","brand":"discover"}}
card 6|JCBカード {} で決済済み
card 7|工资卡卡号{}，开户行浦东支行
card 8|クレジットカード番号：{}、有効期限は来年3月
card 9|绑定的信用卡{}已过期
iban 1|Bitte auf {} überweisen
iban 2|pay me back here: {} cheers
iban 3|Invoice 77, IBAN: {}, BIC CAIXESBB
iban 4|iban,amount\\n{},120.00
iban 5|请把定金汇到{}
iban 6|送金先口座：{}
email 1|ping me on {} when its done
email 2|ご連絡は{}へ
email 3|加我邮箱{}就行
email 4|From: J. Doe <{}>\\nSubject: minutes
email 5|mailto:{}?subject=hello
email 6|name,mail\\nBauer,{}
email 7|Customer says her new address is {}.
email 8|发票发到 {}（不是公司的）
email 9|請求書は経理（{}）宛に
phone 1|whatsapp me {}
phone 2|Office line {}
phone 3|my mobile's {} if you get lost
phone 4|tel:{}
phone 5|Appelez-moi au {} ce soir
phone 6|Plumber Joe {} (cheap)
phone 7|Callback number: {}
phone 8|Reach Priya on {}
phone 9|Mum (Sydney): {}
phone 10|微信同号 {}
phone 11|快递员电话{}，下午到
phone 12|单位座机{}转801
phone 13|联系人张伟 {}
phone 14|折り返しは{}まで
phone 15|本社の代表電話は{}です
phone 16|妻の携帯 {}
phone 17|海外からは{}へかけてください
phone 18|Kim's phone is {}
national_id 1|ssn: {}
national_id 1|W-2 for Ann Lee {} wages 61,200
national_id 2|实名认证：李雷 {}
national_id 2|订票要身份证，我的是{}
national_id 3|年末調整用のマイナンバー：{}
national_id 4|NI number {} for payroll
national_id 5|DNI del inquilino {}
national_id 6|Nota fiscal no CPF {}
national_id 7|PESEL pacjenta: {}
national_id 8|주민번호 {} 확인
national_id 9|承租人身分證 {}
national_id 10|Guest NRIC {} checked in
national_id 11|aadhaar no. {}
"""
_ALL = 200


def second_planted() -> list[Planted]:
    """Return 200 texts that hold one thing each."""
    return [*islice(chain(_planted(), _planted()), _ALL)]


def _planted() -> Iterator[Planted]:
    for line in f"{KEY_TEXTS}{SAID_TEXTS}{PERSONAL_TEXTS}".splitlines():
        name, text = line.split("|", 1)
        make = KEYS.get(name) or PERSONAL.get(name)
        value = make() if make else name
        class_ = name.split()[0] if name in PERSONAL else "secret"
        yield Planted(text.replace("\\n", "\n").format(value), class_, value)


def second_innocent() -> list[str]:
    """Return 200 texts that hold nothing, though many look as if they did."""
    return [*SECOND_INNOCENT[:_ALL]]


SECOND_INNOCENT = """\
lol i forgot my pw AGAIN
can u reset my password pls
ok password reset mail came, thx
what's the wifi password here?
do you know the wifi password?
the wifi password? ask at the front desk
my password hint is my first dog
she writes all her passwords in a notebook
never reuse passwords
he picked a terrible password
password too short, try again
Password must contain a digit
Password: ********
Passwort vergessen?
Das Passwort ist abgelaufen.
Mot de passe oublié
La contraseña es demasiado corta
pass me the salt
boarding pass is in my mail
she passed out at the gym
passport control took forever
Passport photos cost 12 euros
The pass over the mountain is closed until May
user: hi, assistant: hello
User: admin logged in at 09:14
admin / guest are the two roles
login failed for user root from 10.0.0.7
username: mbauer
u: how are you p: fine
key takeaways: ship less, listen more
Key: A minor, 120 bpm
piano keys need cleaning
the key argument is cost
primary key: order_id
foreign key (customer_id) references customers(id)
sort_key = "created_at"
cache key is built from path and locale
api key rotation is planned for Q3
where do I find my API key?
the api key goes into the header
Set OPENAI_API_KEY in your shell first
OPENAI_API_KEY=
OPENAI_API_KEY=sk-...
ANTHROPIC_API_KEY=${ANTHROPIC_API_KEY}
api_key = os.environ["API_KEY"]
api_key: str | None = None
token = get_token(user)
max_tokens=4096
token_count: 118233
The context has 200000 tokens
tokens per second: 41.7
next_page_token: null
secret santa is on the 14th
Victoria's Secret has a sale
top secret: we throw Ann a party
secrets management is on the roadmap
kubectl get secrets -n prod
The Secret Garden by F. H. Burnett
credentials were rotated on Monday
bring your credentials to the entrance
PIN entry failed three times
pin this message please
she collects enamel pins
pin 4 is ground, pin 6 is data
the code is 200 lines long
code review took 3 hours
error code: ECONNREFUSED
exit code 137 means out of memory
promo code for everybody: none this month
dress code: black tie
country code for Japan is +81
area code 415 is San Francisco
zip code 94110
postal code: 10115 Berlin
bar code scanner is broken
Code of conduct, section 12
safe and sound at home
the safe is open on weekdays
combination of rice and beans
gate 42, seat 17A
alarm at 06:45 every weekday
lock the door when you leave
call me maybe
call volume 1200 per day
text me later
phone died, 2% left
The phone number is on the website
my phone bill was 45.90
telephone game at the party
fax machines are from 1843
mobile first design
whatsapp group has 214 members
mail me the slides
e-mail is overrated
@ann can you look at this
reply @ 3pm
meet @ the station
git commit -m "fix #1234567"
npm install left-pad@1.3.0
pip install requests==2.32.3
python:3.12-slim@sha256
docker run -p 8080:80 nginx
curl -u "$USER:$PASS" https://example.org
ssh deploy@bastion
scp notes.txt ann@host:/tmp
https://example.com/a/b/c?id=123456789&lang=de
https://user@example.com/path
s3://bucket/key/with/slashes
postgres://localhost:5432/app
redis://localhost:6379/0
127.0.0.1:8000
fe80::1ff:fe23:4567:890a
00:1A:2B:3C:4D:5E
550e8400-e29b-41d4-a716-446655440000
request id 550e8400e29b41d4a716446655440000 timed out
sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
commit 9fceb02d0ae598e95dc970b74767f19372d61af8
etag "33a64df551425fcc55e4d42a148795d9f25f89d4"
ISBN 9780262033848
DOI 10.1145/3292500.3330701
arXiv:2606.24322
EAN 4006381333931
tracking number 1Z999AA10123456784
order 114-3941689-8772232
invoice no. 2026-000417
PO 4500018822
ticket INC0012345 closed
case number 20-cv-01234
flight BA2490, booking ref K3X9PQ
train ICE 1023, coach 7, seat 61
license plate B-AN 4711
VIN 1HGCM82633A004352
serial C02XL0GTJGH5
part no. 90915-YZZD3
model iPhone17,2
build 24A335
version 10.15.7.19H2026
px 1920x1080, 60 Hz
lat 35.6586 lon 139.7454
2026-11-25T14:03:22.118Z
1764079402
1764079402118
09:00-17:30 Mon-Fri
10/12/2026 - 14/12/2026
3.141592653589793
6.02214076e23
1,234,567,890 views
$12,345.67 due
EUR 1.234.567,89
0800 to 1630 hours
population 37,393,000
score 21-19, 18-21, 21-17
room 2.14.07
chapter 3.2.1, pages 120-145
the year 2020-2021 was odd
a 16 digit number is long
sum of digits must be divisible by ten
IBAN stands for International Bank Account Number
our bank is in Frankfurt
card games on Friday
card declined, try another
Visa application takes 10 days
social security is a big topic
SSN is not required
id: 1234567890
ID 42
employee id 00017
student number 3141592
passport is valid until 2031
tax return is due in July
tax id will be sent by mail
insurance number: see letter
blood pressure 120/80, pulse 64
HbA1c 5.6 %, LDL 98 mg/dl
37.2 degrees, 98 % oxygen
密码又忘了，烦死
wifi密码多少？
这里的wifi密码是什么
密码错误，请重试
密码已重置
密码不能少于八位
密码太简单
支付密码要六位数字
门禁密码每周更换
验证码没收到
验证码一分钟后过期
口令红包抢到了8.88元
关键词：记忆、检索
关键是要早睡
token数超了
每次调用大约4000个token
密钥轮换安排在三季度
账号被锁了
手机没电了
电话打不通
邮箱地址在官网
身份证忘带了
身份证快过期了
卡号不用填
订单号：8829104417
快递单号 YT8829104417223
会议号 882 910 441
房间号1203
2026年11月25日 14:03
价格是12999元
人口约2489万
パスワード忘れた
Wi-Fiのパスワード教えて
パスワードは何ですか
パスワードが違います
パスワードを変更してください
パスワードの有効期限は90日です
暗証番号を忘れた
暗証番号は4桁です
認証コードが届かない
キーボードを買った
キーワードは三つ
鍵をなくした
トークンの上限は8192です
シークレットモードで開く
電話に出られません
携帯の電池が切れた
メールを送りました
カードは使えません
マイナンバーカードを申請した
注文番号 250-1234567-8901234
追跡番号 4123-5678-9012
会議ID 882 9104 4172
郵便番号 100-0001
部屋は1203号室
2026年11月25日(水)
価格は12,800円(税込)
体温は36.5度
""".splitlines()

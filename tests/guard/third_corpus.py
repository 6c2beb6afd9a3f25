"""A third corpus for the guard: what a memory of a person says, forty of each language.

It was written before any rule was read, by another hand than the first two. Each line of what is
planted names a class and marks the thing by ⟦ ⟧; what needs a check digit is made from a fixed
seed. What the rules found at first, and what they find since, stands in docs/privacy.md.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Iterator

from corpus import ALNUM, HEX, URL_SAFE, Planted, birthday, checked, digits, jwt, letters, some

from longterm.guard import checksums

UPPER = string.ascii_uppercase
WIDE = str.maketrans(string.digits, "".join(chr(ord(digit) + 0xFEE0) for digit in string.digits))


def _card(start: str, length: int = 16) -> str:
    return checked(lambda: f"{start}{digits(length - len(start))}", checksums.luhn)


def _by_four(number: str, mark: str = " ") -> str:
    return mark.join(number[at : at + 4] for at in range(0, len(number), 4))


def _iban(country: str, account: str) -> str:
    rest = int("".join(str(int(one, 36)) for one in f"{account}{country}00")) % 97
    return f"{country}{98 - rest:02}{account}"


#: What stands in braces below.
MADE: dict[str, Callable[[], str]] = {
    "openai": lambda: f"sk-proj-{some(URL_SAFE, 70)}T3BlbkFJ{some(URL_SAFE, 70)}",
    "anthropic": lambda: f"sk-ant-api03-{some(URL_SAFE, 93)}AA",
    "github": lambda: f"ghp_{some(ALNUM, 36)}",
    "github fine": lambda: f"github_pat_{some(ALNUM, 22)}_{some(ALNUM, 59)}",
    "aws": lambda: f"AKIA{some(UPPER + '234567', 16)}",
    "aws secret": lambda: some(ALNUM + "/+", 40),
    "google": lambda: f"AIza{some(URL_SAFE, 35)}",
    "slack": lambda: f"xoxb-{digits(12)}-{digits(13)}-{some(ALNUM, 24)}",
    "stripe": lambda: f"sk_live_{some(ALNUM, 24)}",
    "hugging": lambda: f"hf_{some(string.ascii_letters, 34)}",
    "telegram": lambda: f"{digits(10)}:AA{some(URL_SAFE, 33)}",
    "npm": lambda: f"npm_{some(ALNUM, 36)}",
    "sendgrid": lambda: f"SG.{some(URL_SAFE, 22)}.{some(URL_SAFE, 43)}",
    "gitlab": lambda: f"glpat-{some(URL_SAFE, 20)}",
    "jwt": jwt,
    "hex": lambda: some(HEX, 32),
    "visa": lambda: _by_four(_card("4")),
    "visa dashed": lambda: _by_four(_card("4"), "-"),
    "master": lambda: _card("53"),
    "amex": lambda: re.sub(r"(.{4})(.{6})(.{5})", r"\1 \2 \3", _card("37", 15)),
    "jcb": lambda: _by_four(_card("3541")),
    "union": lambda: _by_four(_card("6222")),
    "union plain": lambda: _card("6217"),
    "visa wide": lambda: _by_four(_card("4"), "-").translate(WIDE),
    "iban de": lambda: _by_four(_iban("DE", digits(18))),
    "iban gb": lambda: _iban("GB", f"{some(UPPER, 4)}{digits(14)}"),
    "iban fr": lambda: _by_four(_iban("FR", digits(23))),
    "iban nl": lambda: _iban("NL", f"{some(UPPER, 4)}{digits(10)}"),
    "ssn": lambda: f"{some('123456', 1)}{digits(1)}7-5{digits(1)}-{some('123456789', 4)}",
    "nhs": lambda: re.sub(
        r"(.{3})(.{3})(.{4})", r"\1 \2 \3", checked(lambda: f"4{digits(9)}", checksums.nhs_number)
    ),
    "dni": lambda: checked(lambda: f"{digits(8)}{some(UPPER, 1)}", checksums.dni),
    "steuer": lambda: checked(lambda: f"{some('123456789', 1)}{digits(10)}", checksums.steuer_id),
    "pesel": lambda: checked(lambda: f"{birthday()[2:]}{digits(5)}", checksums.pesel),
    "cpf": lambda: re.sub(
        r"(.{3})(.{3})(.{3})(.{2})", r"\1.\2.\3-\4", checked(lambda: digits(11), checksums.cpf)
    ),
    "chinese": lambda: checked(
        lambda: f"320106{birthday()}{digits(3)}{some(string.digits + 'X', 1)}",
        checksums.chinese_id,
    ),
    "my number": lambda: checked(lambda: digits(12), checksums.my_number),
    "my number by four": lambda: _by_four(checked(lambda: digits(12), checksums.my_number)),
    "taiwan": lambda: checked(lambda: f"F1{digits(8)}", checksums.taiwan_id),
    "hong kong": lambda: re.sub(
        r"(.)$", r"(\1)", checked(lambda: f"K{digits(7)}", checksums.hong_kong_id)
    ),
    "name": lambda: letters(7),
}

PLANTED = """\
secret The user's Wi-Fi password at home is ⟦Otters-by-the-Weir7⟧.
secret Ann mentioned that her laptop password is ⟦mothbound_41Lamp⟧ and that she should change it.
secret User shared their OpenAI API key: ⟦{openai}⟧
secret The Anthropic key Ben uses for the side project is ⟦{anthropic}⟧.
secret Carla's GitHub token for the docs bot is ⟦{github}⟧, valid until March.
secret Works with a fine-grained token, ⟦{github fine}⟧, in her CI.
secret Has an AWS access key ⟦{aws}⟧ for the backups.
secret The matching AWS secret access key is ⟦{aws secret}⟧.
secret Dan's alarm code is ⟦7731⟧; the neighbour knows it, too.
secret The PIN of her bank card is ⟦4096⟧.
secret The user logs in to the staging database with postgres://ann:⟦hErbGarden88⟧@db.internal:5432/app
secret The admin account on the NAS is "admin" with the password "⟦Gravel!Path29⟧".
secret Their router can be reached with admin / password ⟦quietHarbor#5⟧
secret Google Maps key of the shop site: ⟦{google}⟧
secret The Slack bot of the team posts with ⟦{slack}⟧.
secret The passcode for his phone is ⟦580213⟧.
secret She uses ⟦Pebble.Kite_62⟧ as her password for the library's website.
secret He keeps the payments key ⟦{stripe}⟧ in his notes.
secret Her session token was ⟦{jwt}⟧ when the bug appeared.
card Ed pays for flights with his Visa ⟦{visa}⟧.
card The corporate card is an Amex, number ⟦{amex}⟧, expiring 08/29.
card Her new Mastercard number is ⟦{master}⟧.
card Subscription is billed to ⟦{visa dashed}⟧ on the 3rd of each month.
iban Rent goes to ⟦{iban de}⟧ (landlord Hauser).
iban Fay's British account is ⟦{iban gb}⟧.
iban Salary arrives on IBAN ⟦{iban fr}⟧ since October.
email Prefers to be written to at ⟦gus.{name}@quillmail.net⟧.
email Her work address is ⟦h.okafor+travel@northpier.co.uk⟧, the private one she does not share.
email Support contact of the user's insurer: ⟦claims_desk@harborlife-insurance.org⟧
phone His mobile number is ⟦+44 7700 900318⟧.
phone Ida can be reached at ⟦(415) 555-0186⟧ after six.
phone The plumber's number is ⟦0171 5550142⟧.
phone Mother's phone: ⟦+49 30 5550 1877⟧, ring twice.
phone Call the school at ⟦202-555-0173⟧ if the bus is late.
national_id Jo's social security number is ⟦{ssn}⟧.
national_id NHS number ⟦{nhs}⟧, registered with the practice in Leeds.
national_id Her Spanish DNI is ⟦{dni}⟧.
national_id Steuer-ID ⟦{steuer}⟧ is needed for the new employer.
national_id The user's PESEL is ⟦{pesel}⟧.
national_id CPF of his wife: ⟦{cpf}⟧
secret 用户家里的 Wi-Fi 密码是 ⟦Maple_river58⟧。
secret 小王的登录密码：⟦xiaowang@Lake77⟧，让我下次提醒他改。
secret 用户的 OpenAI 密钥是⟦{openai}⟧，用于翻译脚本。
secret 公司 GitHub 令牌 ⟦{github}⟧ 明年一月到期
secret 他的银行卡密码是⟦639204⟧，只告诉过我。
secret 门禁密码为⟦4471⟧，周末不变。
secret 服务器的 root 口令是“⟦Bamboo#Rain31⟧”。
secret 阿里云访问密钥的 Secret 为 ⟦{hex}⟧
secret 数据库连接用 mysql://root:⟦Tang9Song8⟧@10.0.0.8/shop
secret 手机解锁密码⟦258036⟧
secret 路由器后台账号 admin，密码 ⟦Dianxin-2213⟧
secret 用户把 Hugging Face 的 token ⟦{hugging}⟧ 写在了笔记里。
secret 她的邮箱密码改成了⟦QingMing0405!⟧。
secret 机器人的 Telegram token 是 ⟦{telegram}⟧
secret 验证码是⟦604817⟧，五分钟内有效。
card 用户用招商银行的信用卡⟦{visa}⟧付款。
card 工资卡卡号：⟦{union}⟧
card 她的银联卡号是⟦{union plain}⟧，开户行在南京。
card 订酒店时用的是⟦{master}⟧这张卡。
iban 德国房东的账户是 ⟦{iban de}⟧。
iban 给荷兰供应商汇款的 IBAN：⟦{iban nl}⟧
email 联系邮箱是⟦zhao.{name}@yunshan-tech.cn⟧。
email 发票请寄到⟦caiwu2@lanting.com.cn⟧，抄送老板。
email 用户常用的邮箱：⟦lin_yu88@163.com⟧
phone 他的手机号是⟦13905170264⟧。
phone 小李的电话：⟦186 2255 0147⟧，晚上九点以后再打
phone 办公室座机 ⟦025-83550196⟧，分机 12。
phone 妈妈的手机⟦+86 137 7055 0128⟧
phone 紧急联系人是她哥哥，⟦15251870093⟧
phone 客服热线为⟦0755-26550138⟧。
phone 香港的办公室电话是⟦+852 2555 0164⟧。
national_id 用户的身份证号是⟦{chinese}⟧。
national_id 身份证：⟦{chinese}⟧，有效期到2031年
national_id 她丈夫的身份证号码为 ⟦{chinese}⟧
national_id 台湾的身分證字號是⟦{taiwan}⟧。
national_id 香港身份證號碼⟦{hong kong}⟧
national_id 办签证时登记的证件号⟦{chinese}⟧
secret 暗号是⟦fox-Under-Pines3⟧，这是保险柜的密码。
secret 部署用的 GitLab 令牌：⟦{gitlab}⟧
secret VPN 的预共享密钥是 ⟦Jinling&Gate620⟧
secret 自宅の Wi-Fi のパスワードは ⟦Sazanami_7moon⟧ です。
secret ユーザーの OpenAI の API キーは⟦{openai}⟧。
secret 田中さんのログインパスワード：⟦tanaka#Kawa19⟧
secret キャッシュカードの暗証番号は⟦8352⟧。
secret GitHub のトークン ⟦{github}⟧ を使っている。
secret サーバーの管理者パスワードは「⟦Hotaru-Bridge44⟧」。
secret スマホのロック解除コードは⟦291746⟧だと話していた。
secret AWS のアクセスキーは ⟦{aws}⟧、東京リージョン用。
secret 社内 DB は postgres://kato:⟦Umi2Yama5⟧@db.local/uriage で接続する。
secret 玄関の暗証番号：⟦5190⟧
secret メールのパスワードを⟦Yuzu.Pepper83⟧に変えた。
secret 合言葉ではなくパスワードで、⟦kitsune-Lamp22⟧ と入力する。
secret npm に公開するときのトークンは⟦{npm}⟧
secret SendGrid の鍵は ⟦{sendgrid}⟧ で、月末に交換する。
secret 金庫の番号は⟦36-08-51⟧、母だけが知っている。
secret 認証コードは⟦731905⟧です。
secret 秘密鍵の代わりに共有シークレット ⟦{hex}⟧ を使う。
card 支払いは Visa の⟦{visa}⟧。
card クレジットカード番号は⟦{jcb}⟧、名義は本人。
card 出張の精算には⟦{master}⟧のカードを使う。
card カード番号：⟦{visa wide}⟧（有効期限は来年の五月）
iban ベルリンの家賃の振込先は⟦{iban de}⟧です。
iban フランスの口座（⟦{iban fr}⟧）に毎月送金している。
email 連絡先のメールは⟦m.{name}@aozora-koubou.jp⟧です。
email 請求書は⟦keiri@minato-sekkei.co.jp⟧宛てに送る。
email 娘のアドレスは⟦hana_2011@sakura-mail.ne.jp⟧
phone 携帯番号は⟦090-5551-0278⟧です。
phone 父の電話：⟦080 5550 1934⟧、夜は出ない
phone 会社の代表番号は⟦03-5550-0147⟧。
phone 美容院の電話番号は⟦0798-55-0163⟧、予約は火曜以外。
phone 海外からは⟦+81 90 5550 2216⟧にかける。
phone 保育園は⟦（045）555-0182⟧に電話する。
phone 緊急連絡先は妹の⟦07055501873⟧。
secret 母のタブレットのパスコードは⟦774209⟧。
card 楽天カードは⟦{visa dashed}⟧で登録した。
national_id マイナンバーは⟦{my number}⟧。
national_id 妻のマイナンバー：⟦{my number by four}⟧
national_id 個人番号⟦{my number}⟧を年末調整で会社に出した。
national_id 中国の身分証番号は⟦{chinese}⟧です。
national_id 夫の個人番号は ⟦{my number}⟧ と控えてある。
"""

INNOCENT = """\
The user prefers long passphrases to short passwords.
Ann changed her Wi-Fi password last week and forgot the new one twice.
Ben keeps his passwords in a manager called Vaultline.
Her bank card's PIN has four digits, which she finds too short.
Carla lost her front door key on the way to Leeds.
The key to her sourdough is patience: 24 hours at 4 degrees.
Dan ran the marathon in 3:41:07, his best since 2019.
The order number is 4500012345678901, still on its way.
Flight LH 1847 leaves at 07:25 from gate B22.
Ed was born on 14 June 1984 in Porto.
Her Raspberry Pi has the address 192.168.178.42.
The team moved from version 2.11.4 to 3.0.0-rc1.
Reads about tokens: GPT counts about 1,300 of them for 1,000 words.
The commit that broke the build was 3f9d2c1b7a60e58d4c1f2b9a8e7d6c5b4a392817.
The user's favourite film is "Password to Larkspur Lane".
She pays about 1 250.00 euros of rent on the first.
Fay's library opens from 9-12 and 14-18 on weekdays.
The trip from 2026-03-14 to 2026-03-29 costs 4 120 pounds.
Her book's ISBN is 978-3-16-148410-0.
The parcel's tracking number is RR473124829DE.
Gus weighs 82.5 kg at 1.84 m and wants to lose 5 kg.
Hana follows @quietgarden and @northpier on Mastodon.
Ida's cottage lies at 54.2310, -3.1874.
The meeting ID is 842 5510 7763, every Tuesday at ten.
The public key's fingerprint is SHA256:uNiVztksCsDhcc0u9e8BgrJXVGDa1Jp7B3bGyQk2h1I.
She studies for the secret ballot referendum of 2027.
Jo works on a paper on password strength meters with two students.
Their budget was 350000000 dollars over 12 years.
The invoice 2026-00417 is for 1,284.50 dollars.
User asked how to rotate API keys without downtime.
He prefers `$OPENAI_API_KEY` in the environment to a file.
The placeholder in the docs is <your-api-key>, which confused her.
Kim's licence plate starts with LE.
The room is 4.20 by 3.75 by 2.60 metres.
Her grandfather was in regiment 7731 in 1944.
His score was 580213 points on level 12.
Bus 0171 stops in front of the school.
The user's ticket to the museum is number 20260714-0032.
Prime numbers like 104729 and 1299709 please him.
She forgot the password hint and had to answer a question about her first pet.
用户觉得短密码不安全，喜欢用密码管理器。
小王上周换了 Wi-Fi 密码，之后忘了两次。
他的身份证下个月到期，要去派出所换新的。
用户的手机是去年买的，电池已经不行了。
她的银行卡丢了，已经挂失。
用户出生于1984年6月14日。
航班 MU5138 早上七点二十五分起飞。
订单号是 202611260004718，还在路上。
南京到上海的高铁要 1 小时 12 分。
他跑马拉松用了 3 小时 41 分 07 秒。
用户的树莓派地址是 192.168.1.42。
版本从 2.11.4 升到 3.0.0。
她每月房租 4800 元，物业费 320 元。
打包要在 2026-03-14 之前完成。
用户想学怎样轮换 API 密钥。
这本书的 ISBN 是 978-7-02-000220-7。
快递单号 SF1357924680135 已经签收。
他在看一部叫《密码本》的电视剧。
用户住在南京市鼓楼区，邮编 210009。
她的体重是 56.5 公斤，身高 1.66 米。
会议号 842 5510 7763，每周二十点。
项目预算是 350000000 元，分十二年。
公司去年的利润是 13905170 元。
小李关注了 @quietgarden 的账号。
门牌号是 1203，楼下有便利店。
用户认为成功的关键是坚持。
他把钥匙放在门口的地毯下面。
验证码总是收不到，她很烦。
公积金比例是 12%，基数 25000。
统一在每天 9:00-18:00 上班。
车牌是苏A开头的。
她养了两只猫，一只三岁，一只五岁。
令牌环网络是他的毕业论文题目。
电话会议改到了星期四下午。
邮箱满了，她删掉了 3000 封邮件。
用户在考虑要不要换银行卡。
圆周率他能背到 3.14159265358979。
文件的 MD5 是 9e107d9d372bb6826bd81d3542a419d6。
温度从 -12 度升到 25 度。
学号是 20231104，班里第一名。
ユーザーは長いパスフレーズの方が好きだ。
先週 Wi-Fi のパスワードを変えて、二回忘れた。
パスワードは管理ソフトに入れている。
暗証番号が四桁なのは短すぎると思っている。
玄関の鍵をリーズに行く途中でなくした。
マイナンバーカードを来月受け取りに行く。
生年月日は1984年6月14日。
フライトは NH 847 便、七時二十五分発。
注文番号は 4500-0123-9981 で、まだ届かない。
マラソンは 3 時間 41 分 07 秒だった。
ラズパイのアドレスは 192.168.0.42。
バージョンを 2.11.4 から 3.0.0 に上げた。
家賃は月 98,000 円、管理費は 5,000 円。
旅行は 2026-03-14 から 2026-03-29 まで。
API キーの更新方法を知りたがっている。
本の ISBN は 978-4-10-101003-5。
荷物の追跡番号は 4731-2482-9150。
好きな小説は「暗号解読者の娘」。
郵便番号は 662-0918、西宮市に住んでいる。
体重は 56.5 キロ、身長は 166 センチ。
会議 ID は 842 5510 7763、毎週火曜の十時。
予算は 350000000 円で十二年分。
売上は 9055510278 円だった。
部屋番号は 1203、下にコンビニがある。
成功の鍵は続けることだと思っている。
認証コードが届かなくて困っていた。
営業時間は 9:00-18:00、日曜は休み。
車のナンバーは神戸で始まる。
猫を二匹飼っている。三歳と五歳。
トークンリングが卒論の題目だった。
電話会議は木曜の午後に変わった。
メールを 3000 通消した。
クレジットカードを作るか迷っている。
円周率を 3.14159265358979 まで言える。
ファイルの MD5 は 9e107d9d372bb6826bd81d3542a419d6。
気温は -12 度から 25 度まで上がった。
学籍番号は 20231104、成績は一番。
最高得点は 580213 点、レベル 12。
座席は 12 号車の 7 番 D 席。
公開鍵の指紋を電話で確かめた。
"""


def third_planted() -> list[Planted]:
    return [*_planted()]


def _planted() -> Iterator[Planted]:
    for line in PLANTED.splitlines():
        class_, text = line.split(" ", 1)
        filled = re.sub(r"\{([^}]+)\}", lambda found: MADE[found[1]](), text)
        before, value, after = re.split("[⟦⟧]", filled)
        yield Planted(f"{before}{value}{after}", class_, value)


def third_innocent() -> list[str]:
    return [*INNOCENT.splitlines()]

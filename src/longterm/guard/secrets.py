r"""Secrets in a text: keys of providers by their form, and passwords that are said as such. Pure.

Words are bounded by look-arounds for ASCII letters, for ``\b`` sees no boundary between a
Chinese or Japanese word and the key that stands beside it.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator
from itertools import groupby

from longterm.guard.rule import Match

__all__ = ["may_hold_secrets", "names_a_secret", "secrets"]

#: What keys look like, after what their providers publish (and secret scanners agree on).
_KEYS = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    r"sk-(?:ant|proj|svcacct|admin|or-v1|lf)-[A-Za-z0-9_-]{16,}|sk-[A-Za-z0-9]{20,}"  # OpenAI, …
    r"|(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{10,}|whsec_[A-Za-z0-9+/=]{24,}"  # Stripe
    r"|(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}"  # AWS
    r"|gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{22,}"
    r"|gl(?:pat|ptt|dt|rt|cbt|ft|soat|agent)-[A-Za-z0-9_.-]{20,}"  # GitLab
    r"|xox[abceoprs](?:\.[a-z]+)?-[A-Za-z0-9-]{10,}|xapp-[0-9]-[A-Za-z0-9-]{10,}"  # Slack
    r"|AIza[A-Za-z0-9_-]{35}|ya29\.[A-Za-z0-9_-]{20,}|GOCSPX-[A-Za-z0-9_-]{20,}"  # Google
    r"|SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{20,}|SK[0-9a-f]{32}"  # SendGrid, Twilio
    r"|npm_[A-Za-z0-9]{36}|pypi-[A-Za-z0-9_-]{50,}|rubygems_[a-f0-9]{40,}"
    r"|hf_[A-Za-z0-9]{30,}|r8_[A-Za-z0-9]{30,}|gsk_[A-Za-z0-9]{40,}|xai-[A-Za-z0-9]{40,}"
    r"|pplx-[A-Za-z0-9]{40,}|fw_[A-Za-z0-9]{20,}|nvapi-[A-Za-z0-9_-]{40,}|jina_[A-Za-z0-9_-]{40,}"
    r"|tvly-[A-Za-z0-9_-]{20,}|lsv2_(?:pt|sk)_[a-f0-9_]{30,}|m0-[A-Za-z0-9]{30,}"
    r"|do[opr]_v1_[a-f0-9]{40,}|dapi[0-9a-f]{32}|key-[0-9a-f]{32}|lin_(?:api"
    r"|oauth)_[A-Za-z0-9]{30,}"
    r"|secret_[A-Za-z0-9]{40,}|ntn_[A-Za-z0-9]{40,}|shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}"
    r"|sq0(?:atp|csp|idp)-[A-Za-z0-9_-]{22,}|EAAA[A-Za-z0-9_-]{56,}"
    r"|PMAK-[A-Za-z0-9-]{40,}|NRAK-[A-Z0-9]{20,}|glsa_[A-Za-z0-9_]{32,}"
    r"|sntry[su]_[A-Za-z0-9+/=_]{40,}"
    r"|hv[sbr]\.[A-Za-z0-9_-]{20,}|tskey-[a-z]+-[A-Za-z0-9-]{20,}|pat[A-Za-z0-9]{14}\.[a-f0-9]{40,}"
    r"|dp\.(?:pt|st|ct|sa)\.[A-Za-z0-9]{36,}|ops_eyJ[A-Za-z0-9+/=_-]{40,}|vercel_[A-Za-z0-9]{20,}"
    r"|[0-9]{8,10}:AA[A-Za-z0-9_-]{30,}"  # Telegram
    r"|[MNO][A-Za-z0-9_-]{23,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,40}"  # Discord
    r"|AGE-SECRET-KEY-1[A-Z0-9]{58}"
    r"|figd_[A-Za-z0-9_-]{30,}|dckr_[a-z]{3}_[A-Za-z0-9_-]{20,}"
    r"|pscale_[a-z]{2,5}_[A-Za-z0-9_.-]{30,}"
    r"|re_[A-Za-z0-9]{6,}_[A-Za-z0-9]{20,}|pat-[a-z]{2}[0-9]-[a-f0-9-]{30,}|HRKU-[A-Za-z0-9_-]{30,}"
    r"|[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_-]{50,}|AT[AC]TT3[A-Za-z0-9_=-]{60,}|sbp_[a-f0-9]{40}"
    r"|[0-9a-f]{32}-us[0-9]{1,2}|xkeysib-[a-f0-9]{40,}|sk_[0-9a-f]{40,}|pcsk_[A-Za-z0-9_]{40,}"
    r"|glc_[A-Za-z0-9+/=]{30,}|LTAI[A-Za-z0-9]{16,24}|AKID[A-Za-z0-9]{32}|fm2_[A-Za-z0-9+/=]{40,}"
    r")(?![A-Za-z0-9])"
)
#: What most new ones look like: a word, then a long stretch of all sorts of letters and digits.
_PREFIXED = re.compile(
    r"(?<![A-Za-z0-9/_.-])[a-z]{2,12}(?:[_-][a-z0-9]{1,8}){0,2}[_-]"
    r"(?=[A-Za-z]*[0-9])(?=[a-z0-9]*[A-Z])(?=[A-Z0-9]*[a-z])[A-Za-z0-9]{30,}(?![A-Za-z0-9./-])"
)
#: Amazon's secret keys have no form of their own.
_AWS_SECRET = re.compile(
    r"(?<![A-Za-z0-9/+=])(?=[A-Za-z/+]*[0-9])(?=[a-z0-9/+]*[A-Z])(?=[A-Z0-9/+]*[a-z])[A-Za-z0-9/+]{40}"
    r"(?![A-Za-z0-9/+=])"
)
_BESIDE_AWS = re.compile(r"aws|amazon|secret", re.IGNORECASE)
_JWT = re.compile(
    r"(?<![A-Za-z0-9_-])(eyJ[A-Za-z0-9_-]{6,})\.[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*){1,3}"
)
_PRIVATE_KEY = re.compile(
    r"-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END [A-Z0-9 ]+-----|\Z)"
    r"|PuTTY-User-Key-File-[0-9]:.*?(?:Private-MAC: *[0-9a-f]+|\Z)",
    re.DOTALL,
)
_IN_URLS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{1,20}://[^\s:/@]{0,100}:(?P<value>[^\s/@]{3,200})@")
_WEBHOOK = re.compile(
    r"hooks\.slack\.com/(?:services|workflows)/(?P<value>[A-Za-z0-9/_]{20,})"
    r"|discord(?:app)?\.com/api/webhooks/[0-9]+/(?P<value2>[A-Za-z0-9_-]{30,})"
)
#: Passwords in commands, in the codes that phones scan, and in attributes of XML.
_COMMANDS = re.compile(
    r"(?:mysql\w*|mariadb|sshpass|docker login|twine|redis-cli|smbclient|psql|plink)[^\n]{0,80}?"
    r"\s(?:-p|--pass(?:word)?[= ]|-a |-pw )\s?['\"]?(?P<value>[^\s'\"]{3,200})"
    r"|(?:curl|wget|https?)[^\n]{0,80}?\s(?:-u"
    r"|--user)[ =]?['\"]?[^\s:'\"]{1,60}:(?P<value2>[^\s'\"]{3,200})"
    r"|WIFI:[^\n]{0,80}?P:(?P<value3>[^;\n]{3,100})"
    r"|(?:key|name|id)=\"[^\"]{0,60}(?:password|secret|token"
    r"|api_?key)\"\s+value=\"(?P<value4>[^\"]{3,200})\"",
    re.IGNORECASE,
)
#: A name in configuration that ends like that of a secret, and a value that looks random.
_CONFIGURED = re.compile(
    r"(?<![A-Za-z0-9])(?:[A-Za-z0-9]{1,30}[_.-]){0,6}?(?:token|secret|key|pat|pass|pwd|pw)[\"']?"
    r"\s{0,3}[:=]\s{0,3}[\"']?(?P<value>(?=[^\s\"']{0,200}[0-9])(?=[^\s\"']{0,200}[A-Za-z])"
    r"[A-Za-z0-9_+/=.-]{16,200})",
    re.IGNORECASE,
)
_HEADER = re.compile(
    r"(?<![A-Za-z])(?:bearer|basic|token) +(?P<value>[A-Za-z0-9._~+/-]{20,}={0,2})", re.IGNORECASE
)

_QUOTES = "\"'`\u2018\u2019\u201c\u201d\u300c\u300d\u300e\u300f"
_NAMED = (
    r"passwords?|passwd|pwd|pass[ -]?(?:code|phrase|wort)|passwort|kennwort"
    r"|contrase\u00f1a|mot de passe|senha"
    r"|(?:secret|private|api|access|auth|account|signing|encryption|license|client|shared|master"
    r"|webhook|consumer|personal access|wpa[23]?|wi-?fi|network|product|activation)"
    r"[ _-]?(?:access[ _-]?)?(?:keys?|tokens?|secrets?)|(?:bot|session|refresh|bearer)[ _-]?tokens?"
    r"|(?:recovery|backup|two-factor|2fa|mfa|otp|one-time|verification) (?:codes?|keys?)"
    r"|(?:seed|recovery|mnemonic) phrases?|credentials?"
)
#: "password: x", "API_KEY=x", "the wifi password is x", "x is my password".
_ENGLISH = re.compile(
    rf"(?<![A-Za-z])(?:{_NAMED})(?! (?:polic|manager|hash|reset|generator|rule|length|strength))"
    r"(?P<rest>(?:[ _-](?!is |was )[A-Za-z0-9\u00c0-\u017f'._-]+){0,6}?)"
    rf"[{_QUOTES}]?,?\s{{0,3}}(?:(?:which|that) )?(?P<sign>=>?|:=?|['\u2019]s(?=\s)"
    rf"|\u2192|->|(?<=\s)[\u2013\u2014-](?=\s)"
    rf"|(?<=\s)(?:is|was|are|to(?! (?:the|my|our|her|his|their|your|an?|this|that|all)\b)|as"
    rf"|will be|ist|lautet|est|es|\u00e9|c'est)"
    rf"(?: now| still| set to|:)?(?=[\s{_QUOTES}]))"
    rf"\s{{0,3}}(?P<quote>[{_QUOTES}<]?)(?P<value>[!-~]{{3,200}})",
    re.IGNORECASE,
)
#: "(pw x)", "User: ann, pass: x", "x is the admin password": where the value itself looks like one.
_DIRECT = re.compile(
    r"(?<![A-Za-z])(?:passwords?|passwd|pwd|pw|pass(?:phrase|code|wort)?|kennwort"
    r"|contrase\u00f1a|senha"
    r"|mot de passe|(?<=\s)p(?=:)|(?:login|credentials?|user"
    r"|account)[:=]?\s\S{2,60}\s/(?=\s))(?:[ ][a-z']+){0,6}?(?:,? (?:(?:the )?new one|now it"
    r"|it) (?:is|was)|\s?[:=]|'s)?\s{0,3}"
    rf"[{_QUOTES}]?(?P<value>(?=[!-~]{{0,60}}[0-9])[!-~]{{6,100}})"
    r"|(?<!\S)(?P<value2>(?=[!-~]{0,60}[0-9])[!-~]{6,100}) (?:is|as|was) (?:now )?(?:the|my|his"
    r"|her|their|our|your|its|a) "
    r"(?:[a-z]+ ){0,3}(?:password|passphrase|passcode)(?![A-Za-z])",
    re.IGNORECASE,
)
_CODES = re.compile(
    r"(?<![A-Za-z])(?:pin|combination|(?:door|gate|garage|alarm|access|security|lock(?:box|er)?"
    r"|entry|safe|vault"
    r"|unlock|sim|card|verification|confirmation|login|sign-in|one-time|otp|2fa|key ?box)"
    r" (?:code|pin|combination|passcode))(?: (?:code|number))?"
    r"(?:(?P<rest>(?: (?!is )[A-Za-z']+){0,5}?),? ?(?:which |that )?"
    r"(?:=|:|is|was|are|to|(?<=[a-z])'s)(?: now)? ?"
    r"| (?=[0-9]{4}))"
    rf"[{_QUOTES}]?(?P<value>[0-9]{{3}} [0-9]{{3,4}}|[0-9*#][0-9*#-]{{2,11}})"
    r"(?![0-9A-Za-z:/%]|\.[0-9])"
    r"|(?<![A-Za-z])(?:pin|code|passcode|combination) (?:for|to|of) (?:[a-z']+ ){0,3}(?:door"
    r"|gate|garage"
    r"|alarm|safe|lock|locker|house|office|building|shed|vault|card|account|phone) (?:is|=|:) ?"
    r"(?P<value3>[0-9*#]{3,12})(?![0-9A-Za-z:/%])"
    r"|(?<![A-Za-z])code (?P<value4>[0-9*#]{4,12}) (?:to|for) (?:unlock|open|enter|get|the"
    r"|disarm)(?![A-Za-z])"
    r"|(?<![A-Za-z])(?:cvv2?|cvc2?)(?: (?:code|number))?(?: is| was)? ?[:=]? ?"
    r"(?P<value2>[0-9]{3,4})(?![0-9])",
    re.IGNORECASE,
)
#: "739182 (passcode)", "username guest and password welcome1", "the code went from 1111 to 9034".
_OTHERWISE = re.compile(
    r"(?<![A-Za-z0-9.-])(?P<value>(?=[!-~]{0,60}[0-9])[!-'*-~]{4,60}) ?[(\uff08](?:[a-z']+ ){0,3}"
    r"(?:pin|passcode|password|passphrase|pw|(?:door|gate|alarm|access|security|unlock) code"
    r"|密码|密碼|パスワード|パスコード|暗証番号)[)\uff09]"
    r"|(?<![A-Za-z])(?:user(?: ?name)?|login|account|email)(?: is)?[ :=]{1,2}[!-~]{2,60},? "
    r"(?:and|with|,) (?:the )?(?:password|passcode|pass|pw) (?P<value2>[!-~]{4,60})"
    r"|(?<![A-Za-z])(?:pin|passcode|password|code) (?:(?:was|has been|got) )?(?:changed|went"
    r"|moved|switched|updated) from (?P<value3>[!-~]{3,60}) to (?P<value4>[!-~]{3,60})"
    r"|(?:ロック解除|解锁|解鎖|開錠|开锁)(?:は|コードは|码是|密码是|是)?\s?(?P<value5>[0-9]{4,12})(?![0-9])"
    r"|(?:门禁|門禁|大门|大門|开门|開門)(?:密码|密碼|码|碼)?\s?(?P<value6>[*#]?[0-9]{3,10}[*#]?)(?![0-9])",
    re.IGNORECASE,
)
#: BIP 39: twelve to twenty-four words bring a wallet back.
_SEED = re.compile(
    r"(?<![A-Za-z])(?:seed|recovery|mnemonic|backup)(?: phrase| words)?[^.\n]{0,30}?[:=\s]\s{0,2}"
    rf"[{_QUOTES}]?(?P<value>[a-z]{{3,8}}(?:[ ,]{{1,2}}[a-z]{{3,8}}){{11,23}})(?![ ,]{{1,2}}[a-z])"
)
_LOGIN = re.compile(
    r"(?<![A-Za-z])(?:log(?:s|ged|ging)?[ -]?in(?:to)?|sign(?:s|ed|ing)?[ -]?in(?:to)?|unlocks?"
    r"|credentials?|authenticates?)(?![A-Za-z])|登录|登錄|登入|ログイン",
    re.IGNORECASE,
)
#: A token with letters, digits and signs that is no address, path, number or call.
_MADE_UP = re.compile(
    r"(?<![!-~])(?=[!-~]{0,40}[0-9])(?=[!-~]{0,40}[A-Za-z])(?=[!-~]{0,40}[!#$%^&*?~])"
    r"(?![!-~]{0,40}(?://|[/(){}\[\]<>=`]|@[!-~]{1,40}\.))[!-~]{8,40}(?![!-~])"
)
_CJK = re.compile(
    r"(?P<name>(?:密码|密碼|パスワード)(?!管理|マネージャ|生成|策略|规则|規則|长度|長度|强度|強度|ポリシー)|口令|密钥|密鑰|秘钥|私钥|通行码|支付码|令牌|暗证号|访问码|开机码|提取码"
    r"|[验驗][证證][码碼]|パスワード|パスコード|パスフレーズ|暗証番号|合言葉|秘密鍵|シークレット|トークン"
    r"|(?:認証|確認)(?:コード|番号)|(?:金庫|ロッカー|ドア|玄関)の番号|パス|キー|鍵"
    r"|(?:pin|api|token|key|secret|password)(?:码|碼|密钥|キー|コード)?)"
    r"(?P<rest>[^\s!-/:-@\u3001\u3002\uff0c!-~]{0,6}?)\s{0,2}"
    r"(?:就是|还是|還是|改成了?|改为|改為|换成了?|設成了?|设成了?|设为|设置为|設定為|用的是|是|为|為|叫"
    r"|(?:换|改|变)了?,?(?:现在|新的|目前)?(?:是|为)"
    r"|は|が|を|:|=)"
    rf"\s{{0,2}}[{_QUOTES}]?(?P<value>[!-~]{{3,200}})",
    re.IGNORECASE,
)
#: The same without a word between, where the value itself looks like one.
_CJK_DIRECT = re.compile(
    r"(?:密码|密碼|口令|[验驗][证證][码碼]|パスワード|パスコード|暗証番号|(?:認証|確認)(?:コード|番号)|PW|パス)"
    rf"\s{{0,2}}[{_QUOTES}]?(?P<value>[!-~]{{4,100}})"
)
#: The value first ("X がパスワード"), one that is typed ("X と入力"), and a key beside its name.
_CJK_OTHERWISE = re.compile(
    rf"(?<![!-~])(?P<called>(?=[!-~]*[0-9])(?=[!-~]*[A-Za-z])[!-+\--~]{{6,100}})[{_QUOTES}]?\s?,?\s?"
    r"(?:(?:这是|這是|就是|是)(?:[^!-~\u3001\u3002]{0,8}的)?|[がは](?:[^!-~\u3001\u3002]{0,12}の)?)"
    r"(?:密码|密碼|口令|パスワード|パスコード)(?=です|だ|に[なし]|[\s\u3001\u3002,!;)]|$)"
    r"|(?:密码|密碼|口令|パスワード|パスコード)[^!-+\--~\u3002]{1,12}?(?P<typed>[!-+\--~]{6,100})"
    rf"[{_QUOTES}]?\s?[とを]?(?:入力|打[ちつっ]|入れ)"
    r"|(?:密码|密碼|口令)[^!-~\u3002]{0,8}?(?:输入|輸入|输|填)\s?(?P<entered>[!-+\--~]{6,100})"
    r"|(?:シークレット|トークン|(?<!公開)[鍵键]|キー|密钥|密鑰|秘钥|私钥|令牌)\s?"
    r"(?P<key>[A-Za-z0-9_+/=.-]{16,200})"
)
#: What numbers are said of, too: "at most 8192 tokens".
_COUNTED = re.compile(r"トークン|キー|鍵|シークレット|令牌|token|key", re.IGNORECASE)
#: Field names whose value is a secret, whatever it looks like.
_FIELD = re.compile(rf"(?:.*[_. -])?(?:{_NAMED}|密码|密碼|パスワード|暗証番号)", re.IGNORECASE)
#: What follows "the password is" without being one.
_WORDS = """
a about above after also always an and anything as ask at available bad be been before being below
best better blank but by can case-sensitive changeme complex confidential correct could did
different difficult do does due easy eight elsewhere empty encrypted enough everyone everything
example expire expired expires false fine five for forgotten four from get gets given go goes good
had hard has hashed have he her here hidden his how i if important in incorrect insecure invalid
it its just key least length less long longer lost manager managers mandatory may might missing
more most must my n/a necessary needed never new nine no none not nothing now null of ok okay old
on one only optional or our over pass password people personal placeholder please policies policy
private protected public pwd quite random ready really redacted required reset resets right rule
rules safe safety same secret secure security see sensitive set seven shall she short shorter
should similar simple six so something somewhere still stolen stored strength stricter string
strong tbd ten that the their there these they this those three to todo too true two under unique
unknown up use user users str string int integer bool boolean
float bytes optional any list dict valid very we weak what when where which who why will with
without work
works worst would wrong xxx xxxx yes you your
"""
_NO_PASSWORDS = frozenset(_WORDS.split())
_UNITS = re.compile(
    r"\s{0,2}(?:years?|months?|weeks?|days?|hours?|minutes?|seconds?|bits?|bytes?|characters?"
    r"|chars?|letters?|digits?|symbols?|words?|times?|percent|%|[年月日位个個次号號字文桁回時点元円块分秒本件歳岁代])",
    re.IGNORECASE,
)
#: What stands for a value in examples, in code and in Markdown.
_PLACEHOLDER = re.compile(
    r"<[^>]*>?|\[[^\]]*\]?|\{.*|\$\{.*|\$\(.*|\$[A-Z_]+|%\w+%|[*.\u2026]+|x{3,}|.*\[redacted.*"
    r"|(?:your|my)[-_].*|.*\.\.\.|[\W_]+|```.*|\*\*.*|__.*|(?:os|process|self|config|settings|env)\..*"
    r"|(?:getenv|env\[).*|[a-z_][\w.]*[(\[].*"
    r"|[a-z_.]*(?:passw(?:or)?d|secret|token|key|hash|credential)[a-z_.]*",
    re.IGNORECASE,
)
#: Every name of a secret holds one of these; without any, nothing is looked for.
_HINTS = (
    *("pass", "pwd", "key", "token", "secret", "code", "credential", "phrase", "pin", "cv"),
    *(
        "combination",
        "contrase",
        "mot de",
        "senha",
        "wort",
        "pw",
        "p:",
        "curl",
        "sql",
        "redis",
        "docker",
        "密",
        "口令",
        "钥",
    ),
    *(
        "码",
        "碼",
        "令牌",
        "暗",
        "パス",
        "合言葉",
        "鍵",
        "キー",
        "トークン",
        "シークレット",
        "コード",
        "番号",
    ),
    *(
        "seed",
        "recovery",
        "mnemonic",
        "login",
        "log in",
        "logs in",
        "log into",
        "sign in",
        "unlock",
    ),
    *("signs in", "logged in", "authenticat", "解除", "解锁", "解鎖", "门禁", "門禁", "大门", "登"),
    *("大門", "ログイン", "開錠", "开锁", "开门", "開門"),
)
_ASCII_HINTS = tuple(filter(str.isascii, _HINTS))
#: Those that begin alike stand together: to look for each in turn takes twice as long.
_ASCII_HINT = re.compile(
    "|".join(
        f"{re.escape(first)}(?:{'|'.join(re.escape(one[1:]) for one in alike)})"
        for first, alike in groupby(sorted(_ASCII_HINTS), key=lambda hint: hint[0])
    )
)
_SHORTEST_KEY, _SHORTEST_CODE, _LONGEST_FIELD, _SHORTEST_MADE_UP = 16, 3, 64, 5
#: A word of one letter, a sign and a code.
_SHORTEST_SAID = 2 + _SHORTEST_CODE
_TRAILING = ".,;:)]}>\"'`"
_WORDY = re.compile(r"[a-z]{8,}|\.[a-z]{2,4}$")
_SYMBOLS = frozenset("!@#$%^&*_+?~=")
#: A copula only ends the sentence.
_GOES_ON = re.compile(r" *(?!です|だ|でした)[A-Za-z\u3041-\u30ff\u3400-\u9fff]")


def secrets(text: str) -> Iterator[Match]:
    """Find keys, tokens, private keys and passwords in *text*."""
    if len(text) < _SHORTEST_SAID:
        return
    if max(map(len, text.split()), default=0) >= _SHORTEST_KEY:
        yield from _token_findings(text)
    if _has_hint(text):
        yield from _said_as_secret(text)


def may_hold_secrets(text: str) -> bool:
    """Whether `secrets` would look into *text*: if not, it finds nothing there."""
    if len(text) < _SHORTEST_SAID:
        return False
    return max(map(len, text.split()), default=0) >= _SHORTEST_KEY or _has_hint(text)


def _has_hint(text: str) -> bool:
    if text.isascii():
        return _ASCII_HINT.search(text.lower()) is not None
    # Asked of every text: a generator takes thrice as long.
    return any(map(text.lower().__contains__, _HINTS))


def _token_findings(text: str) -> Iterator[Match]:
    """Find what has the form of a key, and what addresses, headers and blocks hold."""
    for found in _KEYS.finditer(text):
        # Lower-case words joined by hyphens have the form of some keys.
        if any(map(str.isdigit, found.group())) or not found.group().islower():
            yield Match("secret", *found.span())
    yield from (Match("secret", *found.span()) for found in _PREFIXED.finditer(text))
    if _BESIDE_AWS.search(text):
        yield from (Match("secret", *found.span()) for found in _AWS_SECRET.finditer(text))
    for found in _CONFIGURED.finditer(text):
        if not _PLACEHOLDER.fullmatch(found["value"]) and _is_random(found["value"]):
            yield Match("secret", *found.span("value"))
    yield from (Match("secret", *jwt.span()) for jwt in _JWT.finditer(text) if _is_jwt(jwt[1]))
    yield from (Match("secret", *block.span()) for block in _PRIVATE_KEY.finditer(text))
    for found in _WEBHOOK.finditer(text):
        yield Match("secret", *found.span("value" if found["value"] else "value2"))
    for found in _IN_URLS.finditer(text):
        value = found["value"]
        if value.lower() not in _NO_PASSWORDS and not _PLACEHOLDER.fullmatch(value):
            yield Match("secret", *found.span("value"))
    for found in _HEADER.finditer(text):
        if any(map(str.isdigit, found["value"])):
            yield Match("secret", *found.span("value"))


def _is_random(value: str) -> bool:
    """Whether *value* has no words: hexadecimal digits, or letters of both cases and digits."""
    if re.fullmatch(r"[0-9a-f-]{32,}", value):
        return True
    return (
        any(map(str.islower, value)) and any(map(str.isupper, value)) and not _WORDY.search(value)
    )


def names_a_secret(field: str) -> bool:
    """Whether a field of this name holds a secret."""
    return len(field) <= _LONGEST_FIELD and _FIELD.fullmatch(field) is not None


def _is_jwt(head: str) -> bool:
    try:
        data = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    except (ValueError, binascii.Error):
        return False
    return isinstance(data, dict) and ("alg" in data or "typ" in data)


def _said_as_secret(text: str) -> Iterator[Match]:
    """Find what is called a password or a code, and looks like one."""
    for found in _ENGLISH.finditer(text):
        quoted, sign = found["quote"] != "", not found["sign"].strip()[0].isalpha()
        yield from _values_in(text, found.span("value"), quoted=quoted, sign=quoted or sign)
    for pattern in (_CODES, _DIRECT, _COMMANDS, _OTHERWISE):
        for found in pattern.finditer(text):
            for group, said in found.groupdict().items():
                value = (said or "").rstrip(_TRAILING)
                odd = pattern is _DIRECT and not _looks_like_one(value)
                if group == "rest" or not value or odd or value.lower() in _NO_PASSWORDS:
                    continue
                if not _PLACEHOLDER.fullmatch(value):
                    yield Match("secret", found.start(group), found.start(group) + len(value))
    yield from (Match("secret", *found.span("value")) for found in _SEED.finditer(text))
    if _LOGIN.search(text):
        yield from (Match("secret", *found.span()) for found in _MADE_UP.finditer(text))
    if not text.isascii():
        yield from _said_in_cjk(text)


def _said_in_cjk(text: str) -> Iterator[Match]:
    """Find the same where a Chinese or Japanese word says what it is."""
    for found in _CJK.finditer(text):
        if not (found["value"].isdigit() and _COUNTED.fullmatch(found["name"])):
            yield from _values_in(text, found.span("value"), quoted=False, sign=False)
    for found in _CJK_DIRECT.finditer(text):
        value = found["value"].rstrip(_TRAILING)
        if value.isdigit() or _looks_like_one(value):
            yield from _values_in(text, found.span("value"), quoted=False, sign=False)
    for found in _CJK_OTHERWISE.finditer(text):
        group = found.lastgroup or "called"
        looks_like_one = _is_random if group == "key" else _looks_like_one
        if group == "called" or looks_like_one(found[group]):
            yield from _values_in(text, found.span(group), quoted=False, sign=False)


def _looks_like_one(value: str) -> bool:
    """Whether nothing but a password looks like *value*, so that no word need call it one."""
    count = sum(map(str.isdigit, value))
    mixed = any(map(str.islower, value)) and any(map(str.isupper, value))
    made_up = (mixed and count > 1) or (count > 0 and not _SYMBOLS.isdisjoint(value))
    return len(value) > _SHORTEST_MADE_UP and made_up and any(map(str.isalpha, value))


def _values_in(text: str, span: tuple[int, int], *, quoted: bool, sign: bool) -> Iterator[Match]:
    """Yield what stands in *span* unless it is a word that says something about the password.

    *sign* says that a colon or the like stands before it, rather than "is".
    """
    value = text[slice(*span)].rstrip(_TRAILING)
    start, end = span[0], span[0] + len(value)
    word = value.lower()
    raw = text[slice(*span)]
    if len(value) < _SHORTEST_CODE or word in _NO_PASSWORDS or _PLACEHOLDER.fullmatch(value):
        return
    if raw.endswith("...") or text[start - 1 : start] == "<" or value.startswith("``"):
        return
    titled = value.istitle() and _GOES_ON.match(text, end) is not None  # "password: Tests that"
    if value.replace("-", "").isdigit():
        is_one = len(value) > _SHORTEST_CODE and not _UNITS.match(text, end)
    elif not value.isalpha() or quoted or (sign and not value.islower() and not titled):
        is_one = True
    else:  # an ordinary word: a password only where the sentence ends with it
        says_how = not sign and word.endswith(("ed", "ing", "ly", "able", "ible", "en"))
        is_one = not says_how and not _GOES_ON.match(text, end)
    if is_one:
        yield Match("secret", start, end)

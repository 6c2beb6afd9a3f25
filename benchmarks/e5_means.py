"""Write src/longterm/models/embed/e5_means.npz: what the vectors of one language have in common.

multilingual-e5-small puts every text of a language into one narrow corner, so that cosines of
unrelated texts lie about .8, and a question is nearer to anything in its own language than to
its answer in another. Less the mean of the language, vectors are compared by what they say
(Libovický, Rosa and Fraser, "On the Language Neutrality of Pre-trained Multilingual
Representations", 2020). The sentences say the same in each language, and nothing that any suite
asks about:

    python benchmarks/e5_means.py
"""

from pathlib import Path

import numpy as np

from longterm.models.embed import multilingual

TARGET = Path(multilingual.__file__).with_name("e5_means.npz")

#: By the script that a text is recognised by.
SENTENCES = {
    "latin": """The meeting has been moved to ten o'clock.
I like to read before I go to sleep.
Where did you buy that blue coat?
My brother is taller than my father.
It will probably rain this afternoon.
We ate fish and rice at the harbour.
She has been learning to drive since spring.
Please write down the address for me.
The train was late, so I missed the beginning.
He doesn't remember the name of his teacher.
Our neighbours are selling their house.
I prefer the window seat on long journeys.
The children are playing in the garden.
How much does a ticket to the museum cost?
They got to know each other at the university.
My phone broke, I need a new one.""",
    "han": """会议改到十点了。
我喜欢睡前看会儿书。
你那件蓝色的外套是在哪儿买的？
我弟弟比我爸爸高。
今天下午大概会下雨。
我们在港口吃了鱼和米饭。
她从春天开始学开车。
请帮我把地址写下来。
火车晚点了，所以我错过了开头。
他不记得老师的名字了。
我们的邻居要卖房子。
坐长途的时候我更喜欢靠窗的座位。
孩子们在花园里玩。
博物馆的门票多少钱？
他们是在大学里认识的。
我的手机坏了，得买个新的。""",
    "kana": """会議は十時に変更になりました。
寝る前に本を読むのが好きです。
その青いコートはどこで買ったの？
弟は父より背が高い。
今日の午後はたぶん雨が降るよ。
港で魚とご飯を食べました。
彼女は春から車の運転を習っている。
住所を書いてもらえますか。
電車が遅れて、最初のところを見逃した。
彼は先生の名前を覚えていない。
隣の人が家を売るそうです。
長い旅では窓側の席のほうがいい。
子どもたちは庭で遊んでいる。
博物館のチケットはいくらですか？
二人は大学で知り合った。
携帯が壊れたので、新しいのが必要だ。""",
    "hangul": """회의가 열 시로 옮겨졌어요.
나는 자기 전에 책 읽는 것을 좋아해.
그 파란 코트는 어디에서 샀어?
내 동생은 아버지보다 키가 크다.
오늘 오후에는 아마 비가 올 거야.
우리는 항구에서 생선과 밥을 먹었다.
그녀는 봄부터 운전을 배우고 있다.
주소를 좀 적어 주세요.
기차가 늦어서 처음을 놓쳤어.
그는 선생님의 이름을 기억하지 못한다.
이웃이 집을 판대요.
긴 여행에서는 창가 자리가 더 좋아.
아이들이 마당에서 놀고 있다.
박물관 표는 얼마예요?
그들은 대학교에서 서로 알게 되었다.
휴대폰이 고장 나서 새것이 필요해.""",
    "cyrillic": """Собрание перенесли на десять часов.
Я люблю читать перед сном.
Где ты купил это синее пальто?
Мой брат выше моего отца.
Сегодня днём, наверное, будет дождь.
Мы ели рыбу с рисом в порту.
Она с весны учится водить машину.
Запишите мне, пожалуйста, адрес.
Поезд опоздал, и я пропустил начало.
Он не помнит имени своей учительницы.
Наши соседи продают дом.
В долгой дороге я предпочитаю место у окна.
Дети играют в саду.
Сколько стоит билет в музей?
Они познакомились в университете.
У меня сломался телефон, нужен новый.""",
    "arabic": """تم نقل الاجتماع إلى الساعة العاشرة.
أحب القراءة قبل النوم.
من أين اشتريت هذا المعطف الأزرق؟
أخي أطول من أبي.
ربما تمطر بعد ظهر اليوم.
أكلنا السمك والأرز في الميناء.
إنها تتعلم قيادة السيارة منذ الربيع.
من فضلك اكتب لي العنوان.
تأخر القطار ففاتتني البداية.
لا يتذكر اسم معلمه.
جيراننا يبيعون بيتهم.
أفضل المقعد بجانب النافذة في الرحلات الطويلة.
الأطفال يلعبون في الحديقة.
كم ثمن تذكرة المتحف؟
تعارفا في الجامعة.
تعطل هاتفي وأحتاج إلى هاتف جديد.""",
}


def write() -> None:
    """Embed every sentence, as a question and as a passage, and write the means."""
    with multilingual.E5Process(threads=2) as e5:
        means = {
            f"{script}_{kind}": e5.vectors(text.splitlines(), query=kind == "query").mean(axis=0)
            for script, text in SENTENCES.items()
            for kind in ("passage", "query")
        }
    for kind in ("passage", "query"):
        every = [mean for name, mean in means.items() if name.endswith(kind)]
        means[f"other_{kind}"] = np.mean(every, axis=0)
    np.savez_compressed(TARGET, **{name: mean.astype(np.float16) for name, mean in means.items()})


if __name__ == "__main__":
    write()

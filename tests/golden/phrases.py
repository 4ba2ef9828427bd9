#!/usr/bin/env python3
"""Makes phrases.tsv: slots, values and the Korean they must give. Shares nothing with src/speech.

    python3 tests/golden/phrases.py > tests/golden/phrases.tsv
"""
import datetime

SMALL = {0: "", 1: "일", 2: "이", 3: "삼", 4: "사", 5: "오", 6: "육", 7: "칠", 8: "팔", 9: "구"}
ALONE = {1: "하나", 2: "둘", 3: "셋", 4: "넷", 5: "다섯", 6: "여섯", 7: "일곱", 8: "여덟", 9: "아홉"}
TENS = {0: "", 1: "열", 2: "스물", 3: "서른", 4: "마흔", 5: "쉰", 6: "예순", 7: "일흔", 8: "여든", 9: "아흔"}


def thousand(n):
    """1..9999, from the right: a digit, its place, and no 일 before a place."""
    said = ""
    for place in ["", "십", "백", "천"]:
        n, digit = divmod(n, 10)
        if digit:
            said = ("" if digit == 1 and place else SMALL[digit]) + place + said
    return said


def sino(n):
    if n == 0:
        return "영"
    groups = []
    for place in ["", "만", "억", "조"]:
        n, four = divmod(n, 10000)
        if four:
            groups.insert(0, thousand(four) + place)
    # Ten thousand is 만 alone, and 일만 behind a larger group.
    if groups[0] == "일만":
        groups[0] = "만"
    return " ".join(groups)


def native(n):
    """Before a counter; the counter's own rule says up to where."""
    said = TENS[n // 10] + ALONE.get(n % 10, "")
    for alone, before in [("하나", "한"), ("둘", "두"), ("셋", "세"), ("넷", "네")]:
        if said.endswith(alone):
            said = said[: -len(alone)] + before
    return "스무" if said == "스물" else said


def count(n, counter):
    if counter == "번째" and n == 1:
        return "첫 번째"
    if counter == "시간" and n % 24 == 0:
        return sino(n) + " 시간"
    top = 12 if counter == "시" else 99
    return (native(n) if 1 <= n <= top else sino(n)) + " " + counter


def measure(n, counter):
    if counter == "월":
        return {6: "유월", 10: "시월"}.get(n, sino(n) + "월")
    return sino(n) + ("" if counter in "년월일번" else " ") + counter


def final(word):
    """0 open, 8 ㄹ, else another consonant: by the last syllable, or the last digit's or letter's name."""
    names = dict(zip("0123456789", ["영", "일", "이", "삼", "사", "오", "육", "칠", "팔", "구"]))
    names.update(zip("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "이 비 씨 디 이 프 지 치 이 이 이 엘 엠 엔 오 피 큐 알 스 티 유 이 유 스 이 트".split()))
    word = word.rstrip(")'\"")
    last = names.get(word[-1].upper(), word[-1])
    return (ord(last) - 0xAC00) % 28


def particle(word, forms):
    closed, open_ = forms.split("/")
    end = final(word)
    if forms == "으로/로" and end == 8:
        return word + open_
    return word + (closed if end else open_)


def clock(hour, minute):
    part = "" if hour == 0 else "오전 " if hour < 12 else "낮 " if hour == 12 else "오후 "
    name = "영" if hour == 0 else native(hour if hour <= 12 else hour - 12)
    return part + name + " 시" + (f" {sino(minute)} 분" if minute else "")


def day(date, this_year):
    year = "" if date.year == this_year else sino(date.year) + "년 "
    return f"{year}{measure(date.month, '월')} {sino(date.day)}일 {'월화수목금토일'[date.weekday()]}요일"


def spelt(digits):
    return "".join("공" if c == "0" else SMALL[int(c)] for c in digits)


def row(*columns):
    print("\t".join(columns))


PARTICLES = ["은/는", "이/가", "을/를", "과/와", "으로/로"]
BIG = [1001, 1010, 1100, 1111, 1234, 1357, 2000, 3456, 5000, 9999, 10000, 10001, 11000, 12345, 15000, 19999, 20000, 20001, 50000,
       99999, 100000, 110000, 123456, 1000000, 1010000, 1234567, 10000000, 10010000, 12345678, 50000000, 99999999, 100000000,
       100010000, 110000000, 123456789, 300050000, 1000000000, 1234567890, 10000000000, 100000000000, 1000000000000,
       1000100010001, 1234567890123, 9999999999999999]

print("# Written by phrases.py. Today is 2026-11-29; numbers are those of `n`, texts those of `t`.")
row("text", "value", "expected")
for n in list(range(0, 1001)) + BIG:
    row("{n|sino}", str(n), sino(n))
for n in list(range(0, 131)) + [144, 200, 999, 1000, 12345]:
    for counter in ["명", "번째", "개", "곳", "시간"]:
        row("{n|native:" + counter + "}", str(n), count(n, counter))
    for counter in ["분", "번", "초"]:
        row("{n|sino:" + counter + "}", str(n), measure(n, counter))
for n in range(0, 25):
    row("{n|native:시}", str(n), count(n, "시"))
for n in range(1, 13):
    row("{n|sino:월}", str(n), measure(n, "월"))
for n in [1, 10, 28, 29, 30, 31, 100]:
    row("{n|sino:일}", str(n), measure(n, "일"))
for n in [1, 10, 1999, 2000, 2026, 2027]:
    row("{n|sino:년}", str(n), measure(n, "년"))
for hour in range(24):
    for minute in [0, 1, 5, 10, 15, 29, 30, 45, 59]:
        row("{time}", f"{hour:02}:{minute:02}", clock(hour, minute))
date = datetime.date(2026, 1, 1)
while date.year == 2026:
    row("{date}", str(date), day(date, 2026))
    date += datetime.timedelta(1)
for date in [(2025, 12, 31), (2027, 1, 1), (2028, 2, 29), (2000, 10, 10), (1999, 6, 30), (2030, 6, 6), (2100, 3, 1)]:
    date = datetime.date(*date)
    row("{date}", str(date), day(date, 2026))
for n in [0, 1, 5, 10, 50, 100, 110, 500, 990, 1000] + BIG:
    row("{money}", str(n), sino(n) + " 원")
for digits, groups in [("0", "0"), ("7", "7"), ("13", "13"), ("119", "119"), ("1357", "1357"), ("12345", "12 345"),
                       ("123456", "123 456"), ("1234567", "123 4567"), ("15880800", "1588 0800"), ("123456789", "123 456 789"),
                       ("0212345678", "02 1234 5678"), ("021234567", "02 123 4567"), ("0312345678", "031 234 5678"),
                       ("01012345678", "010 1234 5678"), ("010-1234-5678", "010 1234 5678"), ("1588-0800", "1588 0800"),
                       ("02-2104-1357", "02 2104 1357"), ("123-45-67890", "123 45 67890"), ("123456789012", "1234 5678 9012"),
                       ("02", "02"), ("0000", "0000")]:
    row("{number|digits}", digits, ", ".join(spelt(group) for group in groups.split()))
# A syllable of every final there is, one without, and words as a table has them.
FINALS = [chr(0xAC00 + final) for final in range(28)]
WORDS = ["정책자금", "기술개발", "창업", "국세상담센터", "중소벤처기업진흥공단", "서울", "한국산학연협회", "1357 상담원", "FTA", "R&D", "FTA 콜센터",
         "URL", "ppm", "HR", "KAIST", "기술개발(R&D)"]
LETTERS = ["K" + chr(letter) for letter in range(ord("A"), ord("Z") + 1)]
DIGITS = ["제" + str(n) for n in list(range(10)) + [10, 100, 1000, 1380]]
for word in FINALS + WORDS + LETTERS + DIGITS:
    for forms in PARTICLES:
        row("{t|" + forms + "}", word, particle(word, forms))
for n in list(range(0, 31)) + [100, 1000, 10000, 100000000, 1000000000000]:
    for forms in PARTICLES:
        row("{n|" + forms + "}", str(n), particle(sino(n), forms))
for n in range(10):
    for forms in PARTICLES:
        row("{number|" + forms + "}", f"1{n}", particle("일" + spelt(str(n)), forms))
for n in [0, 1, 2, 3, 20, 21, 30, 31, 99, 100, 101]:
    for forms in PARTICLES:
        row("{n|native:명|" + forms + "}", str(n), particle(count(n, "명"), forms))
        row("{n|native:개|" + forms + "}", str(n), particle(count(n, "개"), forms))
        row("{n|sino:일|" + forms + "}", str(n), particle(measure(n, "일"), forms))
for n in [1, 2, 3, 10, 20, 30, 31, 45, 99, 100]:
    row("대기 순서는 {n|native}번째이고, 예상 대기 시간은 {n|sino:분}입니다.", str(n),
        f"대기 순서는 {count(n, '번째')}이고, 예상 대기 시간은 {measure(n, '분')}입니다.")
    row("앞에 {n|native} 명이 있습니다.", str(n), f"앞에 {count(n, '명')}이 있습니다.")

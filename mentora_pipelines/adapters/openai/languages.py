"""Languages as Whisper's servers name them (`english`, or `en`)."""

import re

_NAMES = """
af afrikaans; am amharic; ar arabic; as assamese; az azerbaijani; ba bashkir;
be belarusian; bg bulgarian; bn bengali; bo tibetan; br breton; bs bosnian;
ca catalan valencian; cs czech; cy welsh; da danish; de german; el greek; en english;
es spanish castilian; et estonian; eu basque; fa persian; fi finnish; fo faroese;
fr french; gl galician; gu gujarati; ha hausa; haw hawaiian; he hebrew; hi hindi;
hr croatian; ht haitian; hu hungarian; hy armenian; id indonesian; is icelandic;
it italian; ja japanese; jv javanese; ka georgian; kk kazakh; km khmer; kn kannada;
ko korean; la latin; lb luxembourgish; ln lingala; lo lao; lt lithuanian; lv latvian;
mg malagasy; mi maori; mk macedonian; ml malayalam; mn mongolian; mr marathi; ms malay;
mt maltese; my myanmar burmese; ne nepali; nl dutch flemish; nn nynorsk; no norwegian;
oc occitan; pa punjabi; pl polish; ps pashto; pt portuguese; ro romanian; ru russian;
sa sanskrit; sd sindhi; si sinhala; sk slovak; sl slovenian; sn shona; so somali;
sq albanian; sr serbian; su sundanese; sv swedish; sw swahili; ta tamil; te telugu;
tg tajik; th thai; tk turkmen; tl tagalog; tr turkish; tt tatar; uk ukrainian; ur urdu;
uz uzbek; vi vietnamese; yi yiddish; yo yoruba; yue cantonese; zh chinese mandarin
"""
_CODES = {
    name: entry.split()[0]
    for entry in _NAMES.strip().split(";")
    for name in entry.split()[1:]
}


def code_of(name: str | None) -> str | None:
    """ISO 639-1 of a language by its English name or its code; None when unknown."""
    if name is None:
        return None
    first = re.split(r"[\s_-]", name.strip().lower())[0]
    if first in _CODES:
        return _CODES[first]
    return first if re.fullmatch("[a-z]{2,3}", first) else None

"""Languages as people set them (`de`) and as containers tag tracks (`ger`, `deu`)."""

# Two letters (ISO 639-1), then three (639-2/T, which is also 639-3), then what the
# bibliographic standard (639-2/B) says instead, where it differs.
_CODES = """
af afr; am amh; ar ara; as asm; az aze; ba bak; be bel; bg bul; bn ben; bo bod tib;
br bre; bs bos; ca cat; cs ces cze; cy cym wel; da dan; de deu ger; el ell gre;
en eng; es spa; et est; eu eus baq; fa fas per; fi fin; fo fao; fr fra fre; gl glg;
gu guj; ha hau; he heb; hi hin; hr hrv; ht hat; hu hun; hy hye arm; id ind;
is isl ice; it ita; ja jpn; jv jav; ka kat geo; kk kaz; km khm; kn kan; ko kor;
la lat; lb ltz; ln lin; lo lao; lt lit; lv lav; mg mlg; mi mri mao; mk mkd mac;
ml mal; mn mon; mr mar; ms msa may; mt mlt; my mya bur; ne nep; nl nld dut; nn nno;
no nor; oc oci; pa pan; pl pol; ps pus; pt por; ro ron rum; ru rus; sa san; sd snd;
si sin; sk slk slo; sl slv; sn sna; so som; sq sqi alb; sr srp; su sun; sv swe;
sw swa; ta tam; te tel; tg tgk; th tha; tk tuk; tl tgl; tr tur; tt tat; uk ukr;
ur urd; uz uzb; vi vie; yi yid; yo yor; yue yue; zh zho chi
"""
_NAMES = {
    entry.split()[0]: frozenset(entry.split()) for entry in _CODES.strip().split(";")
}


def is_tagged(tag: str | None, language: str) -> bool:
    """Whether a track's tag (`ger`, `deu`, `de`, `de-AT`) names `language`."""
    if not tag:
        return False
    return tag.lower().replace("_", "-").split("-")[0] in _NAMES.get(
        language, frozenset({language})
    )

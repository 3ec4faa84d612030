"""Which code page a text is in: the one under which most of its letters beyond ASCII are of one language."""

__all__ = ["code_page"]

RUSSIAN = "абвгдежзийклмнопрстуфхцчшщъыьэюяё"
LANGUAGES = {  # their letters beyond ASCII, by code page
    "cp1252": (
        *("äöüß", "àâæçéèêëîïôœùûüÿ", "áéíñóúü", "áâãàçéêíóôõúü", "åäöæøé", "àèéìíòóù", "áðéíóúýþæö"),
        *("àçèéíïòóúü", "äõöü", "áéèêëïóöü"),
    ),
    "cp1250": ("ąćęłńóśźż", "áčďéěíňóřšťúůýž", "áäčďéíĺľňóôŕšťúýž", "áéíóöőúüű", "čćđšž", "ăâîşţ"),
    "cp1254": ("çğıiİöşü",),
    "cp1257": ("ąčęėįšųūž", "āčēģīķļņšūž"),
    "cp1251": (RUSSIAN, "абвгґдеєжзиіїйклмнопрстуфхцчшщьюя", "абвгдђежзијклљмнњопрстћуфхцчџш"),
    "koi8_r": (RUSSIAN,),
    "cp866": (RUSSIAN,),
    "cp1253": ("αβγδεζηθικλμνξοπρσςτυφχψωάέήίόύώϊϋ",),
    "cp1256": ("ءآأؤإئابةتثجحخدذرزسشصضطظعغفقكلمنهوىي",),
    "mac_roman": ("äöüß", "àâæçéèêëîïôœùûüÿ"),
    "cp850": ("äöüß", "àâçéèêëîïôùûü", "áéíñóúü"),
    "cp1255": ("אבגדהוזחטיךכלםמןנסעףפץצקרשת",),
    "cp874": ("กขฃคฅฆงจฉชซฌญฎฏฐฑฒณดตถทธนบปผฝพฟภมยรฤลฦวศษสหฬอฮฯะัาำิีึืฺุูเแโใไๅๆ็่้๊๋์ํ",),
}
LATIN = {"cp1252", "cp1250", "cp1254", "cp1257", "mac_roman", "cp850"}
COMMON = "€£§°’‘“”„–—…«»·¿¡ºª\u00a0²³µ½"  # that any language has between its letters
CAPITAL = 0.6  # what a capital counts: a page that swaps the cases has more of them
SURE = 0.95  # share of letters of one language
DOUBT = 0.7  # share below which the Western page is given up
FEW = 8  # letters, below which nothing is told


def code_page(part):
    """(the code page of a text, "cp1252" unless another fits better, None where none does; whether that is sure)"""
    usual = fit(part, "cp1252", capital=1.0)
    if usual >= SURE or (usual >= 0 and sum(byte > 127 for byte in part) < FEW):
        return "cp1252", usual >= SURE
    fits = {name: fit(part, name) for name in LANGUAGES}
    best = max(fits, key=lambda name: fits[name])
    if fits[best] >= DOUBT and (usual < DOUBT or fits[best] >= SURE):
        return best, False
    return "cp1252" if usual >= DOUBT else None, False


def fit(part, name, capital=CAPITAL):
    """How much of the letters beyond ASCII is of the one language of a page that has most of them; -1 for no text.

    A letter of another script that stands beside a Latin one is of no language.
    """
    try:
        text = part.decode(name)
    except UnicodeDecodeError:
        return -1.0
    places = [i for i, c in enumerate(text) if c > "\x7f" and c not in COMMON]
    if not places:
        return 1.0
    if name not in LATIN:
        alone = [i for i in places if not any(c.isascii() and c.isalpha() for c in text[max(0, i - 1) : i + 2])]
    else:
        alone = places
    best = 0.0
    for language in LANGUAGES[name]:
        known = frozenset(language)
        best = max(best, sum(1.0 if text[i] in known else capital * (text[i].lower() in known) for i in alone))
    return best / len(places)

"""Who the demo agencies' clients are: names by country, in their own scripts.

Every name comes with a Latin spelling for the e-mail address; both agencies draw from the same
lists, so that look-alikes (and some people with one address at both) are bound to occur.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Country:
    """Names of one country: (as written, Latin for e-mail), and its telephone numbers.

    `family_first` says that the family name is written first, without a space.
    """

    code: str
    dialling: str
    given: tuple[tuple[str, str], ...]
    family: tuple[tuple[str, str], ...]
    family_first: bool = False


def _pairs(text: str) -> tuple[tuple[str, str], ...]:
    """`Łukasz=lukasz Anna` as pairs; a name without `=` is its own Latin spelling."""
    pairs = []
    for word in text.split():
        name, _, latin = word.partition("=")
        pairs.append((name, (latin or name).lower()))
    return tuple(pairs)


COUNTRIES = (
    Country(
        "GB",
        "+44770090",
        _pairs("Olivia James Amelia Harry Sophie Thomas Emily George Charlotte Daniel"),
        _pairs("Smith Taylor Clarke Hughes Bennett Walker Shaw Murray Fletcher Ellis"),
    ),
    Country(
        "DE",
        "+491555",
        _pairs("Anna Jürgen=juergen Sabine Lukas Käthe=kaethe Björn=bjoern Heike Felix Ute Max"),
        _pairs(
            "Müller=mueller Schröder=schroeder Weiß=weiss Bauer Jäger=jaeger Vogel Krüger=krueger"
        ),
    ),
    Country(
        "CH",
        "+417655",
        _pairs("Urs Regula Beat Corinne Reto Anaïs=anais Ladina Sandro Thérèse=therese Noé=noe"),
        _pairs(
            "Müller=mueller Zürcher=zuercher Bühler=buehler Rochat Bernasconi Caduff Käser=kaeser"
        ),
    ),
    Country(
        "GR",
        "+3069000",
        _pairs(
            "Ελένη=eleni Γιώργος=giorgos Μαρία=maria Νίκος=nikos Σοφία=sofia Κώστας=kostas "
            "Δήμητρα=dimitra Αντώνης=antonis"
        ),
        _pairs(
            "Παπαδοπούλου=papadopoulou Νικολάου=nikolaou Γεωργίου=georgiou Οικονόμου=oikonomou "
            "Αθανασίου=athanasiou"
        ),
    ),
    Country(
        "PL",
        "+48500",
        _pairs(
            "Łukasz=lukasz Agnieszka Paweł=pawel Małgorzata=malgorzata Wojciech Zofia Michał=michal"
        ),
        _pairs("Wiśniewski=wisniewski Kowalczyk Żak=zak Wójcik=wojcik Nowak Dąbrowska=dabrowska"),
    ),
    Country(
        "ES",
        "+346001",
        _pairs(
            "José=jose Lucía=lucia Íñigo=inigo Carmen Begoña=begona Álvaro=alvaro Pilar "
            "Andrés=andres"
        ),
        _pairs(
            "García=garcia Muñoz=munoz Ibáñez=ibanez Ortega López=lopez Peña=pena Vázquez=vazquez"
        ),
    ),
    Country(
        "FR",
        "+336390",
        _pairs(
            "François=francois Chloé=chloe Jérôme=jerome Hélène=helene Benoît=benoit Margaux "
            "Zoé=zoe"
        ),
        _pairs("Lefèvre=lefevre Dubois Gauthier Noël=noel Beauséjour=beausejour Perrin Moreau"),
    ),
    Country(
        "CN",
        "+861700",
        _pairs("雷=lei 梅梅=meimei 伟=wei 芳=fang 静怡=jingyi 国强=guoqiang 秀英=xiuying"),
        _pairs("李=li 王=wang 张=zhang 陈=chen 欧阳=ouyang"),
        family_first=True,
    ),
    Country(
        "AE",
        "+97150",
        _pairs("محمد=mohammed فاطمة=fatima أحمد=ahmed ليلى=layla يوسف=youssef نور=nour"),
        _pairs("الحسن=alhassan المنصوري=almansoori حداد=haddad الخطيب=alkhatib"),
    ),
    Country(
        "JP",
        "+8170",
        _pairs("健太=kenta 美咲=misaki 翔=sho 陽子=yoko さくら=sakura"),
        _pairs("佐藤=sato 鈴木=suzuki 田中=tanaka 渡辺=watanabe"),
        family_first=True,
    ),
    Country(
        "UA",
        "+38050",
        _pairs("Олена=olena Андрій=andrii Наталія=nataliia Тарас=taras Юлія=yuliia"),
        _pairs("Шевченко=shevchenko Коваленко=kovalenko Бондар=bondar Ткаченко=tkachenko"),
    ),
    Country(
        "IN",
        "+9170",
        _pairs("प्रिया=priya अर्जुन=arjun अंजलि=anjali Ravi विक्रम=vikram"),
        _pairs("शर्मा=sharma पटेल=patel Iyer सिंह=singh"),
    ),
    Country(
        "DK",
        "+4520",
        _pairs("Søren=soeren Freja Mikkel Åse=aase Jørgen=joergen Ida"),
        _pairs("Sørensen=soerensen Østergaard=oestergaard Holm Kjær=kjaer Dam"),
    ),
    Country(
        "TR",
        "+90501",
        _pairs("Ayşe=ayse İbrahim=ibrahim Çağla=cagla Gökhan=goekhan Işıl=isil"),
        _pairs("Yılmaz=yilmaz Çelik=celik Şahin=sahin Öztürk=oeztuerk"),
    ),
)

# Known to both agencies under one e-mail address: only the tenant keeps them apart.
SHARED_PEOPLE = (
    ("Łukasz Wiśniewski", "lukasz.wisniewski@poczta.example", "+48500900101"),
    ("李雷", "li.lei@youxiang.example", "+8617009000102"),
    ("Ελένη Παπαδοπούλου", "eleni.papadopoulou@tachydromeio.example", "+306900090103"),
    ("محمد الحسن", "mohammed.alhassan@barid.example", "+971509000104"),
    ("Anna Müller", "anna.mueller@postfach.example", "+4915559000105"),
    ("José García", "jose.garcia@correo.example", "+34600190106"),
    ("Priya Sharma", "priya.sharma@daak.example", "+917090000107"),
    ("Zoë van den Berg", "zoe.vandenberg@brievenbus.example", "+31610090108"),
)

# Written almost alike: what a search has to tell apart.
LOOK_ALIKES = (
    ("Anna Mueller", "a.mueller@buero.example"),
    ("Ana Muller", "ana.muller@casilla.example"),
    ("Anne Möller", "anne.moeller@postfach.example"),
    ("Lukas Wisniewski", "l.wisniewski@poczta.example"),
    ("Jose Garcia", "josegarcia@casilla.example"),
    ("José García-Muñoz", "jose.garcia.munoz@correo.example"),
    ("李蕾", "lilei.lei@youxiang.example"),
    ("Eleni Papadopoulou", "e.papadopoulou@postfach.example"),
    ("Mohammed Al-Hassan", "m.alhassan@postfach.example"),
    ("Müller & Söhne Reisen", "kontakt@mueller-soehne.example"),
)

COMPANIES = (
    "Nordlicht Werbung GmbH",
    "Bergmann & Partner AG",
    "Aegean Data P.C.",
    "Clarke Surveyors Ltd",
    "Atelier Beauséjour",
    "Ibáñez Arquitectos S.L.",
    "Żak Meble sp. z o.o.",
    "北京蓝海科技有限公司",
    "شركة الخطيب للتجارة",
    "Østergaard Design ApS",
)

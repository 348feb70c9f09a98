"""The words that give a question's type away, in English, German, French and Spanish.

Cues are separated by commas, folded (lower case, no accents), and ``*``
stands for the rest of a word. Weights: ``INTENT`` is what the customer wants to do or know,
``TOPIC`` what the question is about, ``MENTION`` what it merely touches.
"""

from __future__ import annotations

import re
from typing import Final

INTENT: Final = 4.0
TOPIC: Final = 2.5
MENTION: Final = 1.0

COMPARISON: Final = """
compar*, vs, versus, difference*, better, rather than,
vergleich*, unterschied*, besser*,
mieux, meilleur*, plutot que,
diferencia*, mejor
"""
PRICE: Final = """
how much, price*, pricing, cost, costs, rate, rates, fee, fees, tariff*, surcharge*, cheap*,
expensive, discount*, deposit*, supplement*,
kostet, kosten, preis*, gebuhr*, zuschlag*, rabatt*, teuer, anzahlung*,
combien, prix, coute*, tarif*, frais, remise*, acompte*,
cuanto cuesta*, cuanto vale*, cuanto cobra*, cuanto se paga, cuanto hay que pagar, precio*,
cuesta*, tarifa*, recargo*, descuento*, suplemento*
"""
OFFICE_TASK: Final = """
import*, export*, upload*, log in, login, sign in, password*, dashboard, pipeline, template*,
csv, crm,
passwor*, kennwort*, kundenkartei*, vorlage*,
mot de passe,
contrasena*, tablero
"""
OFFICE_OBJECT: Final = """
screen, button, settings, account, menu item, invoice*, quote number, stage*,
einstellung*,
parametres,
ajustes
"""
MAKE: Final = """
send, create, make, write, issue, add, edit, convert,
erstell*, schick*,
creer, envoyer,
crear, enviar
"""
PAPERWORK: Final = """
quote*, invoice*, client*,
angebot*, rechnung*, kunde*,
devis, facture*,
presupuesto*, factura*
"""
BOOKING: Final = """
book, booking, bookings, booked, reserv*, cancel*, refund*, rebook*, voucher*,
buch*, umbuch*, stornier*, storno*, ruckerstatt*,
annul*, rembours*,
reembols*
"""
PAYMENT: Final = """
pay, paid, payment*, instal*, confirm*, change the date*, change the name*, insur*,
zahl*, bezahl*, versicher*,
payer, paiement*, assurance*,
pagar, pago*, seguro de viaje
"""
LODGING: Final = """
hotel*, resort*, lodge*, guesthouse*, guest house*, villa*, chalet*, hostel*, accommodation*,
hutte*, berghaus*, gasthaus*, gasthof*, pension*, unterkunft*,
auberge*, refuge*, hebergement*,
posada*, refugio*, alojamiento*
"""
LODGING_PART: Final = """
check in, check out, checkin, checkout, room, rooms, suite*, breakfast*, half board, full board,
all inclusive, amenit*, facilit*, wifi, wi fi, sauna*, spa, gym,
zimmer*, fruhstuck*, halbpension, vollpension,
chambre*, petit dejeuner, demi pension, piscine*,
habitacion*, desayuno*, media pension, piscina*
"""
LODGING_MENTION: Final = """
pool*, star, stars, bed*, stay, stays, night*, view*, pet, pets, dog*
"""
PLACE: Final = """
beach*, island*, weather, climate, season*, visa*, passport*, vaccin*, destination*,
sightseeing, attraction*, museum*, hike*, hiking, trail*, ski*, slope*, when to go, when to,
visit, best time,
strand*, insel*, wetter, klima, reisezeit*, wander*, impf*,
plage*, meteo, climat, randonn*,
playa*, isla*, clima, senderis*, vacuna*
"""
PLACE_MENTION: Final = """
safe, safety, visit*, see, explore, local, city, cities, town*, village*, country, countries,
mountain*, ferry, ferries, airport*, currency, language*,
sicher, sehen, stadt*, berg*,
sur, visiter, voir, ville*, montagne*,
segur*, visitar, ver, ciudad*, pueblo*, montana*
"""
CHOICE: Final = re.compile(
    r"\b(which|what|welche\w*|quel\w*|cual\w*|cheap\w+|gunstig\w+|moins cher|mas barat\w*)\b"
    r".*\b(or|than|oder|als|ou|que|o)\b"
)
"""A question that offers two things: "which is quieter, X or Y", "cheaper than"."""


def any_of(cues: str) -> re.Pattern[str]:
    """One pattern that finds any of the cues in folded text."""
    words = filter(None, (cue.strip() for cue in cues.split(",")))
    return re.compile(r"\b(?:" + "|".join(word.replace("*", r"\w*") for word in words) + r")\b")

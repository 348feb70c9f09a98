"""The words that give a question's type away, in English, German, French and Spanish.

Cues are separated by commas and folded (lower case, no accents, no punctuation: ``l'hôtel`` is
``l hotel``); ``*`` stands for the rest of a word, ``...`` for at most five words in between.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

GREETING: Final = """
hello, hi, hey, hiya, good morning, good afternoon, good evening, good day, good night, greetings,
thanks, thank you, thank, thx, cheers, bye, bye bye, goodbye, good bye, see you, have a nice *,
have a good *, have a great *, how are you, how is it going, how s it going,
hallo, guten tag, guten morgen, guten abend, gute nacht, moin, servus, gruezi, gruss gott, danke,
dankeschon, vielen dank, besten dank, herzlichen dank, lieben dank, tschuss, tschau,
auf wiedersehen, bis bald, bis dann, schonen tag, schonen abend, schones wochenende, wie geht s,
wie geht es,
bonjour, bonsoir, salut, coucou, merci, au revoir, a bientot, bonne journee, bonne soiree,
bonne nuit, comment allez vous, comment ca va, ca va,
hola, buenos dias, buen dia, buenas, buenas tardes, buenas noches, gracias, adios, hasta luego,
hasta pronto, hasta manana, saludos, ciao, chao, que tal, como esta, como estas
"""
COURTESY: Final = """
there, all, everyone, everybody, team, again, so, very, much, a lot, lots, many, for your *,
for the *, for everything, that, helped, helps, was, is, s, it, me, perfect, great, ok, okay, nice,
today, and, you, too, dear, sir, madam, soon, later, help, helpful,
zusammen, ihnen, euch, dir, fur die *, fur ihre *, fur deine *, das, war, alles, sehr, schon,
einen, noch, und, klar, super, perfekt, auch, hilfe,
beaucoup, bien, infiniment, pour votre *, pour ton *, pour l aide, pour tout, c est *, et, a tous,
monsieur, madame, mademoiselle, vous, toi, tout, d avance, aide, parfait,
muchas, mil, muy, amable, eso, es, todo, por su *, por tu *, por la *, por todo, y, a todos, un,
perfecto, vale, ayuda
"""
"""What may stand around a greeting without making it a question."""

REACH: Final = """
talk, talking, speak, speaking, chat, connect me, connect us, put me, put us, transfer me, pass me,
get hold of,
sprech*, reden, verbinden, verbinde*, weiterleit*, telefonier*, unterhalten, parler, parle,
discuter, passez moi, mettez moi, relation, joindre,
hablar, paseme, pasenme, ponganme, pongame, comuniqueme, comunicar*, atienda*, contactar
"""
REACH_LAST: Final = """
talk to, speak to, speak with, sprechen, reden, verbinden, telefonieren, unterhalten
"""
"""The same where it follows whom one wants."""
SOMEBODY: Final = """
human*, person, someone, somebody, anyone, anybody, agent, agents, operator, representative,
consultant, advisor, adviser, colleague, staff, employee, manager,
mensch, menschen, mitarbeiter*, berater*, jemand*, personlich, kolleg*, ansprechpartner*,
quelqu un, conseiller*, conseillere, humain, personne, operateur, collaborateur, collegue,
persona, alguien, agente, humano, asesor*, companero, operador*, empleado
"""
CALL_BACK: Final = """
contact an agent, contact a human, contact support, contact someone, staff contact me, call me,
call ... back, ring me, phone me, callback, give me a call, contact me, get back to me,
get in touch with me, real person, real human, live agent, human being, this bot, not a bot,
not a robot,
ruckruf, zuruckruf*, rufen sie mich, ruf mich, ruft mich, mich ... anruf*, echten menschen,
echten berater, kein* chatbot, kein* bot, kein* roboter,
rappelez moi, me rappeler, etre rappele*, appelez moi, m appeler, vraie personne, etre humain,
pas un robot,
llamenme, llameme, me llamen, me llame, me pueden llamar, me puede llamar, pueden llamarme,
puede llamarme, devuelv* la llamada, devolver* la llamada, persona real, un humano, no un robot
"""
"""A request for somebody of the agency, in one expression."""
ASKS_WHEN: Final = re.compile(
    r"^(?:when|what time|at what|until when|wann|um wie viel|quand|a quelle heure|cuando"
    r"|a que hora)\b.*"
)
"""A question after office hours: "When can I speak to somebody who knows German?"."""

COMPARISON: Final = """
compar*, vs, versus, difference, differences, differ, differs, better for, better than,
better choice, better option, is better, are better, better to, rather than, or rather,
which of the, which of your, which of these, which of those, which one of, decide between,
choose between, choosing between, torn between, pros and cons, more suitable than, instead of the,
vergleich*, unterschied*, unterscheid*, besser*, gegenuberstell*, schwanken, vorteile, welches von,
welche von, welcher von, welches der beiden, welche der beiden, welcher der beiden, statt lieber,
compare*, mieux ... ou, mieux ... que, meilleure option, plutot que, hesit* entre, lequel,
laquelle, lesquels, lesquelles, choisir entre, avantages,
compara*, diferencia*, distingue*, mejor ... que, mejor ... o, dudamos entre, dudo entre,
elegir entre, cual de los, cual de las, cual de ell*, cual de vuestr*, compensa mas, conviene mas,
ventajas
"""
CHOICE: Final = re.compile(
    r"\b(?:"
    r"which .* or (?:the |in )?\w+(?: \w+)?$"
    r"|(?:better|best|rather|prefer\w*) .* or \w"
    r"|(?:welche[rs]?|eher|lieber|besser) .* oder \w"
    r"|cual .* o \w"
    r"|(?!(?:later|earlier|other|rather|older|younger|longer|over|under|fewer|higher|heavier)\b)"
    r"\w+er than \w"
    r"|(?:more|less) \w{4,} than \w"
    r"|(?:teurer|billiger|gunstiger|besser|schoner|warmer|ruhiger|naher|schneller|einfacher) als \w"
    r"|(?:plus|moins) \w+ que (?!ce)\w"
    r"|(?:mas|menos) \w+ que \w"
    r")"
)
"""A question that offers two things: "which is quieter, X or Y", "cheaper than"."""

PRICE: Final = """
what s the extra, what is the extra, nightly extra, extra for, what sum, quote me, a saving,
we save, penalty, per person, going rate, each of us back, what s a taxi, what would ... be for,
each of us pay, how much, price*, pricing, cost, costs, costing, rate, rates, fee, fees, fare,
fares, tariff*, toll, surcharge*, supplement*, cheap*, expensive, discount*, reduction*, charge,
charges, charged, money off, what ... pay, pay ... anything, pay extra, pay less, less per night,
what ... come to, what ... comes to, set me back, set us back, bill us, bill me, what ... ask for,
what ... asks for, what ... go for, what ... take for, afford, concession*, quotation for,
kostet, kosten, preis*, gebuhr*, zuschlag*, aufpreis*, rabatt*, ermassig*, nachlass, teuer, teurer,
gunstig*, billig*, kurtaxe, tarif*, vergunstig*, hinlegen, was ... zahlen, was ... bezahlen,
was zahl*, was verlang*, viel verlang*, viel ... zahlen, viel ... rechnen, was ... rechnen,
was macht das, was nehmen sie, was nehmt ihr, zahlen ... weniger, wie viel ... ausgeben,
was ... berechnet,
combien, prix, cout*, tarif*, frais, remise*, reduction*, cher, chere, moins cher*, supplement*,
payer, quel budget, que demandez vous, taxe de sejour, taxes, que vaut, facture t on,
cuanto cuesta*, cuanto vale*, cuanto cobra*, cuanto ... pag*, cuanto ... cost*, cuanto ... sal*,
cuanto ... cobr*, cuanto ... gast*, precio*, cuesta*, costar*, coste, tarifa*, recargo*,
descuento*, rebaja*, suplemento*, cobra*, a cuanto, por cuanto, que presupuesto, que vale, barat*,
caro, cara, tasa*
"""
NOT_A_PRICE: Final = """
how much time, how much of, how much luggage, how much baggage, how much hand luggage,
how much snow, how much wine, how much alcohol, how much water, how much earlier, how much longer,
how much notice, how much space, how much cash, charge my, charge our, charge the, monthly rates,
in the price, no extra charge, free of charge,
wie viel uhr, wie viel zeit, wie viel gepack, im preis,
combien de, combien d, combien dur*, combien pes*, combien mesur*, jusqu a combien, dans le prix,
sans payer, sans rien payer, payer par, payer en, payer avec, payer a,
en el precio, cuanto tiempo, cuanto equipaje
"""
"""What sounds like a price and asks for something else."""

UNDOING: Final = """
strike, strikes, wasted, money away, any claim, typo, misspel*, take her place, take his place,
take my place, take my seat, still owe, what share, what about our nights, cancel*, refund*,
rebook*, reimburse*, money back, paid back, pay back, give ... back, call off, call ... off,
withdraw, lose, plans changed, instead of me, swap, change the date*, change the name*,
change the booking, change our *, change my *, name on, postpone, move our *, move my *,
days early, leave early, cut short, no show,
stornier*, storno*, ruckerstatt*, zuruckerstatt*, erstattet, geld zuruck, umbuch*, absagen, absage,
zurucktreten, rucktritt*, verschieben, kundigen, fruher abreis*, ersatzperson,
annul*, rembours*, decaler, reporter, renonc*, changer la date, changer les dates, changer de date,
changer le nom, recuper* ... acompte, desist*, ecourter,
anul*, cancelar, cancelo, cancelamos, cancelacion, reembols*, devuelv* ... dinero, devoluc*,
cambiar la fecha, cambiar las fechas, cambiar el nombre, cambiar mi *, aplazar, renunci*, desist*
"""
"""Cancelling and changing: whoever asks what that costs asks for the terms."""

PAYMENT: Final = """
bit by bit, hand over at first, up front, in advance, deposit, balance, instalment*, installment*,
credit card*, debit card*, mastercard, amex, american express, with visa, by visa, visa card,
by card, paypal, apple pay, bitcoin, klarna, bank transfer, settle, cheque, in cash,
pay in advance, pay back the, spread the, how can i pay, how do we pay,
anzahl*, ratenzahlung, in raten, kreditkart*, restzahlung, restbetrag, uberweis*, fallig,
auf rechnung, bar bezahlen, mit karte,
acompte*, arrhes, solde, en plusieurs fois, carte bancaire, carte de credit, virement, en especes,
reste de la somme, par cheque, par carte,
anticipo, deposito, senal, a plazos, abonar, tarjeta de credito, con tarjeta, en efectivo,
transferencia
"""
"""How and when one pays, which is not how much."""
BOOKING: Final = """
book, booking, bookings, booked, reserve, reserved, reserving, reservation*, payment*,
minimum stay, minimum number of nights, arrive ... on a, sign ... up, availab*, vacanc*,
anything free, nothing free, any rooms left, confirm*, buy ... policy, take out ... policy,
too late to buy, waiting list, sold out,
buch*, gebucht, reservier*, mindestaufenthalt, frei haben, noch etwas frei, noch frei, ausgebucht,
bestatig*, anmeld*, warteliste, verfugbar*, zahlungs*,
reserv*, paiement*, reglement, regler, s inscrire, accept* ... carte, disponib*, sejour minimum,
complet, confirm*, inscri*,
reservar, reserva, reservas, reservo, estancia minima, inscrib*, apunt*, disponib*, pago, pagos,
confirm*, plazas libres, lista de espera, contratar
"""
NOT_A_BOOKING: Final = """
book circle, book club, bookshop, book shop,
buch von, buchhand*, nature reserve, deposit box, marine reserve
"""

OFFICE_TASK: Final = """
annual leave, our margin, we billed, we owe a, our customers, our clients, frontdesk, import,
imports, export*, upload*, log in, login, log on, sign in, signing in, password*, dashboard,
pipeline, template*, csv, crm, spreadsheet*, the system, duplicate client, client record*,
client list, two factor, share link, payroll, payslip*, sign off, approve, approves, approval,
commission, goodwill, do we give, do we grant, do we transfer, do we send, do we ask,
do we offer a, our policy, invite ... colleague, our voucher*, our quote*, our invoice*,
travel voucher*, audit log, webhook, api key, user account, user role, new user, add ... user,
passwor*, kennwort*, kundenkartei*, kundenliste*, vorlage*, im system, hochlad*, lade ... hoch,
exportier*, importier*, tabelle, anmeldedaten, einloggen, benutzer*, nutzerkonto, provision,
freigeben, genehmig*, zugangsdaten,
mot de passe, tableau de bord, fichier*, importer, exporter, fiches, fiche client, modele de,
logiciel, identifiants, me connecter, se connecter, utilisateur*, commission,
contrasena*, tablero, hoja de calculo, plantilla*, importo, importar, exportar, exporto,
el sistema, el programa, iniciar sesion, usuario*, comision, embudo
"""
MAKE: Final = """
send, create, make, write, issue, add, edit, convert, delete, undo, remove, change, put, print,
merge, enter, typed, move, transfer,
erstell*, schick*, verschick*, losch*, anleg*, lege, stelle, gestellt*, ander*,
creer, envoyer, modifier, supprimer, ajouter, fusionner, imprimer,
crear, crea, enviar, envio, anado, anadir, borrar, modificar, configura*, imprimir
"""
PAPERWORK: Final = """
quote*, invoice*, client, clients, customer, customers, a bill, the bill, guests, pupil*, record*,
angebot*, rechnung*, kunde*,
devis, facture*, client, clients,
presupuesto*, factura*, cliente*
"""
OFFICE_OBJECT: Final = """
office, a guest, gift card*, pupils, overpaid, alarm code, solicitor, reporter, our offer,
consultants, button, settings, account, menu item, invoice*, quote number, stage*, a client,
a customer, clients, customers, colleague*, voucher*, the office, our office, staff, logo, a bill,
guests, s refund,
einstellung*, rechnung*, kundin, kunden, gutschein*,
parametres, facture*,
devis, collegue*, bon d achat,
ajustes, factura*, cliente*, companero*, logotipo
"""
ARRANGEMENT: Final = """
ceremony, bride, elope, trauung, ceremonie, noces, noce, mariee, ceremonia, wedding*, marry,
get married,
hochzeit*, heiraten,
mariage*, se marier,
boda*, casarse
"""
NOT_A_PLACE: Final = """
ski boots, ski rental, rental skis, hire skis, ski pass*, lift pass*, my skis, ski ticket,
ski instructor, ski school*, skis de location, clases de esqui, pase de esqui, ferry ticket
"""
LODGING: Final = """
hotel*, lodge*, guesthouse*, guest house*, villa, villas, chalet*, hostel*, accommodation*, inn,
apartment*, studio, studios, bungalow*, cottage*, b b, homestay, palace, residence,
hutte*, berghaus*, gasthaus*, gasthof*, pension, unterkunft*, ferienwohnung*, ferienhaus*,
auberge*, refuge*, hebergement*, gite*, appartement*, logement*,
posada*, refugio*, alojamiento*, hostal*, apartamento*, casa rural
"""
LODGING_PART: Final = """
check in, check out, checkin, checkout, room, rooms, bedroom*, bathroom*, suite*, breakfast*,
half board, full board, all inclusive, amenit*, facilit*, wifi, wi fi, internet, get online,
sauna*, spa, gym, fitness, jacuzzi, hot tub, whirlpool, steam bath, massage*, elevator*, reception,
receptionist*, front desk, concierge, balcon*, terrace*, mattress*, pillow*, bathtub, shower*,
hair dryer, air conditioning, heating, minibar, kitchenette, microwave, fridge, laundry,
room service, kids club, kids programme, playground, casino, bowling, karaoke, hairdresser*,
billiard*, table tennis, ping pong, tennis court, golf course, cinema, swimming pool*,
heated pool*, pool, pools, sun loungers, our key, my key, keys, dress code, cot, cots,
charging station, live music, library, housekeeping,
zimmer*, fruhstuck*, halbpension, vollpension, aufzug, fahrstuhl, rezeption, wlan, internet,
schlussel, balkon*, fitnessraum, schwimmbad, hallenbad, pool, whirlpool, dampfbad, kegelbahn,
haustier*, bezugsfertig, klimaanlage, matratze*, badewanne, dusche, kinderbett, kinderclub,
spielplatz, waschmaschine, kuche, minibar, bademantel, bettwasche, ladestation, nachtruhe,
anreisen, einchecken, auschecken, massage*,
chambre*, petit dejeuner, demi pension, pension complete, piscine*, ascenseur, accueil, balcon*,
salle de sport, chauffee, climatisation, baignoire, lit bebe, club enfants, lave linge, cuisine,
peignoir*, draps, serviettes, minibar, coffre fort, casino, patinoire, aire de jeux,
salle de bain*, massage*, wifi, sauna, jacuzzi, spa, les cles, la cle,
habitacion*, desayuno*, media pension, pension completa, piscina*, ascensor, elevador, recepcion,
gimnasio, aparcamiento, garaje, mascota*, cuna, climatizad*, restaurante, aire acondicionado,
banera, lavadora, cocina, albornoz, toallas, sabanas, minibar, caja fuerte, casino, club infantil,
parque infantil, balneario, wifi, sauna, spa, masaje*, las llaves, la llave
"""
LODGING_MENTION: Final = """
resort, resorts, star, stars, beds, stay, stays, nights, per night, sea view, view of, pet, pets,
dog, dogs, puppy, poodle, evening meal, dinner served, restaurant*, cook, chef, halal, kosher,
vegan, vegetarian, gluten free, parking, park the car, wheelchair, noise, quiet, kids allowed,
put us up, put me up, serve, served,
hund, hunde, hunden, abendessen, mahlzeit, essen, parkplatz, rollstuhl, ruhig, abstellen, vegan*,
glutenfrei, ubernacht*, barrierefrei, bett, betten,
chien*, garer, dorm*, calme, cuisin*, bruit, sejourn*, vegetarien*, fauteuil roulant, parking,
animaux,
perro*, cena, silla de ruedas, cuarto, aparcar, alojar*, dormir, tranquil*, vegetarian*, sin gluten
"""
PLACE: Final = """
snow, snowy, snowfall, sunny, sunshine, zoo, golf, balloon ride*, snowmobile, temperature,
freezing, blossom*, tap water, souvenir*, storm*, nightlife, hire car, rent a car, scooter,
excursion*, tropical, linienbus, letzte bus, hahn, abkuhlen, planschen, golfplatz, temperatur,
kirschblute*, autobus, metro, distillerie, vent, climat tropical, patinaje, bandera roja, bichos,
polvo, temperatura, cadenas, go up, come down, walk through, beach*, island*, islet, weather,
climate, rainy season, season*, destination*, sightseeing, attraction*, museum*, hike, hikes,
hiking, hikers, trek*, parade, trail*, ski, skis, skied, skiing, skiers, slope*, piste*, gondola*,
lifts, ski lift*, skilift*, outing*, snowboard*, powder, glacier*, gorge, waterfall*, lagoon*, bay,
lake*, lakeside, valley*, summit, peak, volcano*, climb, climbing, walk from, walk around, walk up,
walk down, walk to, swim at, swim in, snorkel*, shark*, turtle*, dolphin*, whale*, northern lights,
carnival, festival, market, national park, viewpoint*, when to go, when to, visit, best time,
best month, what time of year, part of the year, sledding, toboggan*, quad, bus, buses, sunset,
windy, tide, tides, cave, caves, canyon, castle, temple, old town, surf, surfing, kite*, sailing,
bloom, mosquito*,
strand*, insel*, wetter, klima, reisezeit*, wander*, schnee, piste*, skigebiet*, ski, skifahren,
gletscher, steigen, meer, see, bluh*, sehenswurd*, nationalpark, rodel*, skilift*, schwimmen gehen,
anfanger, baden, schlucht, wasserfall, berg, gipfel, regenzeit, loipe*, altstadt, markt, bus,
busse, ausflug, ausfluge, aufstieg, abstieg, quallen, wellen, schnorchel*, surfen, vulkan, burg,
tempel, ausblick,
plage*, meteo, climat, randonn*, neige, poudreuse, cote, montee, sommet, averses, plongee, periode,
surf, se baigner, ascension, tempete*, meilleure saison, pistes, skier, grimper, ile, iles,
cascade*, gorges, marche, musee*, vieille ville, sentier*, lagon, requins, tortues, dauphins,
vague*, pluie*, maree*, volcan, chateau, coucher de soleil, bus, saison des pluies,
playa*, isla, islas, islote, clima, senderis*, sendero*, nieve, esqui*, volcan, cumbre, pico,
epoca, visitar, sierra, valle, pistas, cala, calas, telecabina, dunas, nadar, banarse, bucear,
buceo, olas, viento, museo*, mercado, casco antiguo, excursion*, mirador*, castillo, cascada*,
lluvia*, medusas, autobus, cueva*, subir, temporada
"""
PLACE_MENTION: Final = """
safe, safely, safety, see, explore, local, city, cities, town, towns, village*, mountain*, open,
hottest, coldest, warm, cold, quiet, crowd*, rain, swim, bathe, park, drive, driving, in winter,
in summer, in autumn, in spring, month, months, beginners, get to, get up to, guide, permit,
sicher, sehen, stadt*, dorf*, warm, kalt, monat*, weg, erlaubt, komme ich, fuhrer, bergfuhrer,
im sommer, im winter, fahre, verkehr*, regen, tagsuber, touristen, guide,
visiter, voir, ville*, village*, montagne*, chaud, froid, mois, debutant*, comment aller, conduire,
en hiver, en ete, ouvert*, baigner, guide, touristes,
segur*, ver, ciudad*, pueblo*, montana*, calor, frio, mes, meses, noches, principiante*, como voy,
como llego, en verano, en invierno, conducir, guia, permiso, turistas, abiert*
"""
PREPARATION: Final = """
luggage, baggage, suitcase, suitcases, visa, visas, passport*, customs, duty free, vaccin*, insur*,
adapter*, plugs, plug adapter, socket*, charger*, pack, packing, pregnan*, sim card, opening hours,
office hours, phone number, tip, tipping, airline, airlines, by rail, tyres, on board, jet lag,
sunscreen, first aid,
gepack*, handgepack*, koffer, reisepass*, personalausweis*, visum, visumspflicht, zoll, impf*,
versicherung*, reiseversicherung*, versichert, steckdose*, adapter, reiseapotheke, trinkgeld,
offnungszeiten, einreise*, telefonnummer, packliste, sonnencreme, freigepack, fluggesellschaft*,
schwanger*,
bagage*, valise*, passeport*, carte d identite, visa, douane, vaccin*, assurance*, assure,
adaptateur*, pourboire*, carte sim, horaires d ouverture, numero de telephone, trousse,
creme solaire, enceinte, compagnie aerienne,
equipaje*, maleta*, pasaporte*, visado*, dni, aduana, vacuna*, el seguro, seguro de viaje,
enchufe*, adaptador*, propina*, horario de apertura, horario de oficina, numero de telefono,
botiquin, crema solar, embarazad*, aerolinea*
"""
"""Papers, luggage, insurance: no type of its own, so it counts for ``general``."""
TRAVEL: Final = """
ferry, ferries, head protection, ski boots, ski rental, rental skis, hire skis, ski pass*,
lift pass*, my skis, ski ticket, ski instructor, ski school*, skischule, skipass, skiverleih,
forfait*, location de skis, clases de esqui, pase de esqui, fahre, fahren, bus from, coach,
wheelchair, schedule, delayed, lost, stolen, stole, bag, bags, flight*, fly, plane, seat on,
border, plug, medicine*, doctor*, sick, dizzy, rescue, avalanche*, emergency, contact, consultant*,
left behind, forgot, currency, cash, policy, policies, transfer, transfers, taxi*, driver, train,
trains, boat, port, airport, helmet, rental gear, towel*, landing, driving licence, passenger*,
charter, e mail, cover, covered, hospital, altitude, founded, your agency, your company,
flug*, flieger*, pass, apotheke, arzt, arztin, notfall, notruf, lawine*, buro, telefon, bahn,
bahnfahrkarte, seilbahn*, zug, zugticket, reiseleiter*, liegen geblieben, vergessen, einreisen,
krank, bargeld, wahrung, fuhrerschein, helm, hafen, schiff, reiseunterlagen, taxi, fundburo,
grunder*, agentur,
avion, vol, vols, medecin, docteur, horaire*, telephone, aeroport, train, bateau, oublie, urgence*,
malade, avalanche*, permis, casque, monnaie, especes, bureau, taxi, navette, agence, hopital,
secours, ordonnance,
avion, vuelo*, medico, mochila, oficina, telefono, aeropuerto, aterriz*, billete*, tren, olvid*,
urgencia*, enferm*, moneda, casco, carnet, barco, puerto, taxi, agencia, hospital, rescate,
avalancha*
"""
"""The way there and how one fares, with the same type."""


def fold(text: str) -> str:
    """Lower case without accents, punctuation turned into single spaces."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(char for char in decomposed if not unicodedata.combining(char))
    return " ".join(re.sub(r"[\W_]+", " ", bare).split())


def any_of(cues: str) -> re.Pattern[str]:
    """One pattern that finds any of the cues in folded text."""
    return re.compile(alternatives(cues))


def alternatives(cues: str) -> str:
    """The pattern of `any_of`, to be part of a larger one."""
    written = (_pattern(cue.strip()) for cue in cues.split(","))
    return r"\b(?:" + "|".join(filter(None, dict.fromkeys(written))) + r")\b"


def near(first: str, second: str) -> re.Pattern[str]:
    """One pattern that finds a cue of the first kind, then one of the second a few words on."""
    return re.compile(f"{alternatives(first)}{_GAP} {alternatives(second)}")


_GAP: Final = r"(?: \w+){0,5}"


def _pattern(cue: str) -> str:
    return cue.replace(" ... ", f"{_GAP} ").replace("*", r"\w*")

"""Words that ask politely, or that any question may hold: no subject, whatever their rarity."""

from __future__ import annotations

from typing import Final

_WORDS: Final = """
accept accepted actually add agency allow allowed also anyone anything approximately around ask
available away back become been best better big bring buy choose come coming company days decide
different do does done easy else enough ever exactly expect far fast find first fine give given go
going good happen happens have having hello hi hold how husband include included inform
information interested just keep kind know last later least leave let like likely little long look
looking lot make many may maybe mean might mind more most much must need needed needs next nice now
ok okay old one ones order our out own pay people permitted person please possible prefer put quick
quickly really receive recommend regard regarding require required right say see sell set shall
show small somebody someone something soon sort special stay still such suitable sure take taken
takes taking tell thank thanks thing things think time times too travel travelling trip try two
type typical use used using usually visit want way well wife will wish within without wonder work
would year years yes
alles anbieten angeboten bekommen bekomme bietet bitte brauche brauchen braucht darf durfen ende
erlaubt erhalten finde gibt geben gern gerne genau geht gehen gilt gross haben hallo ihnen ihrem
ihren jemand kann kommen kommt lange lasst machen macht mag mitnehmen moglich mochte muss mussen
nehmen passiert personen schon sehr soll sollte tun uberhaupt ungefahr verfugbar viel viele will
wissen wohl wollen wurde zulassig
accepte acceptez accepter aller apporter autorise avez avoir besoin bonjour combien comment dire
disponible donner dois doit emmener est faire faut il merci peut peux permis personne possible
pouvez prendre proposez quel quelle savoir sont souhaite venir veux voudrais voyage vous
aceptan acepta admiten alguien algo buenos cuanto cuanta cuantos dan dar debe debo decir disponible
hacer hay hola ir llevar lleva necesito necesita ofrece ofrecen permite permiten permitido persona
posible puede puedo quiero quisiera saber tiene tienen tomar venir viaje viajar
"""

FILLERS: Final = frozenset(_WORDS.split())
"""Folded."""

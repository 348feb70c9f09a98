"""Words that ask politely, or that any question may hold: no subject, whatever their rarity."""

from __future__ import annotations

from typing import Final

_WORDS: Final = """
ab abuela abuelo accept accepte accepted accepter acceptez acepta aceptan actually add admiten
agency algo alguien aller alles allow allowed also ami amie amiga amigo amigos amis anbieten
angeboten anyone anything apporter approximately around ask asked asks aun aunt autorise available
avez avoir away back become been bekomme bekommen besoin best better bietet big birthday bitte
bonjour boyfriend brauche brauchen braucht bring brother bruder buenos buy choose chose colleague
combien come coming comment company copains couple cousin cuanta cuanto cuantos dad dan dar darf
days debe debo decide decir deja different dire disponible do does dois doit done donner durfen
early easy else eltern emmener encore ende enough erhalten erlaubt es esposa esposo est ever
exactly expect faire far fast father faut femme find finde fine first frere freund freunde
freundin friend friends ganz gar geben gehen geht genau gern gerne gibt gilt girlfriend give given
go going good grand grandfather grandmother grandparents gross grossmutter grossvater ha haben
hacer hallo happen happens hard has have having hay he hello hemos hermana hermano hi hola hold
how husband ihnen ihrem ihren il immer include included inform information interested ir jamais
jemand just kann keep kind know komme kommen kommst kommt lang lange lasst last later least leave
legt let liegt like likely little lleva llevar long look looking lot love loves machen macht madre
mag make mann many mari marido mas may maybe mean merci mere might mind mitnehmen mochte moglich
more most mother much mujer mum muss mussen must mutter muy necesita necesito need needed needs
nehmen nephew next nice niece now nunca ofrece ofrecen oft ok okay old oma one ones opa order our
out owe own padre padres parents passe passiert pay people pere permis permite permiten permitido
permitted person persona personen personne peut peux plan planning please posible possible pouvez
prefer prendre pro proposez puede puedo put quel quelle quelque quick quickly quiero quisiera
really receive recommend regard regarding require required right saber savoir say schon schwester
see sehr selbst sell set shall show siempre sister small soeur soll sollte somebody someone
something sommes sont soon sort souhaite special stay still such suis suitable sure take taken
takes taking tell thank thanks thing things think tiene tienen time times tomar too toujours
travel travelling tres trip trop try tun two type typical uberhaupt uncle ungefahr use used using
usually vater veces venir verfugbar veux vez viajar viaje viel viele visit voudrais vous voyage
want wanted wants way well wife will wish wissen within without wohin wohl wollen wonder work
would wurde ya year years yes zulassig
"""

FILLERS: Final = frozenset(_WORDS.split())
"""Folded."""

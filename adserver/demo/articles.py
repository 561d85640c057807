"""The articles of Le Comptoir, the magazine of the demonstration.

Its town, its people and its figures are invented. Bodies are trusted HTML, written here with the
keys of any keyboard; `typeset` then sets the apostrophes and no-break spaces that French wants.
`ad_mode` chooses how the page gets its advertisements: as fragments that the server pastes in,
or by the browser tag (docs/slots.md).
"""

from __future__ import annotations

import datetime

from adserver.demo.article import Article

ARTICLES: tuple[Article, ...] = (
    Article(
        slug="maregraphe-boite-a-biscuits",
        title="Le marégraphe tenait dans une boîte à biscuits",
        standfirst=(
            "Pendant onze ans, la hauteur d'eau affichée à l'entrée du port a été fausse. "
            "Il a fallu quarante-trois euros, un couvercle percé et un cahier ouvert à tous "
            "pour que la ville s'en occupe."
        ),
        section="tech",
        tags=("port", "capteurs", "données ouvertes"),
        date=datetime.date(2026, 11, 20),
        minutes=3,
        illustration="maregraphe.svg",
        illustration_alt=(
            "Dessin : une boîte en fer-blanc coiffée d'une antenne, fixée au-dessus de l'eau "
            "le long d'une échelle de marée."
        ),
        body=(
            "<p>Douze centimètres, parfois quinze. L'erreur n'était pas grande, et tout "
            "Port-Halbran la connaissait. Les pêcheurs la corrigeaient de tête ; les plaisanciers "
            "la découvraient avec leur quille. Le capteur officiel, vissé contre la pile nord du "
            "pont, n'en continuait pas moins d'envoyer ses chiffres avec l'aplomb des machines "
            "que l'on ne contredit pas.</p>",
            "<p>La capitainerie n'ignorait rien du problème. Elle avait même un devis : 19 000 € "
            "pour un appareil neuf, sa pose par des scaphandriers et un abonnement annuel dont "
            "personne n'avait lu les annexes. Le dossier passait d'un budget au suivant, toujours "
            "recevable, jamais urgent.</p>",
            "<h2>Quarante-trois euros de matériel</h2>",
            "<p>Un samedi de mars, trois habitués de l'atelier partagé du quai Nord ont posé sur "
            "la table un télémètre à ultrasons, une petite carte radio et une boîte à biscuits. "
            "L'instrument, suspendu à quatre mètres au-dessus de l'eau, regarde vers le bas et "
            "mesure le temps que met un claquement à revenir. C'est tout. Le reste est une "
            "affaire de patience : il prend cent mesures en dix secondes, jette les plus "
            "farfelues, garde celle du milieu, et recommence à la minute suivante.</p>",
            "<p>La boîte a donné plus de mal que l'électronique. Le fer-blanc arrête les ondes : "
            "le premier exemplaire fonctionnait à merveille et ne le disait à personne. Il a "
            "fallu percer le couvercle pour l'antenne, puis le rendre étanche, puis comprendre "
            "que la rosée du matin faussait tout, et doubler le fond d'une chute de liège.</p>",
            "<blockquote><p>« Un chiffre sans sa marge d'erreur, c'est une opinion qui porte un "
            "uniforme. »</p></blockquote>",
            "<h2>Publier ses doutes</h2>",
            "<p>Le plus intéressant n'est pourtant pas dans la boîte. À côté de chaque hauteur, "
            "le groupe publie l'incertitude du moment : deux centimètres par temps calme, six "
            "quand la houle entre dans le chenal. Il publie aussi son cahier d'entretien, erreurs "
            "comprises. On y lit que le capteur a été muet quatre jours en avril (une araignée), "
            "qu'il a dérivé en juin (le soleil) et qu'il est comparé, chaque premier du mois, à "
            "la vieille échelle de laiton gravée dans le quai.</p>",
            "<p>C'est ce cahier qui a tout changé. On ne discute pas avec un afficheur ; on "
            "discute très bien avec des gens qui écrivent « nous pensons nous être trompés mardi "
            "». Le patron du bac a signalé un écart à la renverse. Une élève du lycée maritime a "
            "trouvé la formule qui manquait. Et la capitainerie, d'abord froissée, a fini par "
            "poser les deux courbes l'une sur l'autre.</p>",
            "<h2>Douze centimètres plus tard</h2>",
            "<p>L'appareil officiel n'a pas été remplacé. Il a été réglé : une après-midi, une "
            "clé de douze et le courage d'écrire que l'ancien chiffre ne valait rien. La boîte à "
            "biscuits est restée à son poste, au cas où. Deux mesures qui se surveillent valent "
            "mieux qu'une mesure que l'on croit.</p>",
            "<p>On aurait tort d'en tirer une fable contre les institutions. Les bricoleurs du "
            "quai Nord le disent eux-mêmes : ils n'auraient jamais su qu'ils se trompaient sans "
            "l'échelle de laiton, posée là en 1887 par un service de l'État, et que quelqu'un, "
            "chaque printemps depuis, a pris la peine de brosser.</p>",
        ),
        ad_mode="fragment",
    ),
    Article(
        slug="criee-sans-crieur",
        title="Ce que la criée a perdu en se taisant",
        standfirst=(
            "Depuis que le poisson se vend au bouton, on entend les mouettes sous la halle. "
            "Une documentariste a retrouvé les voix d'avant, et avec elles une langue que "
            "plus personne ne parle."
        ),
        section="culture",
        tags=("port", "mémoire", "son"),
        date=datetime.date(2026, 11, 13),
        minutes=3,
        illustration="criee.svg",
        illustration_alt=(
            "Dessin : des caisses de poissons alignées sous un cadran d'enchères lumineux."
        ),
        body=(
            "<p>À cinq heures du matin, sous la halle de Port-Halbran, on vend la pêche de la "
            "nuit sans dire un mot. Les acheteurs sont assis en gradins, un boîtier dans la main. "
            "Un prix descend sur un écran, centime après centime ; le premier qui appuie emporte "
            "le lot. Le tout dure quatre secondes. Quelqu'un tousse. On passe à la caisse "
            "suivante.</p>",
            "<p>C'est propre, équitable, vérifiable. Les prix sont meilleurs pour les petits "
            "bateaux, parce que l'on achète maintenant depuis trois départements. Personne, parmi "
            "les patrons que nous avons interrogés, ne voudrait revenir en arrière. Et presque "
            "tous, à un moment de la conversation, ont baissé la voix pour imiter le crieur.</p>",
            "<h2>Quarante heures de bande</h2>",
            "<p>Une documentariste, venue filmer tout autre chose, a découvert dans un placard de "
            "l'ancienne coopérative un carton de bandes magnétiques. L'école de commerce du "
            "département les avait enregistrées dans les années soixante-dix pour étudier la "
            "formation des prix, puis oubliées. Quarante heures de ventes, prises au milieu de la "
            "halle, avec le bruit des sabots, des bennes et de la pluie sur la tôle.</p>",
            "<p>À la première écoute, on ne comprend rien. Le crieur ne dit pas les prix : il les "
            "chante, sur trois notes, en avalant les dizaines. Un acheteur ne dit pas « je prends "
            "» mais « à moi du quai », s'il paie comptant, ou « à moi du ciel », s'il paiera "
            "quand il pourra. Le silence lui-même se négocie. Un lot qui ne trouve pas preneur « "
            "dort », puis « se retourne », puis part « aux chats ».</p>",
            "<blockquote><p>« Ce n'était pas du folklore. C'était un protocole, avec ses accusés "
            "de réception et ses erreurs. »</p></blockquote>",
            "<h2>Un métier d'oreille</h2>",
            "<p>En transcrivant les bandes, elle s'est aperçue que le crieur ralentissait pour "
            "certains. Non par faveur : il savait qui avait du monde à nourrir, qui entendait mal "
            "de l'oreille gauche, qui venait d'enterrer un frère et n'avait pas la tête aux "
            "chiffres. Le cadran lumineux, lui, descend à la même vitesse pour tous. C'est sa "
            "justice ; c'est aussi sa limite. Il traite également des gens qui ne sont pas égaux "
            "à cinq heures du matin.</p>",
            "<p>Faut-il le regretter ? Les anciens s'y refusent. L'oreille du crieur pouvait être "
            "bonne ; elle pouvait aussi être mauvaise, et l'on n'avait alors aucun recours. « "
            "Avec le bouton, je perds contre un bouton, dit un mareyeur. Avant, je perdais contre "
            "un homme qui ne m'aimait pas. »</p>",
            "<h2>Rendre les voix</h2>",
            "<p>Les bandes ont été numérisées cet automne par les archives municipales. On peut "
            "les écouter sur place, au casque, dans la salle qui donne sur le bassin. L'idée de "
            "les diffuser sous la halle, à l'heure de la vente, a été poliment écartée : "
            "quelqu'un aurait fini par enchérir.</p>",
            "<p>Il reste un lexique de deux cent six expressions, que la documentariste publiera "
            "au printemps. La dernière entrée est la plus courte. Quand tout était vendu, le "
            "crieur ne disait ni merci ni à demain. Il frappait une fois dans ses mains et disait "
            ": « Blanc. » Alors on pouvait parler.</p>",
        ),
        ad_mode="tag",
    ),
    Article(
        slug="reprendre-la-voilerie",
        title="Six voiliers pour une voilerie",
        standfirst=(
            "Le patron partait, l'acheteur voulait les murs. Les six salariés de la voilerie du "
            "quai Sud ont racheté leur atelier. Récit d'une reprise où le plus difficile n'a pas "
            "été l'argent."
        ),
        section="business",
        tags=("artisanat", "coopérative", "transmission"),
        date=datetime.date(2026, 11, 6),
        minutes=3,
        illustration="voilerie.svg",
        illustration_alt=(
            "Dessin : une grande voile en cours d'assemblage, une aiguille et son fil."
        ),
        body=(
            "<p>Le mot fait sourire une fois, puis on l'oublie : un voilier, c'est aussi celui "
            "qui fait les voiles. Ils sont six au quai Sud, cinq voiliers et une comptable à "
            "mi-temps, dans un atelier de quarante mètres de long dont le plancher ciré sert de "
            "table. On y travaille à genoux, en chaussettes. Les machines à coudre sont dans des "
            "fosses, pour que la toile reste à plat.</p>",
            "<p>Quand le patron a annoncé son départ, deux offres étaient déjà sur son bureau. "
            "L'une venait d'un groupe qui fait coudre ailleurs et cherchait une adresse. L'autre, "
            "d'un promoteur qui trouvait le plancher très beau. Aucune ne parlait des commandes "
            "en cours.</p>",
            "<h2>Compter avant de rêver</h2>",
            "<p>La comptable a fermé la porte et écrit trois nombres au tableau. Le prix demandé "
            ": 310 000 €. Ce que l'atelier gagnait une fois tout le monde payé : 38 000 € par an, "
            "les bonnes années. Ce que les six pouvaient mettre ensemble sans hypothéquer "
            "personne : 54 000 €. « Avec ces trois-là, dit-elle, on savait déjà si c'était une "
            "folie ou un effort. C'était un effort. »</p>",
            "<p>Le montage est classique pour une société coopérative : un prêt bancaire sur sept "
            "ans, un prêt participatif du mouvement, et un vendeur qui accepte d'être payé en "
            "partie plus tard. Ce dernier point a décidé de tout. Un patron qui laisse 60 000 € "
            "dans l'affaire pendant trois ans ne dit pas seulement qu'il a confiance : il répond "
            "encore au téléphone.</p>",
            "<h2>Qui décide, le lundi ?</h2>",
            "<p>L'argent a pris quatre mois. L'autre question en a pris neuf. Dans une "
            "coopérative, chacun a une voix ; sur un plancher de voilerie, il en faut une seule "
            "quand trente mètres de toile glissent vers la machine. Ils ont d'abord tout voté, y "
            "compris la marque du café. Puis ils ont séparé deux cahiers. Dans le bleu, ce qui "
            "engage plus d'un an : on vote. Dans le rouge, ce qui engage la journée : celui dont "
            "c'est le poste décide, et les autres peuvent lui dire vendredi qu'il a eu tort.</p>",
            "<blockquote><p>« On croyait racheter un atelier. On rachetait surtout des habitudes, "
            "et il a fallu les inventorier aussi. »</p></blockquote>",
            "<h2>Le carnet de commandes</h2>",
            "<p>Dix-huit mois plus tard, l'atelier n'a pas grandi, et c'est voulu. Il a abandonné "
            "les voiles de régate, glorieuses et payées en retard, pour la réparation, les tauds "
            "et une spécialité inattendue : les grandes toiles de scène, qui se cousent comme des "
            "génois et se paient comme des décors. La marge est passée de sept à onze pour cent. "
            "Le plus jeune a été augmenté le premier.</p>",
            "<p>Reste une échéance que personne n'a inscrite au tableau. Dans quatre ans, deux "
            "des six partiront à leur tour, et il faudra que d'autres aient envie de se mettre à "
            "genoux sur ce plancher. Une apprentie commence en janvier. Elle a demandé, à "
            "l'entretien, si elle pourrait un jour acheter une part. On lui a répondu qu'il "
            "faudrait d'abord apprendre à coudre droit ; puis on est allé chercher le cahier "
            "bleu, et on l'a noté.</p>",
        ),
        ad_mode="fragment",
    ),
    Article(
        slug="un-site-qui-ne-sait-rien",
        title="Éloge d'un site qui ne sait rien de vous",
        standfirst=(
            "Nous avons retiré de ces pages tout ce qui vous suivait. La publicité est restée, "
            "les bandeaux sont partis. Bilan d'un an de régime, chiffres compris."
        ),
        section="tech",
        tags=("web", "vie privée", "publicité"),
        date=datetime.date(2026, 10, 30),
        minutes=3,
        illustration="page-blanche.svg",
        illustration_alt="Dessin : une page web au milieu de laquelle un œil reste fermé.",
        body=(
            "<p>Il y a un an, ouvrir un article du Comptoir faisait partir cent douze requêtes "
            "vers trente-quatre entreprises. Nous ne les avions pas toutes choisies. Nous en "
            "avions installé quatre, qui en avaient invité d'autres, comme il arrive dans les "
            "soirées où l'on a laissé la porte entrouverte.</p>",
            "<p>Aujourd'hui, la même page en envoie neuf, toutes chez nous. Elle ne dépose aucun "
            "témoin, ne vous attribue aucun numéro et ne sait pas si vous êtes déjà venu. Elle "
            "contient pourtant de la publicité, et cette publicité paie le loyer. Voici comment, "
            "et ce que cela nous a coûté.</p>",
            "<h2>Vendre la page plutôt que le lecteur</h2>",
            "<p>Le principe tient en une phrase : l'annonce dépend de ce que vous lisez, pas de "
            "ce que vous êtes. Un torréfacteur achète la page d'accueil du matin. Un atelier de "
            "cycles réserve les heures où quelqu'un peut décrocher. Un théâtre veut la rubrique "
            "Culture. Tout cela, la page le sait d'elle-même : son sujet, sa langue, l'heure "
            "qu'il est. Elle n'a besoin d'interroger personne.</p>",
            "<p>Nos annonceurs sont presque tous à moins d'une heure de route. Aucun ne nous "
            "avait jamais demandé à qui, au juste, il s'adressait. Ils voulaient savoir où, "
            "quand, et combien de fois. Les tableaux que nous leur envoyions autrefois "
            "répondaient à toutes les questions sauf ces trois-là.</p>",
            "<h2>Compter juste, sans compter les gens</h2>",
            "<p>Une affiche vue, un clic : chaque événement est compté une fois, ceux que nous "
            "écartons sont écartés pour une raison écrite, et l'annonceur lit la même page que "
            "nous. Nous ignorons en revanche combien de personnes différentes cela fait. La "
            "question nous a occupés tout un hiver. Puis nous avons relu nos anciens rapports : "
            "ils annonçaient plus de visiteurs que la région ne compte d'habitants.</p>",
            "<blockquote><p>« Ne pas savoir n'est pas une panne. C'est une décision, et elle "
            "s'entretient. »</p></blockquote>",
            "<h2>Les chiffres</h2>",
            "<ul>"
            "<li>Le poids d'un article est passé de 4,1 mégaoctets à 310 kilo-octets.</li>"
            "<li>La part des lecteurs qui vont jusqu'au dernier paragraphe a gagné un tiers.</li>"
            "<li>Le prix moyen de mille affichages a baissé de 22 %.</li>"
            "<li>Ce qu'il nous en reste a augmenté de 9 %, faute d'intermédiaires à payer.</li>"
            "</ul>",
            "<p>Nous n'en ferons pas une loi. Un quotidien national ne vit pas des annonces d'une "
            "brûlerie, et certaines régies n'achètent que du lecteur découpé en tranches. Mais "
            "pour une publication dont on connaît la devanture, l'échange était mauvais : nous "
            "livrions nos lecteurs à trente-quatre entreprises, dont trente ne nous avaient "
            "jamais dit bonjour.</p>",
            "<p>Le bandeau de consentement a disparu le même jour. Il ne restait rien à quoi "
            "consentir. Trois personnes nous ont écrit pour demander si le site était en panne : "
            "elles ne retrouvaient plus le bouton « Tout refuser ».</p>",
        ),
        ad_mode="tag",
    ),
    Article(
        slug="bibliotheque-a-quai",
        title="La bibliothèque qui monte avec la marée",
        standfirst=(
            "Une péniche, neuf mille livres, aucune amende. À bord de la bibliothèque flottante, "
            "on a cessé de réclamer les retards. Les livres, depuis, rentrent mieux."
        ),
        section="culture",
        tags=("lecture", "port", "bien commun"),
        date=datetime.date(2026, 10, 23),
        minutes=3,
        illustration="bibliotheque.svg",
        illustration_alt="Dessin : une péniche dont la cargaison est faite de livres géants.",
        body=(
            "<p>On entre par une passerelle dont la pente change d'heure en heure. À marée haute, "
            "on monte vers les romans ; à marée basse, on y descend. La péniche a transporté du "
            "sable pendant trente ans, puis rien pendant douze, avant que la ville ne la rachète "
            "au prix de la ferraille pour loger les livres dont le toit fuyait.</p>",
            "<p>C'était provisoire. Neuf ans plus tard, le provisoire a des rideaux, un poêle et "
            "une règle que viennent étudier des bibliothécaires de toute la façade : ici, on ne "
            "paie pas ses retards.</p>",
            "<h2>L'arithmétique des amendes</h2>",
            "<p>La décision n'avait rien de lyrique. L'ancienne directrice avait fait ses comptes "
            ": les pénalités rapportaient 1 340 € par an et coûtaient, en lettres, en heures de "
            "guichet et en disputes, un peu plus du double. Surtout, la liste des lecteurs "
            "débiteurs ressemblait trait pour trait à la liste de ceux que l'on cherchait à faire "
            "venir. À trois euros de dette, une famille ne rend pas le livre. Elle change de "
            "trottoir.</p>",
            "<p>Le jour de l'amnistie, il est revenu quatre cent douze ouvrages en une semaine. "
            "L'un d'eux, un traité des nœuds, manquait depuis vingt-six ans. Il avait visiblement "
            "servi.</p>",
            "<h2>Un livre dehors n'est pas un livre perdu</h2>",
            "<p>Depuis, le bateau applique une consigne simple. Un livre est prêté tant que "
            "personne ne l'attend. Dès que quelqu'un le demande, celui qui le détient reçoit un "
            "mot, avec un prénom : « Nour aimerait lire ce livre avant les vacances. » Pas de "
            "date, pas de menace. Le délai moyen de retour, quand un tel mot est parti, est de "
            "quatre jours.</p>",
            "<blockquote><p>« On n'a pas supprimé la contrainte. On lui a donné un visage. "
            "»</p></blockquote>",
            "<p>Cela suppose de petites proportions. La bibliothécaire du bord ne prétend pas que "
            "la méthode conviendrait à une ville d'un million d'habitants. Elle fait seulement "
            "remarquer que l'on pourrait découper un million d'habitants en quartiers, et que "
            "chacun aurait bien, quelque part, un bateau.</p>",
            "<h2>Les contraintes de l'eau</h2>",
            "<p>Tout n'est pas charmant. L'humidité gondole les atlas. Les jours de grand "
            "coefficient, le rayon des beaux livres penche de trois degrés et l'on cale les "
            "sculptures avec des dictionnaires. On ne peut pas dépasser neuf mille volumes sans "
            "toucher le fond à basse mer : chaque arrivée suppose donc un départ, et le "
            "désherbage, cette opération que les bibliothèques mènent d'ordinaire en silence, se "
            "fait ici sur le pont, le premier dimanche du mois, devant qui veut. On se défend, on "
            "plaide, on repart avec un volume sous le bras.</p>",
            "<p>C'est peut-être la vraie trouvaille. Une collection sur terre ferme s'accroît "
            "sans qu'on y pense. Celle-ci a une ligne de flottaison : un trait de peinture "
            "blanche, que l'on va regarder de temps en temps, et qui dit exactement combien une "
            "ville peut aimer de livres à la fois.</p>",
        ),
        ad_mode="fragment",
    ),
    Article(
        slug="anatomie-d-un-cafe",
        title="Anatomie d'un café à un euro quatre-vingts",
        standfirst=(
            "Le café du coin a augmenté de vingt centimes et le quartier en a parlé deux jours. "
            "La patronne a posé ses factures sur le zinc. Nous les avons lues."
        ),
        section="business",
        tags=("café", "commerce", "prix"),
        date=datetime.date(2026, 10, 16),
        minutes=3,
        illustration="cafe.svg",
        illustration_alt="Dessin : une tasse vue en coupe, remplie de couches de couleur.",
        body=(
            "<p>L'ardoise a changé un lundi. Un euro soixante la veille, un euro quatre-vingts le "
            "matin. Personne n'a rien dit au comptoir ; tout le monde en a parlé dehors. Le mardi "
            "soir, la patronne a pris une feuille, un feutre, et affiché à côté du percolateur ce "
            "que devient l'argent d'un café bu debout. Elle a bien voulu nous ouvrir le classeur "
            "dont la feuille était tirée.</p>",
            "<h2>Le grain, d'abord, ou plutôt ensuite</h2>",
            "<p>Sept grammes et demi de café torréfié à deux rues d'ici, à 24 € le kilo : "
            "dix-huit centimes. C'est la seule dépense à laquelle pensent les clients, et c'est à "
            "peine un dixième du prix. Le sucre, que la moitié laisse dans la soucoupe, fait un "
            "centime. L'eau, l'électricité et le filtre de la machine, six. Le verre d'eau offert "
            "à côté est le seul article de la maison qui n'ait jamais augmenté.</p>",
            "<p>Viennent ensuite seize centimes de taxe, qui ne font que traverser la caisse. "
            "Puis le loyer : le café est petit, la rue est belle, vingt-neuf centimes. Puis la "
            "machine, qui coûte autant qu'une voiture et vieillit plus vite : onze.</p>",
            "<h2>Le temps de quelqu'un</h2>",
            "<p>La grosse part n'est pas une matière. Servir un café prend une minute et demie, "
            "si l'on compte la tasse que l'on lave, la table que l'on essuie et la monnaie que "
            "l'on rend. Mais il faut aussi payer les minutes où personne n'entre, entre trois et "
            "quatre heures, parce qu'un café fermé l'après-midi est un café que l'on oublie le "
            "matin. Salaires et cotisations : soixante-dix-huit centimes.</p>",
            "<p>Faisons l'addition. Dix-huit, un, six, seize, vingt-neuf, onze, soixante-dix-huit "
            ": un euro cinquante-neuf. Assurance, comptable, casse et musique en ajoutent douze. "
            "Il reste neuf centimes, avant l'impôt. Au tarif d'avant, la maison perdait près de "
            "dix centimes par tasse et se rattrapait sur les tartines.</p>",
            "<blockquote><p>« Les gens ne trouvent pas le café cher. Ils trouvent que vingt "
            "centimes, c'est beaucoup pour une mauvaise nouvelle. »</p></blockquote>",
            "<h2>Ce que l'on achète</h2>",
            "<p>La feuille a eu un effet que la patronne n'attendait pas. On ne lui parle plus du "
            "prix ; on lui parle du loyer, des trois heures creuses, de la machine. Un client a "
            "proposé de venir travailler l'après-midi avec deux collègues, à la table du fond, "
            "pour « remplir la minute ». Une voisine a demandé si le verre d'eau ne devrait pas "
            "être payant. La réponse a été non, et elle n'était pas commerciale.</p>",
            "<p>Reste la question que pose tout prix affiché : à quoi le compare-t-on ? À celui "
            "de la capsule bue chez soi, il est ruineux. À celui d'une heure au chaud, avec un "
            "journal qui n'est pas le vôtre, une fenêtre sur le bassin et quelqu'un qui sait "
            "comment vous l'aimez, il est difficile de trouver moins cher. Le grain, dans "
            "l'affaire, n'est que le prétexte. Il vaut dix-huit centimes.</p>",
        ),
        ad_mode="tag",
    ),
    Article(
        slug="le-pont-et-la-manivelle",
        title="Le pont, la mise à jour et la manivelle",
        standfirst=(
            "Un mercredi de septembre, le pont levant s'est levé et n'a plus voulu redescendre. "
            "La ville a passé six heures coupée en deux, puis s'est souvenue d'une trappe."
        ),
        section="tech",
        tags=("port", "logiciel", "maintenance"),
        date=datetime.date(2026, 10, 9),
        minutes=3,
        illustration="pont.svg",
        illustration_alt=("Dessin : un pont levant grand ouvert, un voilier entre ses deux piles."),
        body=(
            "<p>Il était 11 h 20, la mer étale, un voilier de passage avait demandé l'ouverture. "
            "Les deux volées du pont se sont dressées comme chaque jour. Le voilier est passé. "
            "Puis le pupitre a affiché une phrase que personne n'avait jamais lue : « "
            "Configuration en cours, veuillez patienter. » On a patienté jusqu'à la nuit.</p>",
            "<p>La cause n'a rien de mystérieux, et le rapport que la régie vient de publier a le "
            "mérite de ne pas la cacher. L'automate du pont avait reçu, la semaine précédente, "
            "une mise à jour du fournisseur. Elle devait s'installer au prochain redémarrage. Le "
            "prochain redémarrage fut une microcoupure, pendant la manœuvre. Réveillé en l'air, "
            "l'automate a cherché sa position de référence, qui est le pont fermé, ne l'a pas "
            "trouvée, et s'est mis à attendre qu'on la lui rende.</p>",
            "<h2>Un état que nul n'avait dessiné</h2>",
            "<p>Les ingénieurs connaissent bien ce genre de trou. On prévoit le pont fermé, le "
            "pont ouvert, le pont en mouvement. On prévoit la panne dans chacun des trois cas. On "
            "oublie la naissance : le moment où le programme commence à vivre sans savoir dans "
            "quel monde il arrive. Il aurait suffi qu'il regarde les capteurs, qui savaient tout, "
            "plutôt que sa mémoire, qui était vide.</p>",
            "<blockquote><p>« La bonne question, au démarrage, n'est pas : où étais-je ? C'est : "
            "où suis-je ? »</p></blockquote>",
            "<h2>La trappe</h2>",
            "<p>Vers seize heures, un retraité du port s'est présenté au poste avec une "
            "photographie. On y voyait quatre hommes, en 1974, poussant une barre dans une "
            "chambre sous la chaussée. La manivelle existait donc. Elle existait même sur les "
            "plans, sous un nom que l'on n'emploie plus. Il a fallu déplacer une jardinière, "
            "découper un cadenas, graisser ce qui pouvait l'être. À 17 h 40, huit agents se "
            "relayaient sur la barre. Il faut, pour abaisser une volée de soixante tonnes bien "
            "équilibrée, neuf cents tours et une certaine égalité d'humeur.</p>",
            "<p>Le premier piéton a traversé à 18 h 05, sous les applaudissements des deux rives. "
            "C'était un facteur, qui n'avait pas lâché sa sacoche.</p>",
            "<h2>Ce qui change, ce qui demeure</h2>",
            "<p>La régie a pris trois mesures, que l'on aimerait voir ailleurs. Les mises à jour "
            "ne s'installent plus d'elles-mêmes : quelqu'un choisit l'heure, et ce n'est jamais "
            "une heure de marée. Le programme, à son réveil, relit d'abord le monde. Et le "
            "premier lundi de chaque trimestre, le pont est abaissé à la main, devant qui veut, "
            "jardinière ôtée et cadenas neuf.</p>",
            "<p>Cette dernière décision a été la plus discutée. Elle immobilise huit agents une "
            "demi-journée pour un événement qui, en un demi-siècle, ne s'est produit qu'une fois. "
            "Le directeur a répondu qu'il ne s'agissait pas de vérifier la manivelle, laquelle "
            "est en fonte et n'a besoin de personne. Il s'agissait de vérifier que l'on sait "
            "encore où elle est.</p>",
        ),
        ad_mode="fragment",
    ),
)

BY_SLUG: dict[str, Article] = {article.slug: article for article in ARTICLES}

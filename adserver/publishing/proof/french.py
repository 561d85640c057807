"""The words of a proof in French; values stand in braces.

Written with plain spaces: `words` puts those that do not break before signs and within quotes.
"""

from __future__ import annotations

from collections.abc import Mapping

from adserver.core.reasons import Discard

WORDS: Mapping[str, str] = {
    "title": "Justificatif de diffusion",
    "and": "{first} et {last}",
    "moment": "{day} à {time} ({zone})",
    "hours": "{number} heures",
    "minutes": "{number} minutes",
    "seconds": "{number} secondes",
    "agreed": "Ce qui a été convenu",
    "publisher": "Éditeur",
    "advertiser": "Annonceur",
    "paid_by": "Payé par",
    "order": "Bon de commande",
    "campaign": "Campagne",
    "campaigns": "Campagnes",
    "flight": "Période de diffusion",
    "flight_days": "du {first} au {last} inclus ({zone})",
    "flight_day": "{first} ({zone})",
    "flight_moments": "du {first} au {last}",
    "flight_from": "à partir du {first}, sans fin",
    "flight_until": "jusqu’au {last}",
    "flight_open": "sans dates",
    "window": "Période du justificatif",
    "window_both": "du {first} au {last}",
    "window_from": "à partir du {first}",
    "window_until": "jusqu’au {last}",
    "tier": "Niveau",
    "tier_sponsorship": "parrainage : une part du trafic, avant tous les autres",
    "tier_standard": "standard : un nombre, réparti sur la période",
    "tier_remnant": "invendus : ce que d’autres n’ont pas acheté, au meilleur prix",
    "tier_house": "maison : une annonce de l’éditeur lui-même",
    "goal": "Objectif",
    "goal_none": "aucun nombre n’a été acheté",
    "goal_share": "{share} du trafic auquel elle a droit",
    "buffer": "Marge",
    "buffer_is": (
        "{share} au-delà de l’objectif peuvent être diffusés par précaution ; ils ne sont"
        " pas facturés"
    ),
    "limits": "Limites",
    "limit_day": "au plus {many} par jour",
    "limit_total": "au plus {many} en tout",
    "limit_reader": "au plus {many} par navigateur et par {period}",
    # One of it, and several.
    "impressions_many": "{number} impression|{number} impressions",
    "clicks_many": "{number} clic|{number} clics",
    "period_hour": "heure",
    "period_day": "jour",
    "period_week": "semaine",
    "period_month": "mois",
    "period_flight": "campagne",
    "price": "Prix",
    "price_none": "aucun n’a été convenu",
    "price_cpm": "{amount} pour mille impressions (CPM)",
    "price_cpc": "{amount} par clic (CPC)",
    "price_flat": "{amount} pour toute la période (forfait)",
    "unknown": (
        "Cette campagne n’est plus en ligne, et aucune génération conservée ne la contient."
        " Ses créations, ses dates, son prix, son bon de commande et son objectif sont les"
        " derniers connus ; le payeur, le niveau, la marge, les limites et le rythme ne"
        " peuvent plus être indiqués."
    ),
    "gone": ("Cette campagne n’est plus en ligne ; elle est montrée dans son dernier état."),
    "final": "Définitif depuis le {final}.",
    "final_why": "Ce qui est venu des lecteurs après le {closes} n’y figure pas.",
    "provisional": "Provisoire jusqu’au {final}.",
    "provisional_open": "Provisoire : la campagne n’a pas encore de fin.",
    "as_of": "Ces chiffres sont ceux du {now}.",
    "running_why": (
        "Des annonces peuvent être montrées, ou vues après avoir été remises, jusqu’au"
        " {closes} ; un serveur isolé peut apporter ce qu’il a compté jusqu’au {final}."
    ),
    "arriving_why": (
        "Plus rien qui compte ne peut être montré. Un serveur isolé peut encore apporter"
        " ce qu’il avait compté auparavant."
    ),
    "heard": ("Tous les serveurs connus avaient apporté ce qu’ils ont compté jusqu’au {through}."),
    "heard_all": "Tous les serveurs connus ont apporté tout ce qu’ils ont compté pour elle.",
    "unheard": "Ce que des serveurs ont encore à apporter n’est pas connu.",
    "figures": "Chiffres",
    "served": "Annonces remises",
    "gross": "Impressions brutes",
    "impressions": "Impressions (nettes)",
    "viewable": "Impressions visibles",
    "clicks": "Clics",
    "unmatched": "dont sans impression",
    "ctr": "Taux de clic",
    "revenue": "Montant",
    "billed": "Sont facturées les {goal} de l’objectif, sur {count} diffusées.",
    "total": "Total",
    "nothing": "Rien n’a été compté pendant cette période.",
    "creatives": "Ce qui a été montré",
    "creative": "Création",
    "leads_to": "mène à",
    "text_creative": "Un texte, composé par chaque page dans ses propres caractères",
    "html_creative": (
        "Un document HTML de {width} × {height} pixels, {weight} : {name}. Il s’exécute de"
        " lui-même et peut charger d’autres éléments, il n’est donc pas montré ici ; son"
        " contenu est désigné par {digest}."
    ),
    "html_loads": "Il peut charger des éléments depuis {hosts}.",
    "html_lost": (
        "Un document HTML de {width} × {height} pixels : {name}. Il n’est plus conservé ;"
        " son contenu était désigné par {digest}."
    ),
    "picture_lost": (
        "Une image de {width} × {height} pixels : {name}. Elle n’est plus conservée ; son"
        " contenu était désigné par {digest}."
    ),
    "picture_heavy": (
        "Une image de {width} × {height} pixels, {weight} : {name}. Elle est trop lourde"
        " pour ce document ; son contenu est désigné par {digest}."
    ),
    "picture_size": "{width} × {height} pixels",
    "by_day": "Par jour",
    "day": "Jour",
    "by_slot": "Par emplacement",
    "slot": "Emplacement",
    "by_site": "Par site",
    "site": "Site",
    "site_none": "une page d’aucun des sites",
    "slot_none": "un emplacement qui n’est plus connu",
    "days_of": "Les jours sont ceux de {zone}.",
    "discarded": "Ce qui ne compte pas",
    "discarded_is": (
        "Les impressions brutes sont toutes celles qui portaient un ticket valable ; les"
        " nettes sont celles qui comptent. Ce qui ne compte pas est indiqué ici, avec sa"
        " raison."
    ),
    "discarded_impressions": "Impressions",
    "reason": "Raison",
    "definition": "Ce qu’elle veut dire",
    "nothing_of": "Autres raisons, pour lesquelles rien n’a été écarté ici :",
    "forged_too": "D’aucune campagne, et donc dans aucun chiffre :",
    "method": "Comment c’est compté",
    "method_impression": (
        "Une impression est comptée quand l’annonce a commencé à s’afficher dans le"
        " navigateur du lecteur, qui le signale alors par une requête à part. Une annonce"
        " remise, à elle seule, ne compte pas."
    ),
    "method_viewable": (
        "Elle est visible quand la moitié de l’annonce (30 % au-delà de 242 500 pixels"
        " carrés) a été à l’écran pendant une seconde sans interruption. Seule la balise de"
        " l’éditeur le signale ; des annonces placées autrement, aucune n’est indiquée"
        " comme visible. Elle ne compte que si l’impression compte."
    ),
    "method_click": (
        "Un clic est compté quand le lien de l’annonce est suivi à travers le serveur."
    ),
    "method_unmatched": (
        "Les clics d’annonces sans impression comptée comptent, et sont aussi indiqués à part."
    ),
    "method_unmatched_discarded": (
        "Clics d’annonces sans impression comptée qui ont été écartés pour cette raison :"
        " {count} ; ceux qui ont compté sont aussi indiqués à part."
    ),
    "method_once": (
        "Chaque annonce remise porte un ticket signé, valable {life} : son impression, son"
        " impression visible et son clic comptent une fois chacun, à leur première arrivée"
        " sur un serveur. Ce qui est confirmé est d’abord écrit sur disque."
    ),
    "method_amount": (
        "Le montant est exact et n’est arrondi au centime qu’une fois. Il s’arrête à"
        " l’objectif : ce qui est diffusé au-delà, avec ou sans marge, n’est pas facturé."
        " Un forfait est acquis au fil du temps, sur toute la période."
    ),
    "method_terms": (
        "Impression, impression visible et clic sont définis d’après les termes de l’IAB"
        " et du Media Rating Council (début d’affichage ; moitié visible pendant une"
        " seconde). Ni l’un ni l’autre n’a vérifié ou accrédité ces comptes."
    ),
    "method_privacy": (
        "Les lecteurs n’ont pas d’identifiant, et aucune de leurs adresses n’est conservée."
    ),
    "origin": "D’où cela vient",
    "generation": "Configuration en vigueur : génération {first}, appliquée le {since}.",
    "generations": (
        "Configuration en vigueur : générations {first} à {last}, la première appliquée le"
        " {since}, la dernière le {until}."
    ),
    "generations_lost": ("Ce qui était en vigueur avant la génération {first} n’est plus connu."),
    "generations_none": "Les générations en vigueur ne sont plus connues.",
    "made": "Établi le {now} par adserver {version}.",
    "digest": "Empreinte des chiffres (SHA-256) :",
    "digest_why": (
        "Deux justificatifs de même empreinte ont les mêmes chiffres. L’éditeur la retrouve par :"
    ),
}

DISCARDED: Mapping[str, str] = {
    Discard.DUPLICATE: "le même événement de la même annonce avait déjà été compté",
    Discard.EXPIRED: "il est venu plus de {life} après que l’annonce a été remise",
    Discard.LAPSED: (
        "il est venu si tard que sa place dans l’objectif ou la limite avait été donnée à"
        " un autre lecteur, et il n’en restait plus"
    ),
    Discard.FORGED: "il n’avait pas de ticket signé par ce serveur",
    Discard.BOT: "il venait d’un robot connu, ou un script avait cliqué de lui-même",
    Discard.PREFETCH: ("le navigateur avait chargé la page à l’avance, sans la montrer"),
    Discard.INTERNAL: "il venait du personnel de l’éditeur",
    Discard.RATE_LIMITED: (
        "il faisait partie de trop nombreux événements d’un même endroit en peu de temps"
    ),
    Discard.FOREIGN_PAGE: "il venait d’une page qui n’est d’aucun des sites de l’éditeur",
    Discard.UNMATCHED: "c’était le clic d’une annonce sans impression comptée",
    Discard.PREVIEW: ("il venait d’un aperçu, non d’une page que voient les lecteurs"),
    Discard.CONSENT: "il est venu sans le consentement que demande l’éditeur",
}

//! French.

use super::{Columns, KindTexts, Section, Texts};

pub(super) const TEXTS: Texts = Texts {
    title: "Registre des traitements",
    intro: "Ce que conservent ces archives d’appels enregistrés, sur quelle base et jusqu’à quand (RGPD, article 30). Les chiffres viennent des archives elles-mêmes.",
    as_of: "État au",
    controller: "Responsable du traitement",
    privacy_contact: "Questions sur les données personnelles",
    columns: Columns {
        data: "Données",
        purpose: "Finalité",
        subjects: "Personnes concernées",
        ground: "Base",
        until: "Conservation",
        count: "Nombre",
        next_end: "Prochaine échéance",
        last_end: "Dernière échéance",
    },
    security: Section {
        heading: "Sécurité",
        text: "Chaque enregistrement est scellé sous sa propre clé, et celle-ci sous une clé de son mois, conservée hors des sauvegardes. L’accès est refusé sauf si un rôle le permet, et inscrit, avant le premier octet, dans un registre qui ne cache aucune altération. Ce qui est effacé est recherché une nouvelle fois, puis certifié.",
    },
    recipients: Section {
        heading: "Destinataires",
        text: "Les preuves sont remises à des destinataires nommés, des catégories que cite la notice de confidentialité ; chacun figure au registre des communications.",
    },
    transfers: Section {
        heading: "Transferts",
        text: "Les archives sont exploitées par le responsable du traitement et ne transfèrent rien d’elles-mêmes ; l’emplacement du stockage et des clés est son choix.",
    },
    grounds: [
        "exécution d’un contrat (RGPD 6.1.b)",
        "obligation légale (RGPD 6.1.c)",
        "intérêt légitime (RGPD 6.1.f)",
        "pas de données personnelles",
    ],
    until: [
        "pendant une durée propre",
        "aussi longtemps que l’enregistrement",
        "aussi longtemps que le dossier",
        "tant que le registre les nomme",
        "sans limite",
    ],
    kinds: [
        KindTexts {
            name: "Enregistrements d’appels, et ce qui est connu de l’appel",
            purpose: "preuve de communications professionnelles",
            subjects: "clients professionnels, leurs personnes de contact, agents, appelants",
        },
        KindTexts {
            name: "Données liées : transcriptions, notes, forme d’onde",
            purpose: "trouver et comprendre un enregistrement",
            subjects: "comme pour l’enregistrement",
        },
        KindTexts {
            name: "Consultations d’enregistrements",
            purpose: "montrer qui a lu quoi, quand et pourquoi",
            subjects: "personnel, utilisateurs du portail",
        },
        KindTexts {
            name: "Activité : recherches, refus, connexions",
            purpose: "sécurité du traitement, responsabilité",
            subjects: "personnel, utilisateurs du portail",
        },
        KindTexts {
            name: "Comptes et personnes de contact",
            purpose: "la relation avec le client, et qui peut voir quel appel",
            subjects: "clients professionnels, leurs personnes de contact",
        },
        KindTexts {
            name: "Dossiers, gels et notes",
            purpose: "constatation, exercice ou défense de droits en justice",
            subjects: "parties à un litige, personnel",
        },
        KindTexts {
            name: "Registre des communications",
            purpose: "montrer à qui des preuves ont été remises",
            subjects: "destinataires, personnel",
        },
        KindTexts {
            name: "Demandes des personnes concernées",
            purpose: "y répondre, et montrer ce qui a été décidé",
            subjects: "demandeurs, personnel",
        },
        KindTexts {
            name: "Jetons d’accès (hachés)",
            purpose: "laisser entrer qui le peut, et nommer qui a fait quoi",
            subjects: "personnel, utilisateurs du portail",
        },
        KindTexts {
            name: "Statistiques des appels effacés",
            purpose: "statistiques et développement",
            subjects: "personne : aucun compte de moins de dix appels ou trois comptes clients",
        },
        KindTexts {
            name: "Registre inaltérable, certificats et constats de destruction",
            purpose: "prouver ce qui a été conservé et ce qui a été effacé",
            subjects: "personne : aucune donnée personnelle",
        },
    ],
};

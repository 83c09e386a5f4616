//! Dutch.

use super::{Columns, KindTexts, Section, Texts};

pub(super) const TEXTS: Texts = Texts {
    title: "Register van verwerkingen",
    intro: "Wat dit archief van gespreksopnamen bewaart, op welke grond en tot wanneer (AVG artikel 30). De cijfers komen uit het archief zelf.",
    as_of: "Stand van",
    controller: "Verwerkingsverantwoordelijke",
    privacy_contact: "Vragen over persoonsgegevens",
    columns: Columns {
        data: "Gegevens",
        purpose: "Doel",
        subjects: "Betrokkenen",
        ground: "Grond",
        until: "Bewaard",
        count: "Aantal",
        next_end: "Eerstvolgend einde",
        last_end: "Laatste einde",
    },
    security: Section {
        heading: "Beveiliging",
        text: "Elke opname is verzegeld met een eigen sleutel, en die met een sleutel van haar maand, bewaard buiten de back-ups. Toegang is geweigerd tenzij een rol hem toestaat, en staat in een grootboek dat geen wijziging verbergt, vóór de eerste byte vertrekt. Wat gewist is, wordt opnieuw gezocht en gecertificeerd.",
    },
    recipients: Section {
        heading: "Ontvangers",
        text: "Bewijs gaat naar ontvangers met naam, van de soorten die de privacyverklaring noemt; elk staat in het register van verstrekkingen.",
    },
    transfers: Section {
        heading: "Doorgiften",
        text: "De verwerkingsverantwoordelijke beheert het archief zelf; het geeft uit zichzelf niets door. Waar opslag en sleutels staan, kiest de verwerkingsverantwoordelijke.",
    },
    grounds: [
        "uitvoering van een overeenkomst (AVG 6.1.b)",
        "wettelijke verplichting (AVG 6.1.c)",
        "gerechtvaardigd belang (AVG 6.1.f)",
        "geen persoonsgegevens",
    ],
    until: [
        "gedurende een eigen termijn",
        "zolang als de opname",
        "zolang als het dossier",
        "zolang het grootboek ze noemt",
        "blijvend",
    ],
    kinds: [
        KindTexts {
            name: "Gespreksopnamen, en wat over het gesprek bekend is",
            purpose: "bewijs van zakelijke communicatie",
            subjects: "professionele klanten, hun contactpersonen, medewerkers, bellers",
        },
        KindTexts {
            name: "Verwante gegevens: uitgeschreven tekst, notities, golfvorm",
            purpose: "een opname vinden en begrijpen",
            subjects: "zoals bij de opname",
        },
        KindTexts {
            name: "Raadplegingen van opnamen",
            purpose: "aantonen wie wat las, wanneer en waarom",
            subjects: "medewerkers, gebruikers van het portaal",
        },
        KindTexts {
            name: "Activiteit: zoekopdrachten, weigeringen, aanmeldingen",
            purpose: "beveiliging van de verwerking, verantwoording",
            subjects: "medewerkers, gebruikers van het portaal",
        },
        KindTexts {
            name: "Accounts en contactpersonen",
            purpose: "de relatie met de klant, en wie welk gesprek mag zien",
            subjects: "professionele klanten, hun contactpersonen",
        },
        KindTexts {
            name: "Dossiers, bewaarplichten en notities",
            purpose: "instelling, uitoefening of onderbouwing van een rechtsvordering",
            subjects: "partijen in een geschil, medewerkers",
        },
        KindTexts {
            name: "Register van verstrekkingen",
            purpose: "aantonen aan wie bewijs is gegeven",
            subjects: "ontvangers, medewerkers",
        },
        KindTexts {
            name: "Verzoeken van betrokkenen",
            purpose: "ze beantwoorden, en aantonen hoe beslist is",
            subjects: "wie het vroeg, medewerkers",
        },
        KindTexts {
            name: "Toegangstokens (gehasht)",
            purpose: "toelaten wie mag, en noemen wie wat deed",
            subjects: "medewerkers, gebruikers van het portaal",
        },
        KindTexts {
            name: "Statistiek van gewiste gesprekken",
            purpose: "statistiek en ontwikkeling",
            subjects: "niemand: geen telling van minder dan tien gesprekken of drie accounts",
        },
        KindTexts {
            name: "Grootboek, certificaten en vernietigingsverklaringen",
            purpose: "bewijzen wat bewaard en wat gewist is",
            subjects: "niemand: ze bevatten geen persoonsgegevens",
        },
    ],
};

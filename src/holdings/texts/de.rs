//! German.

use super::{Columns, KindTexts, Section, Texts};

pub(super) const TEXTS: Texts = Texts {
    title: "Verzeichnis der Verarbeitungen",
    intro: "Was dieses Archiv von Gesprächsaufzeichnungen aufbewahrt, auf welcher Grundlage und bis wann (DSGVO Artikel 30). Die Zahlen stammen aus dem Archiv selbst.",
    as_of: "Stand",
    controller: "Verantwortlicher",
    privacy_contact: "Fragen zu personenbezogenen Daten",
    columns: Columns {
        data: "Daten",
        purpose: "Zweck",
        subjects: "Betroffene",
        ground: "Grundlage",
        until: "Aufbewahrung",
        count: "Anzahl",
        next_end: "Nächstes Ende",
        last_end: "Letztes Ende",
    },
    security: Section {
        heading: "Sicherheit",
        text: "Jede Aufzeichnung ist unter einem eigenen Schlüssel versiegelt, dieser unter einem Schlüssel ihres Monats, der außerhalb der Sicherungen liegt. Zugriff ist verweigert, wenn keine Rolle ihn erlaubt, und steht vor dem ersten Byte in einem Register, das keine Änderung verbirgt. Gelöschtes wird noch einmal gesucht und bescheinigt.",
    },
    recipients: Section {
        heading: "Empfänger",
        text: "Beweismittel gehen an namentliche Empfänger der Arten, die der Datenschutzhinweis nennt; jeder steht im Verzeichnis der Weitergaben.",
    },
    transfers: Section {
        heading: "Übermittlungen",
        text: "Der Verantwortliche betreibt das Archiv; von sich aus übermittelt es nichts. Wo Speicher und Schlüssel liegen, bestimmt der Verantwortliche.",
    },
    grounds: [
        "Erfüllung eines Vertrags (DSGVO 6(1)(b))",
        "rechtliche Verpflichtung (DSGVO 6(1)(c))",
        "berechtigtes Interesse (DSGVO 6(1)(f))",
        "keine personenbezogenen Daten",
    ],
    until: [
        "für eine eigene Frist",
        "so lange wie die Aufzeichnung",
        "so lange wie der Fall",
        "solange das Register sie nennt",
        "auf Dauer",
    ],
    kinds: [
        KindTexts {
            name: "Gesprächsaufzeichnungen, und was über das Gespräch bekannt ist",
            purpose: "Beweis geschäftlicher Kommunikation",
            subjects: "gewerbliche Kunden, ihre Ansprechpartner, Mitarbeiter, Anrufer",
        },
        KindTexts {
            name: "Zugehörige Daten: Abschriften, Notizen, Wellenform",
            purpose: "eine Aufzeichnung finden und verstehen",
            subjects: "wie bei der Aufzeichnung",
        },
        KindTexts {
            name: "Zugriffe auf Aufzeichnungen",
            purpose: "zeigen, wer was wann und warum gelesen hat",
            subjects: "Mitarbeiter, Nutzer des Portals",
        },
        KindTexts {
            name: "Aktivität: Suchen, Abweisungen, Anmeldungen",
            purpose: "Sicherheit der Verarbeitung, Rechenschaft",
            subjects: "Mitarbeiter, Nutzer des Portals",
        },
        KindTexts {
            name: "Konten und Ansprechpartner",
            purpose: "die Beziehung zum Kunden, und wer welches Gespräch sehen darf",
            subjects: "gewerbliche Kunden, ihre Ansprechpartner",
        },
        KindTexts {
            name: "Fälle, Sperren und Notizen",
            purpose: "Geltendmachung, Ausübung oder Verteidigung von Rechtsansprüchen",
            subjects: "Parteien eines Streits, Mitarbeiter",
        },
        KindTexts {
            name: "Verzeichnis der Weitergaben",
            purpose: "zeigen, wem Beweismittel übergeben wurden",
            subjects: "Empfänger, Mitarbeiter",
        },
        KindTexts {
            name: "Anträge betroffener Personen",
            purpose: "sie beantworten, und zeigen, wie entschieden wurde",
            subjects: "Antragsteller, Mitarbeiter",
        },
        KindTexts {
            name: "Zugangsschlüssel (gehasht)",
            purpose: "einlassen, wer darf, und nennen, wer was getan hat",
            subjects: "Mitarbeiter, Nutzer des Portals",
        },
        KindTexts {
            name: "Statistik gelöschter Gespräche",
            purpose: "Statistik und Entwicklung",
            subjects: "niemand: keine Zählung von weniger als zehn Gesprächen oder drei Konten",
        },
        KindTexts {
            name: "Register, Löschbescheinigungen und Vernichtungsnachweise",
            purpose: "beweisen, was aufbewahrt und was gelöscht wurde",
            subjects: "niemand: sie enthalten keine personenbezogenen Daten",
        },
    ],
};

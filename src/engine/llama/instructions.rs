//! What embedding models want to read before a text, so that they know what it is compared as.
//!
//! They are trained with these words, and find less without them; the files don't carry them. They follow the
//! models' own cards. A model of no family that is known here gets its texts as they are.

use models::TextKind;

/// Words before a question and before a passage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Instructions {
    query: &'static str,
    passage: &'static str,
}

/// For models that are told their task.
const TASK: Instructions = Instructions {
    query: "Instruct: Given a question, retrieve passages of documents that answer it\nQuery: ",
    passage: "",
};

/// For the families of BGE and those that followed them.
const SENTENCE: Instructions = Instructions {
    query: "Represent this sentence for searching relevant passages: ",
    passage: "",
};

const PLAIN: Instructions = Instructions { query: "", passage: "" };

/// Families by parts of their names, the more special first.
const FAMILIES: [(&[&str], Instructions); 10] = [
    (&["e5", "instruct"], TASK),
    (&["e5"], Instructions { query: "query: ", passage: "passage: " }),
    (&["qwen3", "embedding"], TASK),
    (
        &["embeddinggemma"],
        Instructions { query: "task: search result | query: ", passage: "title: none | text: " },
    ),
    (&["nomic", "embed"], Instructions { query: "search_query: ", passage: "search_document: " }),
    (&["arctic", "embed", "v2"], Instructions { query: "query: ", passage: "" }),
    (&["arctic", "embed"], SENTENCE),
    (&["mxbai", "embed"], SENTENCE),
    (&["bge", "m3"], PLAIN),
    (&["bge", "en"], SENTENCE),
];

impl Instructions {
    /// Those of a model with this name.
    pub(super) fn of(name: Option<&str>) -> Self {
        let name = name.unwrap_or_default().to_ascii_lowercase();
        let is_of = |parts: &&[&str]| parts.iter().all(|part| name.contains(part));
        let family = FAMILIES.iter().find(|(parts, _)| is_of(parts));
        family.map_or(PLAIN, |(_, instructions)| *instructions)
    }

    /// A text as the model is to read it.
    pub(super) fn before(self, text: &str, kind: TextKind) -> String {
        let words = match kind {
            TextKind::Query => self.query,
            TextKind::Passage => self.passage,
        };
        format!("{words}{text}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_are_known_by_their_names() {
        let query = |name| Instructions::of(Some(name)).before("P-101?", TextKind::Query);
        let passage = |name| Instructions::of(Some(name)).before("A pump.", TextKind::Passage);
        assert_eq!(query("Multilingual E5 Small"), "query: P-101?");
        assert_eq!(passage("multilingual-e5-small"), "passage: A pump.");
        assert!(query("multilingual-e5-large-instruct").starts_with("Instruct: "));
        assert!(query("Qwen3 Embedding 0.6B").ends_with("\nQuery: P-101?"));
        assert_eq!(passage("Qwen3 Embedding 0.6B"), "A pump.");
        assert_eq!(passage("nomic-embed-text-v1.5"), "search_document: A pump.");
        assert_eq!(query("snowflake-arctic-embed-l-v2.0"), "query: P-101?");
        assert!(query("bge-small-en-v1.5").starts_with("Represent this sentence"));
        assert_eq!(query("bge-m3"), "P-101?");
        assert_eq!(query("all-MiniLM-L6-v2"), "P-101?");
        assert_eq!(Instructions::of(None).before("P-101?", TextKind::Query), "P-101?");
    }
}

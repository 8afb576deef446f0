//! The languages whose words we can stem.

use frostem::Algorithm;
use whatlang::Lang;

macro_rules! languages {
    ($($variant:ident $tag:literal $lang:ident),+ $(,)?) => {
        /// A language with a Snowball stemmer. A text in any other language is searched by its
        /// folded words.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Language {
            $(#[doc = concat!("`", $tag, "`")] $variant),+
        }

        impl Language {
            /// All of them.
            pub const ALL: [Self; [$($tag),+].len()] = [$(Self::$variant),+];

            /// BCP 47 tag.
            #[must_use]
            pub const fn tag(self) -> &'static str {
                match self { $(Self::$variant => $tag),+ }
            }

            pub(super) const fn algorithm(self) -> Algorithm {
                match self { $(Self::$variant => Algorithm::$variant),+ }
            }

            pub(super) const fn whatlang(self) -> Lang {
                match self { $(Self::$variant => Lang::$lang),+ }
            }
        }
    };
}

languages! {
    English "en" Eng,
    German "de" Deu,
    Czech "cs" Ces,
    Spanish "es" Spa,
    French "fr" Fra,
    Italian "it" Ita,
    Polish "pl" Pol,
    Dutch "nl" Nld,
    Portuguese "pt" Por,
    Danish "da" Dan,
    Swedish "sv" Swe,
    Norwegian "nb" Nob,
    Finnish "fi" Fin,
    Hungarian "hu" Hun,
    Romanian "ro" Ron,
    Russian "ru" Rus,
    Turkish "tr" Tur,
}

impl Language {
    /// The language of a BCP 47 tag, whatever its region or script; `None` when it is not one of
    /// ours.
    #[must_use]
    pub fn from_tag(tag: &str) -> Option<Self> {
        let primary = tag.split(['-', '_']).next().unwrap_or(tag);
        // `no` is the macro language; Nynorsk has no stemmer of its own.
        if primary.eq_ignore_ascii_case("no") || primary.eq_ignore_ascii_case("nn") {
            return Some(Self::Norwegian);
        }
        Self::ALL.into_iter().find(|l| l.tag().eq_ignore_ascii_case(primary))
    }

    /// Whether its nouns join into one written word (`Flanschschraube`), so that half of one is
    /// worth looking for.
    #[must_use]
    pub const fn joins_nouns(self) -> bool {
        matches!(
            self,
            Self::German
                | Self::Dutch
                | Self::Danish
                | Self::Swedish
                | Self::Norwegian
                | Self::Finnish
                | Self::Hungarian
        )
    }

    /// Whether the built-in embedder (all-MiniLM-L6-v2, trained on English) understands it.
    #[must_use]
    pub const fn is_spoken_by_embedder(self) -> bool {
        matches!(self, Self::English)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_read_with_region() {
        assert_eq!(Language::from_tag("de-AT"), Some(Language::German));
        assert_eq!(Language::from_tag("EN"), Some(Language::English));
        assert_eq!(Language::from_tag("no"), Some(Language::Norwegian));
        assert_eq!(Language::from_tag("ja"), None);
        for language in Language::ALL {
            assert_eq!(Language::from_tag(language.tag()), Some(language));
        }
    }
}

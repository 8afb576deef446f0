//! Enums whose values are words in the API, in SQL and in the browser.

/// Declares an enum of which each value has one word, with the way there and back.
///
/// ```
/// base::words! {
///     /// How it went.
///     Outcome {
///         /// Well.
///         Done = "done",
///         /// Not well.
///         Failed = "failed",
///     }
/// }
/// assert_eq!(Outcome::parse("failed").map(Outcome::as_str), Some("failed"));
/// ```
#[macro_export]
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$variant_doc])* $variant),+ }

        impl $name {
            /// All of them, in the order in which they are declared.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word used in API, SQL and UI.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// Reads the word.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.as_str() == text)
            }
        }
    };
}

//! People, credentials, sessions and tokens.

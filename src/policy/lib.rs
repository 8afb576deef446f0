//! Permissions, classification, export control and rate limits.

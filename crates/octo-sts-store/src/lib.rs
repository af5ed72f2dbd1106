//! What replicas share: sticky routes, used token ids, and news of changed policies.

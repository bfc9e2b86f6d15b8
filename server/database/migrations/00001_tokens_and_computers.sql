-- +goose Up
CREATE TABLE tokens (
    id      TEXT PRIMARY KEY,
    name    TEXT NOT NULL,
    kind    TEXT NOT NULL,          -- person or agents
    role    TEXT NOT NULL,
    hash    BLOB NOT NULL UNIQUE,   -- SHA-256 of the secret, which is stored nowhere
    created INTEGER NOT NULL,       -- Unix seconds, as all times here
    expires INTEGER NOT NULL        -- 0: never
);
CREATE TABLE computers (
    id       TEXT PRIMARY KEY,
    key      BLOB NOT NULL,         -- Ed25519 public key
    host     TEXT NOT NULL,
    enrolled INTEGER NOT NULL,
    seen     INTEGER NOT NULL,
    report   TEXT NOT NULL          -- JSON of what the last check-ins said
);

-- +goose Down
DROP TABLE computers;
DROP TABLE tokens;

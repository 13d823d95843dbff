-- Ids are the bytes of a digest (32) or of a UUID (16), times are milliseconds since 1970, what has a shape of its own
-- is JSON.

-- "Papp": that the file is a catalog of Pappus, for `file` and for whoever opens the wrong one.
PRAGMA application_id = 0x50617070;

CREATE TABLE images (
    id          BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 32),
    status      TEXT    NOT NULL CHECK (status IN ('stored', 'quarantined')),
    format      TEXT,
    width       INTEGER,
    height      INTEGER,
    perceptual  INTEGER,
    reason      TEXT,
    label       TEXT,
    origin      TEXT    NOT NULL,
    bytes       INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL,
    -- 16 hexadecimal digits of the group, or `aside`.
    placement   TEXT,
    CHECK (status <> 'stored'
           OR (format IS NOT NULL AND width IS NOT NULL AND height IS NOT NULL AND perceptual IS NOT NULL)),
    CHECK (status <> 'quarantined' OR reason IS NOT NULL)
) STRICT, WITHOUT ROWID;

CREATE INDEX images_by_status ON images (status, id);
-- Also what the counts are read from.
CREATE INDEX images_by_label ON images (label, status, id);

CREATE TABLE sources (
    url    TEXT NOT NULL PRIMARY KEY,
    label  TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('pending', 'stored', 'failed')),
    image  BLOB CHECK (length(image) = 32),
    reason TEXT,
    CHECK (status <> 'stored' OR image IS NOT NULL),
    CHECK (status <> 'failed' OR reason IS NOT NULL)
) STRICT, WITHOUT ROWID;

CREATE INDEX sources_by_status ON sources (status, url);

CREATE TABLE data_sets (
    digest    BLOB    NOT NULL PRIMARY KEY CHECK (length(digest) = 32),
    labelled  INTEGER NOT NULL,
    frozen_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE runs (
    id           BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    model        TEXT    NOT NULL,
    request      TEXT    NOT NULL,
    data_set     BLOB CHECK (length(data_set) = 32),
    over         INTEGER NOT NULL CHECK (over IN (0, 1)),
    status       TEXT    NOT NULL,
    requested_at INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX runs_by_model ON runs (model, requested_at, id);

CREATE TABLE models (
    name       TEXT    NOT NULL,
    version    TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    manifest   TEXT    NOT NULL,
    PRIMARY KEY (name, version)
) STRICT, WITHOUT ROWID;

CREATE INDEX models_by_age ON models (name, created_at, version);

CREATE TABLE evaluations (
    name       TEXT    NOT NULL,
    version    TEXT    NOT NULL,
    data_set   BLOB    NOT NULL CHECK (length(data_set) = 32),
    at         INTEGER NOT NULL,
    evaluation TEXT    NOT NULL,
    PRIMARY KEY (name, version, data_set)
) STRICT, WITHOUT ROWID;

CREATE INDEX evaluations_by_age ON evaluations (name, version, at);

CREATE TABLE releases (
    model      TEXT    NOT NULL PRIMARY KEY,
    champion   TEXT    NOT NULL,
    previous   TEXT,
    generation INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE ledger (
    model      TEXT    NOT NULL,
    generation INTEGER NOT NULL,
    action     TEXT    NOT NULL,
    "from"     TEXT,
    "to"       TEXT    NOT NULL,
    actor      TEXT    NOT NULL,
    reason     TEXT    NOT NULL,
    at         INTEGER NOT NULL,
    before     BLOB    NOT NULL CHECK (length(before) = 32),
    digest     BLOB    NOT NULL CHECK (length(digest) = 32),
    PRIMARY KEY (model, generation)
) STRICT, WITHOUT ROWID;

CREATE TABLE predictions (
    id            BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    model         TEXT    NOT NULL,
    version       TEXT    NOT NULL,
    image         BLOB    NOT NULL CHECK (length(image) = 32),
    class         TEXT    NOT NULL,
    probabilities TEXT    NOT NULL,
    latency_us    INTEGER NOT NULL,
    source        TEXT    NOT NULL,
    at            INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX predictions_by_time ON predictions (at, id);

CREATE TABLE leases (
    name       TEXT    NOT NULL PRIMARY KEY,
    holder     TEXT    NOT NULL,
    beat       INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    -- Who let it run out before this holder took it.
    after      TEXT
) STRICT, WITHOUT ROWID;

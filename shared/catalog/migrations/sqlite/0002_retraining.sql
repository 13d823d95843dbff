CREATE TABLE decisions (
    id       BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    model    TEXT    NOT NULL,
    at       INTEGER NOT NULL,
    decision TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX decisions_by_model ON decisions (model, at, id);
CREATE INDEX decisions_by_time ON decisions (at, id);

CREATE TABLE feedback (
    prediction   BLOB    NOT NULL PRIMARY KEY CHECK (length(prediction) = 16),
    model        TEXT    NOT NULL,
    version      TEXT    NOT NULL,
    image        BLOB    NOT NULL CHECK (length(image) = 32),
    class        TEXT    NOT NULL,
    label        TEXT    NOT NULL,
    predicted_at INTEGER NOT NULL,
    at           INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX feedback_by_version ON feedback (model, version, predicted_at, prediction);

-- MySQL commits each of these statements by itself: each must be possible a second time.

CREATE TABLE IF NOT EXISTS decisions (
    id       BINARY(16)  NOT NULL PRIMARY KEY,
    model    VARCHAR(64) NOT NULL,
    at       BIGINT      NOT NULL,
    decision MEDIUMTEXT  NOT NULL,
    KEY decisions_by_model (model, at, id),
    KEY decisions_by_time (at, id)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE IF NOT EXISTS feedback (
    prediction   BINARY(16)  NOT NULL PRIMARY KEY,
    model        VARCHAR(64) NOT NULL,
    version      VARCHAR(64) NOT NULL,
    image        BINARY(32)  NOT NULL,
    class        VARCHAR(64) NOT NULL,
    label        VARCHAR(64) NOT NULL,
    predicted_at BIGINT      NOT NULL,
    at           BIGINT      NOT NULL,
    KEY feedback_by_version (model, version, predicted_at, prediction)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- Ids are the bytes of a digest (32) or of a UUID (16), times are milliseconds since 1970, what has a shape of its own
-- is JSON, kept as it was written: the type JSON would round its figures. What may hold anything and must be told apart
-- exactly is kept as bytes, since texts that differ in spaces at the end are the same to MySQL.
-- MySQL commits each of these statements by itself: each must be possible a second time.

CREATE TABLE IF NOT EXISTS images (
    id          BINARY(32)  NOT NULL PRIMARY KEY,
    status      VARCHAR(16) NOT NULL,
    format      VARCHAR(16),
    width       BIGINT,
    height      BIGINT,
    perceptual  BIGINT,
    reason      MEDIUMTEXT,
    label       VARCHAR(64),
    origin      MEDIUMTEXT  NOT NULL,
    bytes       BIGINT      NOT NULL,
    recorded_at BIGINT      NOT NULL,
    -- 16 hexadecimal digits of the group, or `aside`.
    placement   VARCHAR(16),
    KEY images_by_status (status, id),
    -- Also what the counts are read from.
    KEY images_by_label (label, status, id),
    CHECK (status IN ('stored', 'quarantined')),
    CHECK (status <> 'stored'
           OR (format IS NOT NULL AND width IS NOT NULL AND height IS NOT NULL AND perceptual IS NOT NULL)),
    CHECK (status <> 'quarantined' OR reason IS NOT NULL)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE IF NOT EXISTS sources (
    -- The digest of the URL: an index takes no more than 3072 bytes.
    id     BINARY(32)     NOT NULL PRIMARY KEY,
    -- The first bytes of the URL, which it is ordered by.
    head   VARBINARY(512) NOT NULL,
    url    MEDIUMBLOB     NOT NULL,
    label  VARCHAR(64)    NOT NULL,
    status VARCHAR(16)    NOT NULL,
    image  BINARY(32),
    reason MEDIUMTEXT,
    KEY sources_by_status (status, head),
    CHECK (status IN ('pending', 'stored', 'failed')),
    CHECK (status <> 'stored' OR image IS NOT NULL),
    CHECK (status <> 'failed' OR reason IS NOT NULL)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE IF NOT EXISTS data_sets (
    digest    BINARY(32) NOT NULL PRIMARY KEY,
    labelled  BIGINT     NOT NULL,
    frozen_at BIGINT     NOT NULL
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE IF NOT EXISTS runs (
    id           BINARY(16)  NOT NULL PRIMARY KEY,
    model        VARCHAR(64) NOT NULL,
    request      MEDIUMTEXT  NOT NULL,
    data_set     BINARY(32),
    is_over      BOOLEAN     NOT NULL,
    status       MEDIUMTEXT  NOT NULL,
    requested_at BIGINT      NOT NULL,
    updated_at   BIGINT      NOT NULL,
    KEY runs_by_model (model, requested_at, id)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE IF NOT EXISTS models (
    name       VARCHAR(64) NOT NULL,
    version    VARCHAR(64) NOT NULL,
    created_at BIGINT      NOT NULL,
    manifest   MEDIUMTEXT  NOT NULL,
    PRIMARY KEY (name, version),
    KEY models_by_age (name, created_at, version)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE IF NOT EXISTS evaluations (
    name       VARCHAR(64) NOT NULL,
    version    VARCHAR(64) NOT NULL,
    data_set   BINARY(32)  NOT NULL,
    at         BIGINT      NOT NULL,
    evaluation MEDIUMTEXT  NOT NULL,
    PRIMARY KEY (name, version, data_set),
    KEY evaluations_by_age (name, version, at)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE IF NOT EXISTS releases (
    model      VARCHAR(64) NOT NULL PRIMARY KEY,
    champion   VARCHAR(64) NOT NULL,
    previous   VARCHAR(64),
    generation BIGINT      NOT NULL
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE IF NOT EXISTS ledger (
    model      VARCHAR(64) NOT NULL,
    generation BIGINT      NOT NULL,
    action     VARCHAR(16) NOT NULL,
    `from`     VARCHAR(64),
    `to`       VARCHAR(64) NOT NULL,
    actor      MEDIUMTEXT  NOT NULL,
    reason     MEDIUMTEXT  NOT NULL,
    at         BIGINT      NOT NULL,
    `before`   BINARY(32)  NOT NULL,
    digest     BINARY(32)  NOT NULL,
    PRIMARY KEY (model, generation)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE IF NOT EXISTS predictions (
    -- UUIDv7: new rows go to the end of the table.
    id            BINARY(16)  NOT NULL PRIMARY KEY,
    model         VARCHAR(64) NOT NULL,
    version       VARCHAR(64) NOT NULL,
    image         BINARY(32)  NOT NULL,
    class         VARCHAR(64) NOT NULL,
    probabilities MEDIUMTEXT  NOT NULL,
    latency_us    BIGINT      NOT NULL,
    source        MEDIUMTEXT  NOT NULL,
    at            BIGINT      NOT NULL,
    KEY predictions_by_time (at, id)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE IF NOT EXISTS leases (
    name       VARBINARY(255) NOT NULL PRIMARY KEY,
    holder     VARBINARY(255) NOT NULL,
    beat       BIGINT         NOT NULL,
    expires_at BIGINT         NOT NULL
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

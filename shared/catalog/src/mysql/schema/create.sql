-- Says that the tables of this database are the catalog's, and how many steps of their layout were taken.
CREATE TABLE IF NOT EXISTS pappus_layout (
    only_row TINYINT NOT NULL PRIMARY KEY CHECK (only_row = 1),
    layout   BIGINT  NOT NULL
) ENGINE = InnoDB

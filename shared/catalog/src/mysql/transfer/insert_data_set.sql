INSERT INTO data_sets (digest, labelled, frozen_at)
VALUES (?, ?, ?)

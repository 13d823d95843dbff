INSERT INTO data_sets (digest, labelled, frozen_at)
VALUES (?1, ?2, ?3)
ON CONFLICT (digest) DO NOTHING

INSERT INTO data_sets (digest, labelled, frozen_at)
VALUES (?, ?, ?)
ON DUPLICATE KEY UPDATE labelled = VALUES(labelled)

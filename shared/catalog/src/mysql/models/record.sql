INSERT INTO models (name, version, created_at, manifest)
VALUES (?, ?, ?, ?)
ON DUPLICATE KEY UPDATE name = VALUES(name)

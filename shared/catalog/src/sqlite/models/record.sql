INSERT INTO models (name, version, created_at, manifest)
VALUES (?1, ?2, ?3, ?4)
ON CONFLICT (name, version) DO NOTHING

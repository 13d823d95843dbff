SELECT CONCAT(name, '/', version) AS id, manifest
FROM models
WHERE name = ?
ORDER BY created_at DESC, version DESC
LIMIT ?

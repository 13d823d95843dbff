SELECT name || '/' || version, manifest
FROM models
WHERE name = ?1
ORDER BY created_at DESC, version DESC
LIMIT ?2

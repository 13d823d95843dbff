SELECT name || '/' || version, manifest
FROM models
WHERE name = ?1 AND version = ?2

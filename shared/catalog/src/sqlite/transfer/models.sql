SELECT name || '/' || version AS key, manifest
FROM models
WHERE (name, version) >= (?1, ?2)
ORDER BY name, version
LIMIT ?4

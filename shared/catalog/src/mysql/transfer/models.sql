SELECT CONCAT(name, '/', version) AS id, manifest
FROM models
WHERE name >= ? AND (name > ? OR version >= ?)
ORDER BY name, version
LIMIT ?

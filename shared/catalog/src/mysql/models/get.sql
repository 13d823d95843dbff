SELECT CONCAT(name, '/', version) AS id, manifest
FROM models
WHERE name = ? AND version = ?

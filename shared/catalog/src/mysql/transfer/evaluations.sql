SELECT CONCAT(name, '/', version) AS id, evaluation
FROM evaluations
WHERE name >= ? AND (name > ? OR version > ? OR version = ? AND data_set >= ?)
ORDER BY name, version, data_set
LIMIT ?

SELECT CONCAT(name, '/', version) AS id, evaluation
FROM evaluations
WHERE name = ? AND version = ?
ORDER BY at DESC
LIMIT 1

SELECT name || '/' || version, evaluation
FROM evaluations
WHERE name = ?1 AND version = ?2
ORDER BY at DESC
LIMIT 1

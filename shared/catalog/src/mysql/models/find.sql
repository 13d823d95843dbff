SELECT version
FROM models
WHERE name = ? AND version >= ? AND version < ?
ORDER BY version
LIMIT 2

DELETE FROM decisions
WHERE at < ?
ORDER BY at, id
LIMIT ?
